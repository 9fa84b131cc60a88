#pragma once

#include <filesystem>

#include "base/status.h"

namespace aiflow::sqlite {

/// The exclusive right of one process to a database: a lock on a file beside it (of the open file,
/// fcntl(2) F_OFD_SETLK), which the kernel releases when the process ends, however it ends. The
/// file stays; it names the last holder's pid.
class HomeLock {
 public:
  /// kFailedPrecondition naming the holder's pid when somebody else (also in this process) has it.
  static Result<HomeLock> Take(const std::filesystem::path& path);

  /// Whether somebody has it now. Takes nothing, so that who looks keeps nobody out.
  static bool IsHeld(const std::filesystem::path& path);

  HomeLock(HomeLock&& other) noexcept;
  HomeLock& operator=(HomeLock&& other) noexcept;
  ~HomeLock();

 private:
  explicit HomeLock(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace aiflow::sqlite
