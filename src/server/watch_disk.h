#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "server/disk_watch.h"

namespace spdlog {
class logger;
}

namespace aiflow::server {

/// A watch over the file system of `path` that tells the log when its level changes. `refused`:
/// what is refused when there is too little space.
std::unique_ptr<DiskWatch> WatchDisk(const std::filesystem::path& path,
                                     std::optional<uint64_t> reserve, const std::string& refused,
                                     std::shared_ptr<spdlog::logger> logger);

}  // namespace aiflow::server
