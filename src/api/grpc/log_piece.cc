#include "api/grpc/log_piece.h"

#include <unistd.h>

#include <algorithm>

#include "api/grpc/byte_range.h"

namespace aiflow::api {
namespace {

/// Where the hole ends that `begin` is in; `begin` when it is in none, or at the end of the log.
int64_t EndOfHole(int fd, int64_t begin) {
  return std::max<int64_t>(begin, lseek(fd, begin, SEEK_DATA));
}

LogPiece DroppedPiece(int64_t dropped) {
  return {"[aiflow: the first " + std::to_string(dropped) +
              " bytes of this log were dropped (task_log_max_bytes)]\n",
          dropped};
}

}  // namespace

std::optional<LogPiece> ReadLogPiece(int fd, int64_t begin, int64_t end) {
  if (end != 0 && begin >= end) return LogPiece{{}, begin};
  if (const int64_t data = EndOfHole(fd, begin); data > begin) return DroppedPiece(data);
  LogPiece piece;
  if (!ReadPiece(fd, begin, end, &piece.data)) return std::nullopt;
  // Dropped while it was read, it may be zeros.
  if (const int64_t data = EndOfHole(fd, begin); data > begin) return DroppedPiece(data);
  piece.next_byte = begin + static_cast<int64_t>(piece.data.size());
  return piece;
}

}  // namespace aiflow::api
