#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "model/attempt_key.h"
#include "model/event.h"
#include "model/task_status.h"

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

/// The one report of an attempt's new status.
struct TaskStatusReport {
  AttemptKey attempt;
  std::string task_name;
  TaskStatus status = TaskStatus::kRunning;
  int64_t pid = 0;
  std::string reason;  // for FAILED and STOPPED
};

using Request =
    std::variant<AddNamespace, UpdateNamespace, DeleteNamespace, UploadWorkflow, AddSnapshot,
                 DeleteSnapshot, SetWorkflowEnabled, DeleteWorkflow, StartWorkflowExecution,
                 StopWorkflowExecution, StopWorkflowExecutions, DeleteWorkflowExecution,
                 StartTaskExecution, RestartTaskExecution, StopTaskExecution, TaskStatusReport>;

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
