#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"

namespace aiflow::sim {

/// The one source of chance in a simulated world (splitmix64): one seed, one history.
class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed) {
    // Neighbouring seeds must not be one stream with a shift.
    state_ = Next() ^ (seed << 32);
  }

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  /// 0 .. bound-1.
  int64_t Below(int64_t bound) {
    CHECK(bound > 0);
    return static_cast<int64_t>(Next() % static_cast<uint64_t>(bound));
  }
  bool Percent(int64_t percent) { return Below(100) < percent; }
  bool PerMille(int64_t per_mille) { return Below(1000) < per_mille; }
  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[static_cast<size_t>(Below(static_cast<int64_t>(items.size())))];
  }

 private:
  uint64_t state_;
};

}  // namespace aiflow::sim
