#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace aiflow::server {

/// A log in one file that never grows beyond a size: `x.log` is moved to `x.log.1`, that to
/// `x.log.2` and so on. What cannot be written is dropped, counted, and told in the file as soon as
/// it can be; no call ever fails for it. Not thread-safe.
class LogFile {
 public:
  struct Options {
    std::filesystem::path path;
    uint64_t max_bytes = 64U << 20;
    int64_t files = 10;  // at least 1; those of `x.log` and its predecessors
    /// The line, with its end, that stands for so many dropped ones.
    std::function<std::string(int64_t dropped, const std::string& reason)> marker;
  };
  explicit LogFile(Options options);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Opens the file, made for its owner alone when missing. After an error every Write tries again.
  Status Open();
  /// Appends one line, which ends in a newline.
  void Write(std::string_view line);
  /// Closes the file and opens what has its name now: somebody has moved it away.
  void Reopen();

  [[nodiscard]] const std::filesystem::path& path() const { return options_.path; }
  /// Lines dropped since the file was made.
  [[nodiscard]] int64_t dropped() const { return dropped_; }

 private:
  bool Append(std::string_view text);
  bool TellDropped();
  void Rotate();
  void Close();

  const Options options_;
  int fd_ = -1;
  uint64_t size_ = 0;
  bool torn_ = false;  // the last line was written in part
  int64_t dropped_ = 0;
  int64_t untold_ = 0;  // of these, those the file does not tell of
  std::string reason_;  // of the last one
};

/// Removes the oldest files (by the time of their last change) in `directory` whose names begin
/// with `prefix` and hold `.log`, so that at most `keep` stay; never `current`. Errors are passed
/// over.
void PruneLogFiles(const std::filesystem::path& directory, const std::string& prefix, int64_t keep,
                   const std::filesystem::path& current);

}  // namespace aiflow::server
