#pragma once

#include <cstdint>
#include <string>

namespace aiflow::runner {

enum class LogCut : uint8_t { kNothing, kCut, kImpossible };

/// Gives back the disk space of all but about the last `max_bytes` of a log that is still written
/// to. Its size and the offsets of what remains stay as they are: where the head was is a hole.
/// Cuts in steps of an eighth of `max_bytes`, and never keeps less than those. kImpossible where
/// the file system has no holes.
LogCut BoundLog(const std::string& path, int64_t max_bytes);

}  // namespace aiflow::runner
