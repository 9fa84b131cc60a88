#pragma once

#include <optional>

#include "engine/engine.h"
#include "model/rows.h"
#include "scheduler/state_rep.h"

namespace aiflow {

/// The rows that belong to one attempt. Valid until the state changes.
struct RunRows {
  const WorkflowRow& workflow;
  const SnapshotEntry& snapshot_entry;
  const SnapshotRow& snapshot;
  const ExecutionEntry& execution;
  const TaskExecutionRow& run;
};

/// Nothing when the state has no such attempt (its execution has ended).
std::optional<RunRows> FindRun(const State& state, const AttemptKey& attempt);

/// Parameters, due time and upstream outputs of an attempt that `cause` led to.
AttemptInputs InputsOf(const RunRows& rows, const Event& cause);

}  // namespace aiflow
