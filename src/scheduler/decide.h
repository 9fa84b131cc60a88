#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/event.h"
#include "model/rows.h"
#include "scheduler/state.h"

namespace aiflow {

/// One event with what its digests name. The engine resolves blobs, so that Decide stays pure.
struct DecideInput {
  const Event& event;
  /// The parsed blob of `spec_digest`, for UPLOAD_WORKFLOW and ADD_SNAPSHOT; null when it names
  /// none.
  std::shared_ptr<const WorkflowSpec> spec;
  /// The rows of the execution that ExecutionToLoad names, as a store's LoadExecution gives them;
  /// empty when it names none, or one that is deleted. Or the rows of those that
  /// DueExecutionsToLoad names.
  std::vector<Change> loaded;
};

/// The effects of one event: final row values, outbox rows (as OutboxRow and EraseOutbox changes)
/// and the reply of a request, in a deterministic order. Empty when the event concerns nothing.
struct Decision {
  std::vector<Change> changes;
};

/// The scheduler: a pure function. No clock, thread, randomness or I/O; the time is the event's
/// create_time and ids come from the state's counters. Every event is acceptable: what cannot be
/// done becomes a ReplyRow with an error or is recorded as a CauseRow.
Decision Decide(const State& state, const DecideInput& input);

/// The execution whose rows `event` needs as DecideInput::loaded: it asks to run, rerun or mark
/// tasks of one that is not in the state, because it has finished or was deleted. The caller must
/// have committed everything before.
std::optional<int64_t> ExecutionToLoad(const Event& event, const State& state);

/// Executions of a workflow, finished or not, by the due time that they stand for.
struct DueExecutions {
  WorkflowId workflow;
  Millis from{0};
  Millis to{0};  // not included
};

/// The executions whose rows `event` needs as DecideInput::loaded: it is a backfill, which starts
/// none for a due time that has one. The caller must have committed everything before.
std::optional<DueExecutions> DueExecutionsToLoad(const Event& event, const State& state);

}  // namespace aiflow
