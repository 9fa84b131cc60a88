// Private to api/grpc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace aiflow::api {

struct LogPiece {
  std::string data;
  int64_t next_byte = 0;  // of the log, behind the piece
};

/// Reads the next piece of the bytes [begin, end) of a task's log, as ReadPiece does. Where the
/// bytes were dropped by the bound of logs, the piece is one line that says so, and the next is
/// what remains, also when that is behind `end`. Nothing when the log cannot be read.
std::optional<LogPiece> ReadLogPiece(int fd, int64_t begin, int64_t end);

}  // namespace aiflow::api
