#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/event.h"
#include "model/limits.h"
#include "model/rows.h"
#include "scheduler/state.h"
#include "scheduler/treatment.h"

namespace aiflow {

/// One event with what its digests name. The engine resolves blobs, so that Decide stays pure.
struct DecideInput {
  const Event& event;
  /// The parsed blob of `spec_digest`, for UPLOAD_WORKFLOW and ADD_SNAPSHOT; null when it names
  /// none.
  std::shared_ptr<const WorkflowSpec> spec;
  /// What the store knows of what RowsToLoad names: of the execution all that LoadExecution gives
  /// (nothing when it is deleted), of the snapshots what LoadSnapshotUsers gives, of due times what
  /// LoadDueExecutions gives, of a workflow what LoadWorkflowExecutions gives up to
  /// `max_executions`.
  std::vector<Change> loaded;
  /// What concerns more executions is decided in parts.
  size_t max_executions = limits::kMaxExecutionsPerCommit;
  /// Not kDecide: a part of the decision that has taken the server down.
  Treatment treatment = Treatment::kDecide;
};

/// The effects of one event: final row values, outbox rows (as OutboxRow and EraseOutbox changes)
/// and the reply of a request, in a deterministic order. Empty when the event concerns nothing.
struct Decision {
  std::vector<Change> changes;
};

/// The scheduler: a pure function. No clock, thread, randomness or I/O; the time is the event's
/// create_time and ids come from the state's counters. Every event is acceptable: what cannot be
/// done becomes a ReplyRow with an error or is recorded as a CauseRow.
///
/// An event that concerns very many executions is decided in parts. Each part is committed before
/// the next one is decided, on the state that it made; no other event comes between. With every
/// part but the last the decision holds a CursorRow whose `part` is not 0: Decide is to be called
/// again with the same event, also by the next server.
Decision Decide(const State& state, const DecideInput& input);

/// How many parts of the decision about the next event the state has; 0: none is under way.
int64_t PartsUnderWay(const State& state);

/// Executions of a workflow, finished or not, by the due time that they stand for.
struct DueExecutions {
  WorkflowId workflow;
  Millis from{0};
  Millis to{0};  // not included
};

/// Rows that the state does not have: those of finished executions. At most one of these.
struct WantedRows {
  /// To run, rerun or mark its tasks; it has finished, or was deleted.
  std::optional<ExecutionId> execution;
  /// To be deleted, unless an execution uses them; unfinished ones do not.
  std::vector<SnapshotId> snapshots;
  /// A backfill starts none for a due time that has one.
  std::optional<DueExecutions> due;
  /// To be deleted with its executions, which have all finished.
  std::optional<WorkflowId> workflow;

  [[nodiscard]] bool empty() const {
    return !execution.has_value() && snapshots.empty() && !due.has_value() && !workflow.has_value();
  }
};

/// What `event` needs as DecideInput::loaded; of each part that asks somebody. The caller must
/// have committed everything before.
WantedRows RowsToLoad(const Event& event, const State& state);

}  // namespace aiflow
