#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

/// The file of settings in a home, as the commands `config init` and `config list` treat it.
namespace aiflow::server {

/// Writes the file, for its owner alone. kAlreadyExists, with the path as its message, leaves one
/// that is there as it is.
Result<std::filesystem::path> InitConfigFile(const std::filesystem::path& path,
                                             const std::string& text);

/// kNotFound says that the defaults apply, and that `init`, a command, writes them there.
Result<std::string> ListConfigFile(const std::filesystem::path& path, const std::string& init);

}  // namespace aiflow::server
