#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "model/rows.h"

namespace aiflow {

/// One transaction of the engine.
struct CommitBatch {
  Epoch epoch = 0;         // must equal the lease's
  Offset from_offset = 0;  // must equal the stored committed offset
  Offset to_offset = 0;    // the new one; equal to from_offset for pure acknowledgements, and for
                           // all but the last part of a decision
  int64_t from_part = 0;   // must equal the `part` of the stored CursorRow; `changes` may hold a
                           // new one
  std::vector<Change> changes;
};

/// What a store knows besides rows.
struct StoreMeta {
  std::string log_id;  // of the log its offsets belong to; empty in a new store
  Offset committed = 0;
  int64_t part = 0;  // of the stored CursorRow: parts of the decision about the event after it
  Epoch epoch = 0;
  std::string holder;  // who has the lease, for messages
  std::string secret;  // 32 random bytes (hex) made with the store; keys attempt tokens
  int schema_version = 0;
};

/// The durable metadata: rows, committed offset, outbox and lease. One engine thread writes; the
/// queries of Queries may run beside it from any thread.
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<StoreMeta> Meta() const = 0;
  /// Binds a new store to its log; kFailedPrecondition when it is bound to another.
  virtual Status BindLog(const std::string& log_id) = 0;

  /// Takes the lease: epoch := epoch + 1, durably. Returns the new epoch.
  virtual Result<Epoch> TakeLease(const std::string& holder) = 0;

  /// All or nothing, durable on return. kAborted when epoch, from_offset or from_part differ from
  /// the stored ones (somebody else took the lease, or an earlier commit has arrived after all):
  /// nothing changed. After any other error the caller must
  /// re-read Meta before it goes on: the commit may or may not have happened.
  virtual Status Commit(const CommitBatch& batch) = 0;

  /// The rows that belong into the scheduler's State (scheduler/state.h), as changes, without the
  /// parsed specs of snapshots; the caller resolves those. The CursorRow only when its `part` is
  /// not 0, the RecoveryRow only when it counts crashes.
  virtual Result<std::vector<Change>> Load() const = 0;

  /// What Load would give of one execution if it were unfinished; empty when it is not there.
  virtual Result<std::vector<Change>> LoadExecution(ExecutionId id) const = 0;

  /// For each of the snapshots that an execution uses, finished or not: the ExecutionRow with the
  /// lowest id.
  virtual Result<std::vector<Change>> LoadSnapshotUsers(
      const std::vector<SnapshotId>& snapshots) const = 0;

  /// The ExecutionRows of a workflow, finished or not, that stand for a due time (not 0) in
  /// [from, to), by due time and id.
  virtual Result<std::vector<Change>> LoadDueExecutions(WorkflowId workflow, Millis from,
                                                        Millis to) const = 0;

  /// The ExecutionRows of a workflow, finished or not, by id: the first `limit`.
  virtual Result<std::vector<Change>> LoadWorkflowExecutions(WorkflowId workflow,
                                                             int64_t limit) const = 0;
};

}  // namespace aiflow
