#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow::cli {

/// Hands a bundle to the blob manager that `aiflow_client.yaml` of `home` names, in a process of
/// `python` (docs/blob-stores.md), as `TOP-DIGEST.zip`. Returns its uri. kInvalidArgument with the
/// manager's own words when it fails.
Result<std::string> StoreInBlobManager(const std::filesystem::path& home, const std::string& python,
                                       const std::string& top_directory, const std::string& bytes);

}  // namespace aiflow::cli
