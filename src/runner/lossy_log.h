#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aiflow::runner {

/// Appends to a log file that may meet a full disk: what does not fit is lost, line by line, and a
/// line says how much once there is room again. Never waits, never fails. Not thread-safe.
class LossyLog {
 public:
  /// `fd`: a regular file, open to read and to append; stays the caller's, who alone writes to it.
  explicit LossyLog(int fd) : fd_(fd) {}

  void Append(std::string_view bytes);
  /// A line of its own: "[aiflow: TEXT]".
  void AppendNote(std::string_view text);
  /// Tells of what was lost last; without room for that, in the place of the last lines.
  void Finish();

 private:
  void Lose(std::string_view bytes);
  [[nodiscard]] std::string LossNote() const;
  /// False when not all of it fits; then nothing of it is there.
  bool AppendWhole(const std::string& text);
  void OverwriteEnd();

  const int fd_;
  bool at_line_start_ = true;  // of the log, as far as it was written by this object
  int64_t lost_lines_ = 0;
  int64_t lost_bytes_ = 0;
  bool losing_line_ = false;  // the stream is within a line whose begin is lost
  int error_ = 0;             // of the last write
};

}  // namespace aiflow::runner
