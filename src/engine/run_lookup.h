#pragma once

#include <optional>

#include "model/rows.h"
#include "scheduler/state.h"

namespace aiflow {

/// The rows that belong to one attempt. Valid until the state changes.
struct RunRows {
  const WorkflowRow& workflow;
  const SnapshotRow& snapshot;
  const TaskExecutionRow& run;
};

/// Nothing when the state has no such attempt (its execution has ended).
std::optional<RunRows> FindRun(const State& state, const AttemptKey& attempt);

}  // namespace aiflow
