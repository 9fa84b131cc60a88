#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace aiflow {

/// Counts durations by size, for the operator's metrics. Thread-safe; an observation costs two
/// relaxed additions. A reader beside writers may see one addition without the other.
class DurationHistogram {
 public:
  /// Upper bounds in seconds, inclusive; what is longer is counted behind the last.
  static constexpr std::array<double, 16> kBounds = {
      0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};
  struct Values {
    std::array<int64_t, kBounds.size() + 1> counts{};  // of each bucket alone
    double sum_seconds = 0;
  };

  /// `times` durations of this size. A negative one, as from a clock that was set back, counts as
  /// none.
  void Observe(std::chrono::nanoseconds duration, int64_t times = 1) {
    const int64_t size = duration.count() < 0 ? 0 : duration.count();
    size_t bucket = 0;
    while (bucket < kBounds.size() && static_cast<double>(size) > kBounds[bucket] * 1e9) ++bucket;
    counts_[bucket].fetch_add(times, std::memory_order_relaxed);
    // Microseconds, so that the sum holds for hundreds of thousands of years.
    sum_micros_.fetch_add(size / 1'000 * times, std::memory_order_relaxed);
  }

  [[nodiscard]] Values Read() const {
    Values values;
    for (size_t i = 0; i < counts_.size(); ++i) {
      values.counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    values.sum_seconds = static_cast<double>(sum_micros_.load(std::memory_order_relaxed)) / 1e6;
    return values;
  }

 private:
  std::array<std::atomic<int64_t>, kBounds.size() + 1> counts_{};
  std::atomic<int64_t> sum_micros_ = 0;
};

}  // namespace aiflow
