#include "server/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"

namespace aiflow::server {

namespace fs = std::filesystem;

LogFile::LogFile(Options options) : options_(std::move(options)) {
  CHECK(options_.files >= 1) << options_.files;
}

LogFile::~LogFile() { Close(); }

void LogFile::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Status LogFile::Open() {
  if (fd_ >= 0) return Status::Ok();
  fd_ = open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    reason_ = std::strerror(errno);
    return {Code::kUnavailable, "cannot open " + options_.path.string() + ": " + reason_};
  }
  struct stat info {};
  size_ = fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  return Status::Ok();
}

void LogFile::Reopen() {
  Close();
  torn_ = false;
  (void)Open();
}

bool LogFile::Append(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      reason_ = written < 0 ? std::strerror(errno) : "nothing was written";
      return false;
    }
    size_ += static_cast<uint64_t>(written);
    text.remove_prefix(static_cast<size_t>(written));
    torn_ = !text.empty();
  }
  return true;
}

bool LogFile::TellDropped() {
  if (torn_ && !Append("\n")) return false;
  torn_ = false;
  if (untold_ == 0) return true;
  if (!options_.marker) return true;
  if (!Append(options_.marker(untold_, reason_))) return false;
  untold_ = 0;
  return true;
}

void LogFile::Rotate() {
  const auto numbered = [this](int64_t number) {
    fs::path path = options_.path;
    return path += "." + std::to_string(number);
  };
  std::error_code error;
  int64_t last = 0;
  while (last + 1 < options_.files && fs::exists(numbered(last + 1), error)) ++last;
  // The oldest one is replaced when there are as many as there may be.
  for (int64_t number = std::min(last, options_.files - 2); number >= 1; --number) {
    fs::rename(numbered(number), numbered(number + 1), error);
  }
  if (options_.files == 1) {
    fs::remove(options_.path, error);
  } else {
    fs::rename(options_.path, numbered(1), error);
  }
  Reopen();
  // What could not be moved is not tried again with every line.
  if (error) size_ = 0;
}

void LogFile::Write(std::string_view line) {
  if (fd_ >= 0 && size_ > 0 && size_ + line.size() > options_.max_bytes) Rotate();
  if (Open().ok() && TellDropped() && Append(line)) return;
  ++dropped_;
  ++untold_;
}

void PruneLogFiles(const fs::path& directory, const std::string& prefix, int64_t keep,
                   const fs::path& current) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  fs::directory_iterator it(directory, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix) || name.find(".log") == std::string::npos) continue;
    std::error_code ignored;
    if (it->path() == current || !it->is_regular_file(ignored)) continue;
    found.emplace_back(it->last_write_time(ignored), it->path());
  }
  std::sort(found.rbegin(), found.rend());
  for (size_t i = 0; i < found.size(); ++i) {
    if (static_cast<int64_t>(i) + 1 >= keep) fs::remove(found[i].second, error);
  }
}

}  // namespace aiflow::server
