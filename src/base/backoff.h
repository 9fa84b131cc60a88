#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace aiflow {

/// The pauses between the attempts of a client whose server is away or busy: each about twice as
/// long as the one before, up to two seconds, and from the upper half of its limit at random, so
/// that many clients of one server do not come back together. Not thread-safe.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kMax{2'000};

  std::chrono::milliseconds Next() {
    std::uniform_int_distribution<int64_t> pick(limit_.count() / 2, limit_.count());
    limit_ = std::min(limit_ * 2, kMax);
    return std::chrono::milliseconds(pick(random_));
  }
  /// After a success.
  void Reset() { limit_ = kFirst; }

 private:
  std::chrono::milliseconds limit_ = kFirst;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace aiflow
