#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "scheduler/state.h"

namespace aiflow {

/// What a State holds, in numbers, for the operator's metrics. Plain value.
struct Census {
  std::array<int64_t, 6> executions{};  // unfinished ones, by ExecutionStatus
  std::array<int64_t, 8> runs{};        // that have not ended, by TaskStatus
  int64_t executions_ever = 0;
  int64_t runs_ever = 0;
  std::array<int64_t, 5> outbox{};  // rows, by OutboxKind
  int64_t namespaces = 0;
  int64_t workflows = 0;
  int64_t schedules = 0;
  int64_t triggers = 0;
  int64_t timers = 0;
  int64_t waiting_runs = 0;   // for a slot
  int64_t questions = 0;      // about user-written conditions, in flight
  int64_t failed_events = 0;  // dead letters, quarantined events among them
  int64_t quarantined = 0;
  int64_t suspended = 0;  // executions and workflows that hold their events
  struct Pool {
    int64_t slots = 0;
    int64_t used = 0;
  };
  std::map<std::string, Pool> pools;  // the executor's among them
};

/// Takes time in proportion to the unfinished executions and their tasks: about 10 ms for 100,000.
Census TakeCensus(const State& state);

}  // namespace aiflow
