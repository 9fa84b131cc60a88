#include "server/disk_watch.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "server/byte_size.h"

namespace aiflow::server {
namespace {

constexpr uint64_t kUsualReserve = 256U << 20;
constexpr uint64_t kUsualInodes = 10'000;
constexpr uint64_t kLookEachBytes = 16U << 20;
constexpr std::chrono::nanoseconds kLookEach = std::chrono::seconds(1);

/// Below half of the reserve, below the reserve, or neither.
DiskLevel LevelOf(uint64_t free, uint64_t reserve) {
  if (free < reserve / 2) return DiskLevel::kFull;
  return free < reserve ? DiskLevel::kLow : DiskLevel::kFine;
}

}  // namespace

Result<DiskSpace> ReadDiskSpace(const std::filesystem::path& path) {
  struct statvfs info {};
  int result = 0;
  do {
    result = statvfs(path.c_str(), &info);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    return Error(Code::kUnavailable, "cannot look at the file system of " + path.string() + ": " +
                                         std::strerror(errno));
  }
  return DiskSpace{.size = info.f_blocks * info.f_frsize,
                   .free = info.f_bavail * info.f_frsize,
                   .inodes = info.f_files,
                   .free_inodes = info.f_favail};
}

uint64_t DefaultDiskReserve(uint64_t size) { return std::min(kUsualReserve, size / 10); }

DiskReport JudgeDisk(const DiskSpace& space, std::optional<uint64_t> reserve,
                     const std::string& path, const std::string& refused) {
  DiskReport report;
  report.space = space;
  report.reserve = reserve.value_or(DefaultDiskReserve(space.size));
  if (report.reserve == 0) return report;
  report.inode_reserve = std::min(kUsualInodes, space.inodes / 10);
  const DiskLevel bytes = LevelOf(space.free, report.reserve);
  const DiskLevel inodes = LevelOf(space.free_inodes, report.inode_reserve);
  report.level = std::max(bytes, inodes);
  if (report.level == DiskLevel::kFine) return report;
  report.text = "the file system of " + path + " has ";
  if (bytes >= inodes) {
    report.text += ByteSizeText(space.free) + " free of " + ByteSizeText(space.size) +
                   ", less than the reserve of " + ByteSizeText(report.reserve) + " (disk_reserve)";
  } else {
    report.text += std::to_string(space.free_inodes) + " free inodes of " +
                   std::to_string(space.inodes) + ", less than the reserve of " +
                   std::to_string(report.inode_reserve);
  }
  report.text += report.level == DiskLevel::kFull
                     ? ": " + refused + " are refused until there is more"
                     : ": below half of that, " + refused + " will be refused";
  report.text += "; free some space, or shorten history_retention";
  return report;
}

DiskWatch::DiskWatch(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Status DiskWatch::Admit(Admission admission, size_t bytes) {
  if (options_.reserve == 0U) return Status::Ok();
  const uint64_t written = written_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const int64_t now = clock_.Monotonic().count();
  if (written >= kLookEachBytes || now >= next_look_.load(std::memory_order_relaxed)) Look();
  if (admission != Admission::kExternal || level() != DiskLevel::kFull) return Status::Ok();
  const std::lock_guard lock(mutex_);
  if (last_.level != DiskLevel::kFull) return Status::Ok();
  return {Code::kResourceExhausted, last_.text};
}

DiskReport DiskWatch::Look() {
  DiskReport report;
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    written_.store(0, std::memory_order_relaxed);
    next_look_.store((clock_.Monotonic() + kLookEach).count(), std::memory_order_relaxed);
    const Result<DiskSpace> space = options_.look();
    if (space.has_value()) {
      const DiskLevel before = last_.level;
      last_ = JudgeDisk(*space, options_.reserve, options_.path, options_.refused);
      changed = last_.level != before;
      level_.store(last_.level, std::memory_order_relaxed);
    }
    report = last_;
  }
  if (changed && options_.changed) options_.changed(report);
  return report;
}

}  // namespace aiflow::server
