#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/admission.h"
#include "base/clock.h"
#include "base/status.h"

namespace aiflow::server {

/// A file system, as this process may use it.
struct DiskSpace {
  uint64_t size = 0;
  uint64_t free = 0;
  uint64_t inodes = 0;  // 0: the file system does not count them
  uint64_t free_inodes = 0;
};

Result<DiskSpace> ReadDiskSpace(const std::filesystem::path& path);

enum class DiskLevel : uint8_t {
  kFine = 0,
  kLow = 1,   // below the reserve: somebody should look
  kFull = 2,  // below half of it: what is new is refused from outside
};

struct DiskReport {
  DiskLevel level = DiskLevel::kFine;
  DiskSpace space;
  uint64_t reserve = 0;        // bytes
  uint64_t inode_reserve = 0;  // 0: inodes are not counted
  std::string text;            // what is wrong and what to do; empty when fine
};

/// What to keep free on a file system of `size` bytes when the configuration does not say:
/// 256 MiB, but at most a tenth.
uint64_t DefaultDiskReserve(uint64_t size);

/// The level of a file system, in numbers and words. `reserve`: nothing for the default.
/// `refused` are what is refused when there is too little: "new events".
DiskReport JudgeDisk(const DiskSpace& space, std::optional<uint64_t> reserve,
                     const std::string& path,
                     const std::string& refused = "new events, uploads and starts");

/// Raises an alarm before the disk of a home is full, so that what the engine and the tasks have
/// yet to say still finds room. Looks only when something is written, at most once per second but
/// once per 16 MiB, or when asked; an idle server never does. Thread-safe.
class DiskWatch {
 public:
  struct Options {
    std::string path;                                        // named in messages
    std::string refused = "new events, uploads and starts";  // also
    std::optional<uint64_t> reserve;  // bytes; nothing: the default; 0: never an alarm
    std::function<Result<DiskSpace>()> look;
    /// Called when the level has changed, from the thread that noticed; must not block.
    std::function<void(const DiskReport&)> changed;
  };
  /// `clock` must outlive the watch.
  DiskWatch(Options options, const Clock& clock);

  /// `bytes` are about to be written. kResourceExhausted, with what to do, for what comes from
  /// outside while the level is kFull.
  Status Admit(Admission admission, size_t bytes);
  /// As of now. A file system that cannot be looked at counts as what it was before.
  DiskReport Look();
  /// As of the last look.
  [[nodiscard]] DiskLevel level() const { return level_.load(std::memory_order_relaxed); }

 private:
  const Options options_;
  const Clock& clock_;
  std::atomic<uint64_t> written_ = 0;   // since the last look
  std::atomic<int64_t> next_look_ = 0;  // monotonic nanoseconds
  std::atomic<DiskLevel> level_ = DiskLevel::kFine;
  std::mutex mutex_;
  DiskReport last_;  // guarded by mutex_
};

}  // namespace aiflow::server
