#include "storage/sqlite/home_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace aiflow::sqlite {
namespace {

struct flock WholeFile() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string HolderOf(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = pread(fd, text.data(), text.size() - 1, 0);
  std::string holder(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "unknown" : holder;
}

}  // namespace

Result<HomeLock> HomeLock::Take(const std::filesystem::path& path) {
  // Close-on-exec: a task that inherited the lock would keep the next server out.
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error(Code::kUnavailable,
                 "cannot open the lock file " + path.string() + ": " + std::strerror(errno));
  }
  HomeLock lock(fd);
  struct flock whole = WholeFile();
  if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
    if (errno != EAGAIN && errno != EACCES) {
      return Error(Code::kUnavailable,
                   "cannot lock " + path.string() + ": " + std::strerror(errno));
    }
    return Error(Code::kFailedPrecondition, "another process (pid " + HolderOf(fd) +
                                                ") uses this database, it holds " + path.string() +
                                                "; stop that server first, or use another home");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  // Only for messages: an error here takes nothing away from the lock.
  if (ftruncate(fd, 0) == 0) [[maybe_unused]]
    const ssize_t written = pwrite(fd, pid.data(), pid.size(), 0);
  return lock;
}

bool HomeLock::IsHeld(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock whole = WholeFile();
  const bool held = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
  close(fd);
  return held;
}

HomeLock::HomeLock(HomeLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

HomeLock& HomeLock::operator=(HomeLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

HomeLock::~HomeLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace aiflow::sqlite
