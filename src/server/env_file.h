#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace aiflow::server {

inline constexpr size_t kMaxEnvFileBytes = 64 << 10;
inline constexpr size_t kMaxEnvFileVariables = 1'000;
/// Of all files of a task together.
inline constexpr size_t kMaxEnvFilesBytes = 256 << 10;

struct EnvFileVariables {
  std::map<std::string, std::string> values;  // of a name that is there twice, the later
  std::vector<std::string> secrets;           // every value that any file holds, once
};

/// The variables of a text as docs/formats/task-environment.md describes it, added to `variables`.
/// kInvalidArgument "line N: what"; never a part of a value.
Status ParseEnvFile(std::string_view text, EnvFileVariables* variables);

/// Reads the files in order. `~`, `{AIFLOW_HOME}`, `$NAME` and `${NAME}` in a path stand for what
/// they do in the configuration; what is not absolute then is relative to `home`. An error names
/// the file, and what to do; never a part of a value. Does not wait for anything but the disk.
Result<EnvFileVariables> ReadEnvFiles(const std::vector<std::string>& files,
                                      const std::filesystem::path& home);

}  // namespace aiflow::server
