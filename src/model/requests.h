#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "model/attempt_key.h"
#include "model/event.h"
#include "model/task_status.h"
#include "model/workflow_spec.h"

/// Everything that changes the scheduling state, as typed values, and their form as events: key
/// AIFLOW_SCHEDULING_EVENT, the request's name as value, a JSON object as context.
namespace aiflow {

struct AddNamespace {
  std::string name;
  std::string properties_json = "{}";
};
struct UpdateNamespace {
  std::string name;
  std::string properties_json = "{}";
};
struct DeleteNamespace {
  std::string name;
  bool cascade = false;  // with its workflows
};

/// One workflow of an upload. Everything large is a blob named by digest, stored before the event.
/// An old client's addWorkflow has no spec; its snapshot comes with a later AddSnapshot.
struct UploadWorkflow {
  std::string ns;
  std::string name;
  std::string spec_digest;
  std::string bundle_digest;
  std::string bundle_name;
  std::string content_digest;
  std::string pickled_digest;
  bool must_be_new = false;  // addWorkflow
  bool must_exist = false;   // updateWorkflow
  std::string uri;           // where the uploader stored the bundle too; empty: nowhere
};
struct AddSnapshot {
  int64_t workflow_id = 0;
  std::string uri;
  std::string signature;
  std::string pickled_digest;
  std::string spec_digest;  // empty: cannot be started
  std::string bundle_digest;
  std::string bundle_name;
};
struct DeleteSnapshot {
  int64_t snapshot_id = 0;
};
/// All that nothing uses.
struct DeleteSnapshots {
  std::string ns;
  std::string name;
};
struct SetWorkflowEnabled {
  std::string ns;
  std::string name;
  bool enabled = true;
};
struct DeleteWorkflow {
  std::string ns;
  std::string name;
};

struct StartWorkflowExecution {
  // By name (the latest snapshot), or by ids as old events do.
  std::string ns;
  std::string name;
  int64_t workflow_id = 0;
  int64_t snapshot_id = 0;
  std::string params_json;  // JSON object; empty: none given
};
struct StopWorkflowExecution {
  int64_t execution_id = 0;
};
struct StopWorkflowExecutions {
  std::string ns;
  std::string name;
};
struct DeleteWorkflowExecution {
  int64_t execution_id = 0;
};
struct StartTaskExecution {
  int64_t execution_id = 0;
  std::string task;
};
struct RestartTaskExecution {
  int64_t execution_id = 0;
  std::string task;
};
/// By name, or by task execution id as old events do.
struct StopTaskExecution {
  int64_t execution_id = 0;
  std::string task;
  int64_t task_execution_id = 0;
};

/// Starts tasks of a running or finished execution anew, which reopens a finished one. Their
/// downstream follows by its own rules. No task named: every task whose latest run FAILED.
struct RerunTasks {
  int64_t execution_id = 0;
  std::vector<std::string> tasks;
};
/// Records a run by hand that ended SUCCESS or FAILED; the task must have no live run.
struct MarkTask {
  int64_t execution_id = 0;
  std::string task;
  TaskStatus status = TaskStatus::kSuccess;
  std::string note;
};

/// A workflow is named, or given by id.
struct AddSchedule {
  std::string ns;
  std::string name;
  int64_t workflow_id = 0;
  std::string expression;
  std::string timezone;
  CatchUp catchup = CatchUp::kOne;
  bool skip_if_active = false;
  std::string params_json;
};
struct DeleteSchedule {
  int64_t schedule_id = 0;
};
struct DeleteSchedules {
  std::string ns;
  std::string name;
};
struct SetSchedulePaused {
  int64_t schedule_id = 0;
  bool paused = true;
};
/// Starts an execution for each due time in [from, to) that has none yet: of a schedule, or of an
/// expression.
struct BackfillSchedule {
  std::string ns;
  std::string name;
  int64_t schedule_id = 0;
  std::string expression;
  std::string timezone;
  int64_t from_ms = 0;
  int64_t to_ms = 0;
  std::string params_json;
  bool dry_run = false;
};
struct AddTrigger {
  std::string ns;
  std::string name;
  int64_t workflow_id = 0;
  std::string condition_json;
  std::string params_json;
  std::string pickled_digest;
  std::string host_json;  // user-written leaves: what runs them, from the latest snapshot's bundle
};
struct DeleteTrigger {
  int64_t trigger_id = 0;
};
struct DeleteTriggers {
  std::string ns;
  std::string name;
};
struct SetTriggerPaused {
  int64_t trigger_id = 0;
  bool paused = true;
};
struct SetPool {
  std::string name;
  int64_t slots = 0;
  std::string description;
  std::string executor;
  bool keep_executor = false;  // `executor` is not said: as it was
  /// By the server only: of an executor of its configuration. Of kExecutorPool `executor` is then
  /// the name of the default one.
  bool of_executor = false;
};
struct DeletePool {
  std::string name;
};

enum class TimerKind : uint8_t {
  kSchedule = 0,   // owner: the schedule
  kTask = 1,       // owner: the execution; generation: the run's sequence number
  kTick = 2,       // owner: the execution
  kExecution = 3,  // owner: the execution
  kHook = 4,       // owner: the outbox row
};
/// A due time has come. Ignored unless the state still has a timer with exactly these members.
struct TimerFired {
  TimerKind kind = TimerKind::kSchedule;
  int64_t owner = 0;
  TaskIndex task = -1;
  int64_t generation = 0;
  int64_t due_ms = 0;
  friend auto operator<=>(const TimerFired&, const TimerFired&) = default;
};

/// What a host said to one question about one event.
struct EvaluationAnswer {
  int64_t execution_id = 0;  // or
  int64_t trigger_id = 0;
  int64_t offset = 0;
  int32_t ordinal = 0;
  TaskIndex task = -1;
  int64_t generation = 0;
  bool met = false;
  std::string error;        // not empty: nobody could answer; it becomes a dead letter
  std::string states_json;  // JSON object: name -> base64 of the new value, or null: cleared
};
/// Asks again, as of now.
struct RetryDeadLetter {
  int64_t dead_letter_id = 0;
};
struct DropDeadLetter {
  int64_t dead_letter_id = 0;
};

/// The engine's own, once per held event: the next one of what is held for the execution or
/// workflow comes to it now. Ignored unless its suspension is ending.
struct ReplayHeld {
  int64_t execution_id = 0;  // or
  int64_t workflow_id = 0;
};

struct HookResult {
  int64_t outbox_id = 0;
  int64_t tries = 0;  // failed ones before this
  std::string error;  // empty: delivered
};

/// Retention: removes finished executions, finished runs inside unfinished ones that nothing names
/// any more, and replies. What is still needed stays.
struct RetireRows {
  std::vector<int64_t> executions;
  std::vector<int64_t> runs;  // execution, task, sequence, id: four numbers each
  int64_t replies_below = 0;  // of events before this offset
};

/// The one report of an attempt's new status.
struct TaskStatusReport {
  AttemptKey attempt;
  std::string task_name;
  TaskStatus status = TaskStatus::kRunning;
  int64_t pid = 0;
  std::string reason;          // for FAILED and STOPPED
  std::string output;          // the inline result, with SUCCESS
  bool non_retriable = false;  // FAILED for good
  bool engine_made = false;    // of a task without a process
};

using Request = std::variant<
    AddNamespace, UpdateNamespace, DeleteNamespace, UploadWorkflow, AddSnapshot, DeleteSnapshot,
    DeleteSnapshots, SetWorkflowEnabled, DeleteWorkflow, StartWorkflowExecution,
    StopWorkflowExecution, StopWorkflowExecutions, DeleteWorkflowExecution, StartTaskExecution,
    RestartTaskExecution, StopTaskExecution, RerunTasks, MarkTask, AddSchedule, DeleteSchedule,
    DeleteSchedules, SetSchedulePaused, BackfillSchedule, AddTrigger, DeleteTrigger, DeleteTriggers,
    SetTriggerPaused, SetPool, DeletePool, TimerFired, EvaluationAnswer, RetryDeadLetter,
    DropDeadLetter, ReplayHeld, HookResult, RetireRows, TaskStatusReport>;

/// The event that carries `request`. Kind is kTaskStatus for a report, else kInternal; `id` is left
/// empty for the caller to set (StatusReportEventId for a report).
Event FormatRequest(const Request& request);

/// Reads any event with the scheduling key. kInvalidArgument with the reason when it is malformed.
Result<Request> ParseRequest(const Event& event);

/// START_WORKFLOW_EXECUTION, STOP_WORKFLOW_EXECUTION, START_TASK_EXECUTION, RESTART_TASK_EXECUTION
/// and STOP_TASK_EXECUTION: the only scheduling events that the wire may bring.
bool MayComeFromWire(std::string_view value);

/// The workflow execution an event is confined to: the member `workflow_execution_id` of its
/// context, an integer or a decimal string. Anything else counts as absent; `malformed` (may be
/// null) tells that the member was there but unusable.
std::optional<ExecutionId> ExecutionOf(const Event& event, bool* malformed);

}  // namespace aiflow
