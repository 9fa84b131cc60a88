// Private to api/grpc.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace aiflow::api {

/// Of a request for the bytes [begin, end) of a file; end 0 is the file's. kInvalidArgument.
inline Status CheckByteRange(int64_t begin, int64_t end) {
  if (begin >= 0 && end >= 0 && (end == 0 || begin <= end)) return Status::Ok();
  return {Code::kInvalidArgument, "begin_byte " + std::to_string(begin) + " and end_byte " +
                                      std::to_string(end) + " are no range"};
}

/// Reads the next piece of such a range, at most 64 KiB; empty at its end, or at the file's. False
/// when the file cannot be read.
inline bool ReadPiece(int fd, int64_t begin, int64_t end, std::string* data) {
  constexpr int64_t kPieceBytes = 64 << 10;
  const int64_t left = end == 0 ? kPieceBytes : std::max<int64_t>(0, end - begin);
  data->resize(static_cast<size_t>(std::min(left, kPieceBytes)));
  const ssize_t size = pread(fd, data->data(), data->size(), begin);
  data->resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return size >= 0;
}

/// 0 when it cannot be told.
inline int64_t FileSize(int fd) {
  struct stat file {};
  return fstat(fd, &file) == 0 ? file.st_size : 0;
}

}  // namespace aiflow::api
