#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace aiflow::server {

/// What a server says of itself in its home once it is ready: a JSON object with its addresses,
/// its pid and its version.
struct EndpointFile {
  int64_t pid = 0;  // 0: no server has run here, or the file is damaged
  std::map<std::string, std::string> texts;

  /// Empty when there is none.
  [[nodiscard]] std::string Text(const std::string& name) const;
};

/// Writes `file` and, beside it, the file of the pid alone, for this process.
Status WriteEndpointFile(const std::filesystem::path& file, const std::filesystem::path& pid_file,
                         const std::vector<std::pair<std::string, std::string>>& texts);

/// As the last server wrote it, whether it runs or not.
EndpointFile ReadEndpointFile(const std::filesystem::path& file);

}  // namespace aiflow::server
