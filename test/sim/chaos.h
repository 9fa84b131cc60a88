#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coverage.h"
#include "mutant.h"
#include "sim_random.h"

namespace aiflow::sim {

/// What happened in one simulated world, for the summary.
struct SimCounts {
  int64_t steps = 0;
  int64_t crashes = 0;
  int64_t recoveries = 0;
  int64_t takeovers = 0;
  int64_t commits = 0;
  int64_t parts = 0;  // commits that leave a decision under way
  int64_t failed_commits = 0;
  int64_t events = 0;
  int64_t executions = 0;
  int64_t attempts = 0;
  int64_t questions = 0;
  Coverage coverage;
};

/// What every part of one simulated world shares: chance, time, the switch for faults, the history
/// and the first broken promise.
struct Chaos {
  Chaos(uint64_t seed_arg, Mutant mutant_arg, bool keep_history)
      : random(seed_arg), seed(seed_arg), mutant(mutant_arg), history_wanted(keep_history) {}

  void Fail(const std::string& what) {
    if (failure.empty()) failure = what;
  }
  [[nodiscard]] bool failed() const { return !failure.empty(); }
  void Note(const std::string& what) {
    if (history_wanted) history.push_back(std::to_string(counts.steps) + " " + what);
  }

  /// So many events in a thousand are poisonous, always the same ones.
  [[nodiscard]] bool IsPoison(int64_t offset, uint64_t per_mille) const {
    constexpr int64_t kFirst = 12;  // the uploads of the beginning are decided
    if (!faults || offset <= kFirst) return false;
    uint64_t x = seed * 0x9e3779b97f4a7c15U + static_cast<uint64_t>(offset);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    x ^= x >> 31;
    return x % 1000 < per_mille;
  }

  void Meet(Met what, int64_t times = 1) {
    counts.coverage.met[static_cast<size_t>(what)] += times;
  }
  void MeetCommit(Fault fault, Decided decided) {
    ++counts.coverage.commits[static_cast<size_t>(fault)][static_cast<size_t>(decided)];
  }

  SimRandom random;
  const uint64_t seed;
  const Mutant mutant;
  const bool history_wanted;
  bool faults = true;
  Millis now{1'700'000'000'000};
  std::string failure;
  std::vector<std::string> history;
  SimCounts counts;
};

/// Whether the server process is dead. Shared with everything that would call back into it.
struct Pulse {
  bool dead = false;
};

}  // namespace aiflow::sim
