#include "server/watch_disk.h"

#include <spdlog/logger.h>

#include <utility>

#include "base/clock.h"
#include "server/byte_size.h"

namespace aiflow::server {

std::unique_ptr<DiskWatch> WatchDisk(const std::filesystem::path& path,
                                     std::optional<uint64_t> reserve, const std::string& refused,
                                     std::shared_ptr<spdlog::logger> logger) {
  DiskWatch::Options options;
  options.path = path.string();
  options.refused = refused;
  options.reserve = reserve;
  options.look = [path] { return ReadDiskSpace(path); };
  options.changed = [logger = std::move(logger)](const DiskReport& report) {
    if (report.level == DiskLevel::kFine) {
      logger->info("disk: there is enough space again, {} free", ByteSizeText(report.space.free));
    } else {
      logger->warn("disk: {}", report.text);
    }
  };
  return std::make_unique<DiskWatch>(std::move(options), SystemClock());
}

}  // namespace aiflow::server
