#include "runner/lossy_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

#include "runner/claim.h"

namespace aiflow::runner {
namespace {

/// As many as possible; the count.
size_t WriteSome(int fd, std::string_view bytes, int* error) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      *error = written < 0 ? errno : ENOSPC;
      break;
    }
    done += static_cast<size_t>(written);
  }
  return done;
}

off_t SizeOf(int fd) {
  struct stat file {};
  return fstat(fd, &file) == 0 ? file.st_size : 0;
}

std::string Count(int64_t count, const char* unit) {
  return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
}

}  // namespace

void LossyLog::Append(std::string_view bytes) {
  if (losing_line_) {
    const std::string_view rest = bytes.substr(0, bytes.find('\n'));
    const size_t size = std::min(rest.size() + 1, bytes.size());
    Lose(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  if (bytes.empty()) return;
  if (lost_bytes_ > 0) {
    if (!AppendWhole(LossNote())) return Lose(bytes);
    lost_bytes_ = lost_lines_ = 0;
  }
  const size_t written = WriteSome(fd_, bytes, &error_);
  if (written > 0) at_line_start_ = bytes[written - 1] == '\n';
  if (written < bytes.size()) Lose(bytes.substr(written));
}

void LossyLog::AppendNote(std::string_view text) {
  // A line that is being lost stays apart from it: the note is for people.
  const std::string line =
      (at_line_start_ ? "[aiflow: " : "\n[aiflow: ") + std::string(text) + "]\n";
  AppendWhole(line);
}

void LossyLog::Finish() {
  if (lost_bytes_ == 0) return;
  if (!AppendWhole(LossNote())) OverwriteEnd();
  lost_bytes_ = lost_lines_ = 0;
  losing_line_ = false;
}

void LossyLog::Lose(std::string_view bytes) {
  if (bytes.empty()) return;
  lost_bytes_ += static_cast<int64_t>(bytes.size());
  lost_lines_ += std::count(bytes.begin(), bytes.end(), '\n');
  losing_line_ = bytes.back() != '\n';
}

std::string LossyLog::LossNote() const {
  std::string why = ErrorText(error_);
  why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
  return std::string(at_line_start_ ? "" : "\n") +
         "[aiflow: " + Count(lost_lines_ + (losing_line_ ? 1 : 0), "line") + " (" +
         Count(lost_bytes_, "byte") + ") dropped: " + why + "]\n";
}

bool LossyLog::AppendWhole(const std::string& text) {
  const off_t before = SizeOf(fd_);
  int error = 0;
  const size_t written = WriteSome(fd_, text, &error);
  if (written == text.size()) {
    at_line_start_ = true;
    return true;
  }
  error_ = error;
  if (written > 0) {
    [[maybe_unused]] const int ignored = ftruncate(fd_, before);
  }
  return false;
}

void LossyLog::OverwriteEnd() {
  // Bytes that are there can be written without room. Not through a descriptor that appends.
  const std::string path = "/proc/self/fd/" + std::to_string(fd_);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  constexpr off_t kLongestNote = 160;
  std::array<char, kLongestNote> end{};
  const off_t begin = std::max<off_t>(SizeOf(fd) - kLongestNote, 0);
  const ssize_t size = pread(fd, end.data(), end.size(), begin);
  if (size == kLongestNote) {
    lost_lines_ += losing_line_ ? 1 : 0;
    Lose(std::string_view(end.data(), end.size()));
    losing_line_ = at_line_start_ = false;
    const std::string note = LossNote().substr(0, kLongestNote);
    const auto length = static_cast<off_t>(note.size());
    if (pwrite(fd, note.data(), note.size(), begin) == length) {
      [[maybe_unused]] const int ignored = ftruncate(fd, begin + length);
    }
  }
  close(fd);
}

}  // namespace aiflow::runner
