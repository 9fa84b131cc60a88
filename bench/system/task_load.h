#pragma once

#include <cstddef>

#include "base/status.h"
#include "server_process.h"

namespace aiflow::bench {

inline constexpr int kChainLength = 20;

struct Reaction {
  double p50_ms = 0;
  double p99_ms = 0;
  size_t samples = 0;
};

/// Time from before an event is sent to the first instruction of the bash task it starts, by the
/// wall clock of the machine, one event at a time on an otherwise idle server.
Result<Reaction> MeasureReaction(const ServerProcess& server, int events);

/// Wall time of a chain of `true` tasks, per task: the median of `runs` executions.
Result<double> MeasureChain(const ServerProcess& server, int runs);

}  // namespace aiflow::bench
