#pragma once

#include <chrono>

namespace aiflow {

/// Wall-clock time as stored everywhere: milliseconds since the Unix epoch.
using Millis = std::chrono::milliseconds;

/// The one door to time outside tests. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, since the Unix epoch; may step.
  virtual Millis Now() const = 0;
  /// Monotonic; only differences mean anything.
  virtual std::chrono::nanoseconds Monotonic() const = 0;
};

/// The machine's clock. Never destroyed.
const Clock& SystemClock();

}  // namespace aiflow
