#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/attempt_key.h"
#include "model/event.h"
#include "model/execution_status.h"
#include "model/ids.h"
#include "model/task_status.h"
#include "model/workflow_spec.h"

/// The durable rows of the metadata store, as plain values. The scheduler's state is made of the
/// same rows, so that state and store can be compared row by row. Times of 0 mean "not yet".
namespace aiflow {

struct NamespaceRow {
  std::string name;
  std::string properties_json = "{}";
  friend bool operator==(const NamespaceRow&, const NamespaceRow&) = default;
};

struct WorkflowRow {
  WorkflowId id;
  std::string ns;
  std::string name;
  bool enabled = true;
  Millis created{0};
  Millis updated{0};
  Offset event_offset = -1;
  SnapshotId latest_snapshot;  // invalid: an old client has not added one yet
  // SHA-256 (hex) of blobs; empty = none.
  std::string content_digest;
  std::string pickled_digest;
  friend bool operator==(const WorkflowRow&, const WorkflowRow&) = default;
};

struct SnapshotRow {
  SnapshotId id;
  WorkflowId workflow_id;
  Millis created{0};
  std::string spec_digest;    // SHA-256 (hex) of the canonical spec; empty: not compiled
  std::string bundle_digest;  // SHA-256 (hex) of the archive; empty: none
  std::string bundle_name;    // top directory inside the archive
  std::string uri;            // as shown to old clients
  std::string signature;      // MD5 (hex) as given by old clients
  std::string pickled_digest;
  /// The blob of `spec_digest`, parsed; not stored. Filled by whoever makes or loads the row.
  std::shared_ptr<const WorkflowSpec> spec;
  friend bool operator==(const SnapshotRow& a, const SnapshotRow& b) {
    return a.id == b.id && a.workflow_id == b.workflow_id && a.created == b.created &&
           a.spec_digest == b.spec_digest && a.bundle_digest == b.bundle_digest &&
           a.bundle_name == b.bundle_name && a.uri == b.uri && a.signature == b.signature &&
           a.pickled_digest == b.pickled_digest;
  }
};

/// Who stopped a task or execution, and so how it counts in the outcome.
enum class StopCause : uint8_t { kNone = 0, kRule = 1, kRequest = 2, kLimit = 3, kRestart = 4 };

struct ExecutionRow {
  ExecutionId id;
  WorkflowId workflow_id;
  SnapshotId snapshot_id;
  ExecutionStatus status = ExecutionStatus::kInit;
  RunType run_type = RunType::kManual;
  StopCause stop_cause = StopCause::kNone;
  Millis begin{0};
  Millis end{0};
  Offset event_offset = -1;   // last event applied to it
  Offset created_offset = 0;  // the event that created it; it sees later ones only
  std::string reason;         // why it failed or stopped, for people
  friend bool operator==(const ExecutionRow&, const ExecutionRow&) = default;
};

/// The scheduling record of one task of one execution; exists once the task was ever touched.
struct TaskRow {
  ExecutionId execution_id;
  TaskIndex task = 0;
  int64_t last_sequence = 0;           // counter: never reused
  int64_t latest = 0;                  // sequence of the latest task execution that was started
  int64_t current = 0;                 // sequence of the dispatched, not ended one; 0 = none
  int64_t successor = 0;               // sequence of the one waiting (INIT); 0 = none
  std::vector<Offset> pending_starts;  // FIFO of causing events, on_alive=queue
  friend bool operator==(const TaskRow&, const TaskRow&) = default;
};

struct TaskExecutionRow {
  TaskExecutionId id;
  ExecutionId execution_id;
  TaskIndex task = 0;
  std::string task_name;
  int64_t sequence = 0;
  int64_t try_number = 1;
  TaskStatus status = TaskStatus::kInit;
  StopCause stop_cause = StopCause::kNone;
  Millis begin{0};  // when the row was created
  Millis end{0};
  Offset cause_offset = 0;    // the event that led to it
  RuleIndex cause_rule = -1;  // the rule that fired; -1: a request or the start of the execution
  int64_t coalesced = 0;      // further restarts folded into this one
  int64_t pid = 0;            // as reported with RUNNING
  std::string reason;         // why it failed or was stopped, for people
  friend bool operator==(const TaskExecutionRow&, const TaskExecutionRow&) = default;

  [[nodiscard]] AttemptKey attempt() const {
    return AttemptKey{execution_id, task, sequence, try_number};
  }
};

/// State of one rule of one execution; exists once an event touched it.
struct RuleStateRow {
  ExecutionId execution_id;
  TaskIndex task = 0;
  RuleIndex rule = 0;
  /// Event leaves and foreign-status leaves in depth-first order of the condition tree: met (1) or
  /// not (0). Leaves over tasks of the same execution are never stored, they mirror the tasks.
  std::vector<uint8_t> slots;
  /// Joins: the (task, sequence) pairs with which it last fired.
  std::vector<std::pair<TaskIndex, int64_t>> fired;
  friend bool operator==(const RuleStateRow&, const RuleStateRow&) = default;
};

enum class CauseKind : uint8_t {
  kStarted = 0,
  kIgnored = 1,    // START on a live task
  kQueued = 2,     // START kept for later
  kCoalesced = 3,  // restart folded into the waiting successor
  kStopped = 4,
  kDropped = 5,   // over max_pending_starts
  kRejected = 6,  // an illegal or late report
};

/// Why something happened to a task; written once, never read by the fold. (execution, offset,
/// task, ordinal) is unique.
struct CauseRow {
  ExecutionId execution_id;
  Offset offset = 0;
  TaskIndex task = 0;
  int32_t ordinal = 0;
  CauseKind kind = CauseKind::kStarted;
  int64_t sequence = 0;
  RuleIndex rule = -1;
  Millis time{0};
  std::string text;
  friend bool operator==(const CauseRow&, const CauseRow&) = default;
};

enum class OutboxKind : uint8_t { kStartAttempt = 0, kStopAttempt = 1, kPublish = 2 };

/// Something that leaves the engine once committed. Start and stop rows go when the attempt's
/// report arrives; publish rows go when the log acknowledged the event.
struct OutboxRow {
  OutboxId id;
  OutboxKind kind = OutboxKind::kPublish;
  Offset offset = 0;   // the event that made it; retention keeps that event
  AttemptKey attempt;  // kStartAttempt, kStopAttempt
  Event publish;       // kPublish: complete but for offset and time; `id` is deterministic
  friend bool operator==(const OutboxRow&, const OutboxRow&) = default;
};

/// The engine's answer to a request event, kept so that a repeated request gets the same answer.
struct ReplyRow {
  Offset offset = 0;
  int code = 0;         // a Code
  std::string message;  // error text, or what was done
  int64_t id = 0;       // the main id the request made or touched
  std::string detail;   // JSON, when one id is not enough
  friend bool operator==(const ReplyRow&, const ReplyRow&) = default;
};

/// The counters that ids come from. One row.
struct CountersRow {
  int64_t workflow = 0;
  int64_t snapshot = 0;
  int64_t execution = 0;
  int64_t task_execution = 0;
  int64_t outbox = 0;
  friend bool operator==(const CountersRow&, const CountersRow&) = default;
};

struct EraseNamespace {
  std::string name;
  friend bool operator==(const EraseNamespace&, const EraseNamespace&) = default;
};
/// With its snapshots, executions and all they own
struct EraseWorkflow {
  WorkflowId id;
  friend bool operator==(const EraseWorkflow&, const EraseWorkflow&) = default;
};
struct EraseSnapshot {
  SnapshotId id;
  friend bool operator==(const EraseSnapshot&, const EraseSnapshot&) = default;
};
/// With all it owns
struct EraseExecution {
  ExecutionId id;
  friend bool operator==(const EraseExecution&, const EraseExecution&) = default;
};
struct EraseOutbox {
  OutboxId id;
  friend bool operator==(const EraseOutbox&, const EraseOutbox&) = default;
};

/// One change of the durable state: a row put in place of the one with the same key, or removed.
using Change =
    std::variant<NamespaceRow, WorkflowRow, SnapshotRow, ExecutionRow, TaskRow, TaskExecutionRow,
                 RuleStateRow, CauseRow, OutboxRow, ReplyRow, CountersRow, EraseNamespace,
                 EraseWorkflow, EraseSnapshot, EraseExecution, EraseOutbox>;

}  // namespace aiflow
