#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/duration_histogram.h"

namespace aiflow {

/// What a LogService has done since it was made, for the operator's metrics. Thread-safe.
struct LogCounters {
  std::atomic<int64_t> appended = 0;    // new events
  std::atomic<int64_t> duplicates = 0;  // repeated ones, answered without a write
  std::atomic<int64_t> refused = 0;     // for want of room in the queue or on the disk
  std::atomic<int64_t> batches = 0;     // group commits that stored something or failed
  std::atomic<int64_t> failed_batches = 0;
  DurationHistogram write;   // of a group commit, its sync included
  DurationHistogram append;  // of an event, from its acceptance until it is durable
};

/// What waits in a LogService now.
struct LogQueue {
  size_t events = 0;
  size_t bytes = 0;
  size_t polls = 0;  // long polls that wait for an event
};

}  // namespace aiflow
