// Private to api/grpc.
#pragma once

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

}  // namespace aiflow::api
