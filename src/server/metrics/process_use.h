#pragma once

#include <cstdint>
#include <optional>

namespace aiflow::server {

/// What this process uses, from /proc/self. What cannot be read is 0.
struct ProcessUse {
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
  double cpu_seconds = 0;
  double start_seconds = 0;  // since the Unix epoch
  int64_t threads = 0;
  int64_t open_files = 0;
  std::optional<int64_t> max_files;  // nothing: unlimited
};

/// Reads a few small files. Never fails.
ProcessUse ReadProcessUse();

}  // namespace aiflow::server
