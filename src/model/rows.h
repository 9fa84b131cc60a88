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
enum class StopCause : uint8_t {
  kNone = 0,
  kRule = 1,
  kRequest = 2,
  kLimit = 3,
  kRestart = 4,
  kFailure = 5,  // the engine gave the execution up: it ends FAILED
};

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
  std::string params_json;    // JSON object of all parameters; empty: it has none
  int64_t source = 0;         // the schedule or trigger that started it, by run_type; 0: none
  Millis due{0};              // the due time that it stands for (schedule, backfill)
  Millis deadline{0};         // of execution_timeout; 0: none
  int64_t cascade = 0;        // engine-made statuses since the last event from outside
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
  Millis next_tick{0};                 // periodic: the next due time; 0: not armed
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
  std::string reason;         // why it failed, was stopped or waits, for people
  /// It holds a slot of the executor, and so its start is in the outbox or was acknowledged.
  /// Without one, a QUEUED run waits for it.
  bool has_slot = false;
  /// When something happens to it by itself, by its status: QUEUED without a slot: queue_timeout;
  /// QUEUED with one: start_timeout; RUNNING: execution_timeout; STOPPING: the alarm; RETRYING: the
  /// next try. 0: never.
  Millis deadline{0};
  std::string output;  // the inline result, AIFLOW_OUTPUT
  /// Who runs the try that has, or had, the slot: chosen when it was given. Empty: kLocalExecutor.
  std::string executor;
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

/// A recurrence that starts executions of a workflow.
struct ScheduleRow {
  ScheduleId id;
  WorkflowId workflow_id;
  std::string expression;  // as given
  std::string timezone;    // when the expression names none; empty: UTC
  CatchUp catchup = CatchUp::kOne;
  bool skip_if_active = false;  // no start while an execution of the workflow is unfinished
  std::string params_json;
  bool paused = false;
  Millis created{0};
  int64_t generation = 1;  // grows with every resume: firings of an earlier one are ignored
  Millis next_due{0};      // 0: paused, or there is none
  Millis last_due{0};      // the last one that started an execution
  std::string reason;      // why the due time after that started none, for people; or empty
  friend bool operator==(const ScheduleRow&, const ScheduleRow&) = default;
};

/// A condition that starts executions of a workflow.
struct TriggerRow {
  TriggerId id;
  WorkflowId workflow_id;
  std::string condition_json;  // a condition of docs/formats/workflow-spec.md; empty: not compiled
  std::string params_json;     // parameter -> where its value comes from
  bool paused = false;
  Millis created{0};
  Offset created_offset = 0;   // it sees later events only
  std::string pickled_digest;  // as given by Python clients; its host reads user-written leaves
  std::string bundle_digest;   // the code of user-written leaves: that of the day it was added
  std::string bundle_name;
  std::string host_json;       // HostSpec
  std::vector<uint8_t> slots;  // as RuleStateRow::slots
  std::string reason;          // why it was met last and started nothing, for people; or empty
  friend bool operator==(const TriggerRow&, const TriggerRow&) = default;
};

/// Slots that tasks of all workflows share. Every executor has a pool of its own name.
struct PoolRow {
  std::string name;
  int64_t slots = 0;
  std::string description;
  /// Where tasks of this pool run that name no executor; empty: at the server's default one, which
  /// is written here in the row of kExecutorPool. An executor's own pool has its name here.
  std::string executor;
  friend bool operator==(const PoolRow&, const PoolRow&) = default;
};

/// Of TaskExecutionRow::executor.
inline std::string ExecutorName(const std::string& stored) {
  return stored.empty() ? std::string(kLocalExecutor) : stored;
}

/// The pool of an executor, whose runs take a slot each.
inline bool IsExecutorPool(const PoolRow& pool) {
  return pool.name == kExecutorPool || (!pool.executor.empty() && pool.executor == pool.name);
}

/// A value kept by user-written conditions: of an execution (task rules) or of a workflow
/// (triggers). Written once per answer; the fold never reads it.
struct StateRow {
  ExecutionId execution_id;  // one of the two
  WorkflowId workflow_id;
  std::string name;
  std::string value;  // bytes, as the host encodes them
  friend bool operator==(const StateRow&, const StateRow&) = default;
};

/// A task's latest run as of some event.
struct TaskSnapshot {
  TaskIndex task = 0;
  int64_t sequence = 0;
  TaskStatus status = TaskStatus::kInit;
  friend bool operator==(const TaskSnapshot&, const TaskSnapshot&) = default;
};

/// What must be known to look at an event later: it waits for the answers of user-written
/// conditions, its own or those of events before it. Ordered by (scope, offset, ordinal, task or
/// trigger): the first of each scope (execution; workflow for triggers) is being asked about.
struct EvaluationRow {
  ExecutionId execution_id;  // a task's rules; or
  TriggerId trigger_id;      // a trigger
  Offset offset = 0;         // the event's
  int32_t ordinal = 0;       // of the statuses that one event brings
  TaskIndex task = -1;       // whose rules look at it; -1: the trigger
  WorkflowId workflow_id;
  Event event;                         // as rules see it
  TaskIndex source = -1;               // the own task whose status it is; -1: another event
  std::vector<TaskSnapshot> statuses;  // of all tasks that ran, as of the event
  std::vector<uint8_t> answers;        // of the questions asked so far, in order
  bool decided = false;                // a rule has acted; the rest only observes
  int64_t generation = 1;              // of the question in flight
  // A dead letter asked again: nothing but this leaf sees the event. -1: all that listen to it.
  RuleIndex rule = -1;
  int32_t question = -1;
  friend bool operator==(const EvaluationRow&, const EvaluationRow&) = default;
};

/// A question that no host could answer: counted as not met, kept until somebody retries or drops
/// it. With neither execution nor trigger: an event that took the server down again and again.
struct DeadLetterRow {
  DeadLetterId id;
  ExecutionId execution_id;
  TriggerId trigger_id;
  WorkflowId workflow_id;
  TaskIndex task = -1;
  RuleIndex rule = -1;
  int32_t question = 0;  // the leaf's place among the user-written ones of the rule; -1: the event
                         // was not looked at, as too many waited, or it is quarantined
  bool decided = false;  // of a trigger: the event has started an execution of the workflow.
                         // Quarantined: its receivers are known, and hold it
  Event event;
  Millis time{0};
  std::string error;
  friend bool operator==(const DeadLetterRow&, const DeadLetterRow&) = default;
};

/// An execution, or (the other id is invalid) the triggers and schedules of a workflow, takes no
/// events: a quarantined one would have been next. What comes for it is held.
struct SuspensionRow {
  ExecutionId execution_id;
  WorkflowId workflow_id;
  DeadLetterId letter;        // the quarantined event
  bool replaying = false;     // somebody has decided: what is held comes to it, one by one
  int64_t lost = 0;           // events for which there was no room
  std::string reason_before;  // of the execution
  friend bool operator==(const SuspensionRow&, const SuspensionRow&) = default;
};

/// An event that waits for the end of a suspension.
struct HeldEventRow {
  ExecutionId execution_id;  // as in SuspensionRow
  WorkflowId workflow_id;
  Offset offset = 0;  // the event's
  Event event;
  friend bool operator==(const HeldEventRow&, const HeldEventRow&) = default;
};

/// How often a server has begun with the first event behind a position after its recovery, and died
/// before it got any further. One row.
struct RecoveryRow {
  Offset offset = 0;  // the committed offset, and
  int64_t part = 0;   // so many parts of the next decision
  int64_t crashes = 0;
  friend bool operator==(const RecoveryRow&, const RecoveryRow&) = default;
};

enum class CauseKind : uint8_t {
  kStarted = 0,
  kIgnored = 1,    // START on a live task
  kQueued = 2,     // START kept for later
  kCoalesced = 3,  // restart folded into the waiting successor
  kStopped = 4,
  kDropped = 5,   // over max_pending_starts
  kRejected = 6,  // an illegal or late report
  kRetrying = 7,
  kWaiting = 8,    // for a slot
  kEvaluated = 9,  // an answer of a user-written condition
  kTimer = 10,     // a deadline passed or a tick came
  kMarked = 11,    // set by hand
  kAlarm = 12,     // something needs a person
  kReopened = 13,
  kHook = 14,
};

/// Why something happened to a task (or, with task -1, to the execution); written once, never read
/// by the fold. (execution, offset, task, ordinal) is unique.
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

enum class OutboxKind : uint8_t {
  kStartAttempt = 0,
  kStopAttempt = 1,
  kPublish = 2,
  kEvaluate = 3,
  kHook = 4,
};

/// Something that leaves the engine once committed. Start and stop rows go when the attempt's
/// report arrives; publish rows go when the log acknowledged the event; questions go with their
/// answer, hooks with their success or last try.
struct OutboxRow {
  OutboxId id;
  OutboxKind kind = OutboxKind::kPublish;
  Offset offset = 0;   // the event that made it; retention keeps that event
  AttemptKey attempt;  // kStartAttempt, kStopAttempt
  Event publish;       // kPublish: complete but for offset and time; `id` is deterministic
  // kEvaluate: the EvaluationRow with `offset`, `attempt.execution` or `trigger`, `attempt.task`
  // and `ordinal`. kHook: execution `attempt.execution`, hook `question` of its specification; what
  // it tells is a HookCall in `publish.context`.
  TriggerId trigger;
  int32_t ordinal = 0;
  int32_t question = 0;
  int64_t generation = 0;  // kEvaluate
  int64_t tries = 0;       // kHook: failed ones so far
  Millis due{0};           // kHook: not before
  friend bool operator==(const OutboxRow&, const OutboxRow&) = default;
};

/// The engine's answer to a request event, kept as long as the event, so that a repeated request
/// gets the same answer.
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
  int64_t schedule = 0;
  int64_t trigger = 0;
  int64_t dead_letter = 0;
  friend bool operator==(const CountersRow&, const CountersRow&) = default;
};

/// Where the decision about one event stands when it is committed in parts, because it concerns
/// very many executions. One row; the committed offset moves with the last part.
struct CursorRow {
  Offset offset = 0;      // of the event
  int64_t part = 0;       // how many of its parts are committed; 0: no decision is under way
  WorkflowId workflow;    // the triggers of this workflow and of those before it have been asked
  ExecutionId execution;  // this execution and those before it have been asked
  int64_t count = 0;      // so far, of what the reply counts
  bool handled = false;   // everybody was asked; what is left are waiting executions and runs
  friend bool operator==(const CursorRow&, const CursorRow&) = default;
};

struct EraseNamespace {
  std::string name;
  friend bool operator==(const EraseNamespace&, const EraseNamespace&) = default;
};
/// With its snapshots, schedules, triggers, states, executions and all they own
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

/// With the causes that name its sequence number
struct EraseTaskExecution {
  TaskExecutionId id;
  ExecutionId execution_id;
  TaskIndex task = 0;
  int64_t sequence = 0;
  friend bool operator==(const EraseTaskExecution&, const EraseTaskExecution&) = default;
};
struct EraseSchedule {
  ScheduleId id;
  friend bool operator==(const EraseSchedule&, const EraseSchedule&) = default;
};
struct EraseTrigger {
  TriggerId id;
  friend bool operator==(const EraseTrigger&, const EraseTrigger&) = default;
};
struct ErasePool {
  std::string name;
  friend bool operator==(const ErasePool&, const ErasePool&) = default;
};
/// With an empty name: every state of the owner
struct EraseState {
  ExecutionId execution_id;
  WorkflowId workflow_id;
  std::string name;
  friend bool operator==(const EraseState&, const EraseState&) = default;
};
struct EraseEvaluation {
  ExecutionId execution_id;
  TriggerId trigger_id;
  Offset offset = 0;
  int32_t ordinal = 0;
  TaskIndex task = -1;
  friend bool operator==(const EraseEvaluation&, const EraseEvaluation&) = default;
};
struct EraseDeadLetter {
  DeadLetterId id;
  friend bool operator==(const EraseDeadLetter&, const EraseDeadLetter&) = default;
};

/// With all that is held
struct EraseSuspension {
  ExecutionId execution_id;
  WorkflowId workflow_id;
  friend bool operator==(const EraseSuspension&, const EraseSuspension&) = default;
};
struct EraseHeldEvent {
  ExecutionId execution_id;
  WorkflowId workflow_id;
  Offset offset = 0;
  friend bool operator==(const EraseHeldEvent&, const EraseHeldEvent&) = default;
};

/// Of the events below an offset
struct EraseReplies {
  Offset below = 0;
  friend bool operator==(const EraseReplies&, const EraseReplies&) = default;
};

/// One change of the durable state: a row put in place of the one with the same key, or removed.
using Change =
    std::variant<NamespaceRow, WorkflowRow, SnapshotRow, ExecutionRow, TaskRow, TaskExecutionRow,
                 RuleStateRow, ScheduleRow, TriggerRow, PoolRow, StateRow, EvaluationRow,
                 DeadLetterRow, SuspensionRow, HeldEventRow, CauseRow, OutboxRow, ReplyRow,
                 CountersRow, CursorRow, RecoveryRow, EraseNamespace, EraseWorkflow, EraseSnapshot,
                 EraseExecution, EraseTaskExecution, EraseSchedule, EraseTrigger, ErasePool,
                 EraseState, EraseEvaluation, EraseDeadLetter, EraseSuspension, EraseHeldEvent,
                 EraseReplies, EraseOutbox>;

}  // namespace aiflow
