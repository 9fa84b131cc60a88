#include "runner/log_bound.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace aiflow::runner {
namespace {

constexpr int64_t kSteps = 8;
/// At least a page: what is within one becomes zeros instead of a hole.
constexpr int64_t kLeastAlignment = 4096;

}  // namespace

LogCut BoundLog(const std::string& path, int64_t max_bytes) {
  struct stat file {};
  if (max_bytes <= 0 || lstat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) {
    return LogCut::kNothing;
  }
  const int64_t alignment = std::max<int64_t>(file.st_blksize, kLeastAlignment);
  const int64_t step = std::max(max_bytes / kSteps, alignment);
  const int64_t end = (file.st_size - max_bytes) / alignment * alignment;
  if (file.st_size <= max_bytes || end < step) return LogCut::kNothing;
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return LogCut::kNothing;
  const off_t begin = lseek(fd, 0, SEEK_DATA);
  LogCut cut = LogCut::kNothing;
  if (begin >= 0 && end - begin >= step) {
    const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    const bool done = fallocate(fd, mode, 0, end) == 0;
    if (done) cut = LogCut::kCut;
    if (!done && (errno == EOPNOTSUPP || errno == ENOSYS)) cut = LogCut::kImpossible;
  }
  close(fd);
  return cut;
}

}  // namespace aiflow::runner
