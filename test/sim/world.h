#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chaos.h"
#include "mutant.h"

namespace aiflow::sim {

struct SimOutcome {
  std::string failure;               // empty: every promise was kept
  std::vector<std::string> history;  // when it was asked for
  SimCounts counts;
};

/// One simulated world from its first upload to its rest: deterministic in (seed, mutant).
SimOutcome RunSeed(uint64_t seed, Mutant mutant, bool keep_history);

}  // namespace aiflow::sim
