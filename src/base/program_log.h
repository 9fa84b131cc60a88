#pragma once

#include <cstdint>
#include <string>

namespace aiflow {

/// The log of a program that the server starts for itself and that appends to it: its stdout and
/// stderr. Best effort.

/// What such a log may grow to before it is moved to `<log>.1`.
inline constexpr int64_t kMaxProgramLogBytes = int64_t{16} << 20;

/// Adds a line of the server's, and keeps the log within its limit.
void NoteInProgramLog(const std::string& log, const std::string& line);
void LimitProgramLog(const std::string& log);

}  // namespace aiflow
