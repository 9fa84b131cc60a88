#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "storage/blobs/remote/http_client.h"
#include "storage/blobs/remote/stop_flag.h"

namespace aiflow::remote {

/// How often and how long one operation is tried.
struct RetryLimits {
  int attempts = 5;
  Millis total{60'000};
  Millis first_delay{100};  // doubles, with some randomness
  Millis max_delay{5'000};
};

/// What has been done since the program started. Thread-safe.
struct RemoteCounters {
  std::atomic<int64_t> requests = 0;
  std::atomic<int64_t> retries = 0;
  std::atomic<int64_t> given_up = 0;  // operations that ended without an answer
};

/// Repeats what may succeed later. Thread-safe.
class Retrier {
 public:
  using Once = std::function<Result<HttpAnswer>(Millis timeout)>;

  /// `stop` must outlive it.
  Retrier(RetryLimits limits, const StopFlag& stop) : limits_(limits), stop_(stop) {}

  /// The first answer that says something for good. Tried again after a back-off, or what
  /// Retry-After asks for: an error kUnavailable, and an answer that IsTransient. When attempts or
  /// time are used up: kUnavailable, with how often and how long.
  Result<HttpAnswer> Run(const Once& once);

  [[nodiscard]] const RemoteCounters& counters() const { return counters_; }
  [[nodiscard]] const RetryLimits& limits() const { return limits_; }

 private:
  const RetryLimits limits_;
  const StopFlag& stop_;
  RemoteCounters counters_;
};

/// 408, 429, and what is the server's fault.
bool IsTransient(const HttpAnswer& answer);

}  // namespace aiflow::remote
