#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"
#include "client/credentials.h"

namespace aiflow::cli {

/// What the program needs of a client's settings. What the file lacks is empty.
struct ClientYaml {
  std::string server_address;
  /// The class of `blob_manager`; empty, too, when it is the folder `blob` of the home, which the
  /// settings that the Python SDK makes name: nobody chose that.
  std::string own_blob_manager;
  client::CredentialSettings credentials;
};

/// Reads `aiflow_client.yaml` of a home, `{AIFLOW_HOME}` in it being the home. No file is no error;
/// kInvalidArgument names the file, and never quotes it: it may hold secrets. A file with a token
/// that others may read is refused only by who uses the token.
Result<ClientYaml> ReadClientYaml(const std::filesystem::path& home);

}  // namespace aiflow::cli
