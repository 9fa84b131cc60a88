#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow::server {

/// The bundle that an old client stored before it told us where: the bytes of the file `uri`, an
/// absolute path or a file:// URL. kNotFound: there is nothing that can be read here;
/// kFailedPrecondition: it is too large, or `signature` is an MD5 in hex and not its. Blocks;
/// thread-safe.
Result<std::string> ReadLegacyBundle(const std::string& uri, const std::string& signature);

/// Where the workflow file is in an unpacked bundle of an old client.
struct LegacyWorkflowFile {
  std::string bundle_name;  // the bundle's top directory
  std::filesystem::path path;
};

/// <name>/<name>.py, where <name> is that of the archive or, when this is not there, of the only
/// directory. kFailedPrecondition without it.
Result<LegacyWorkflowFile> FindLegacyWorkflowFile(const std::filesystem::path& unpacked,
                                                  const std::string& uri);

}  // namespace aiflow::server
