#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/nearest.h"
#include "model/limits.h"
#include "model/spec_json.h"
#include "model/trigger_params.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {
namespace {

std::string Subject(int64_t id) { return "Workflow trigger " + std::to_string(id); }

const TriggerRow* FindTrigger(Draft& draft, int64_t id) {
  const TriggerRow* row = draft.FindTrigger(TriggerId(id));
  if (row == nullptr) draft.Reply(Code::kNotFound, Subject(id) + " not exists");
  return row;
}

bool HasCustomLeaf(const ConditionSpec& condition) {
  return condition.kind == ConditionKind::kCustom ||
         std::any_of(condition.children.begin(), condition.children.end(), HasCustomLeaf);
}

/// Names that a misspelt one is compared with: each costs the product of the lengths.
constexpr size_t kMaxCompared = 500;

/// A task that its workflow, as uploaded last, does not have never gets a status. A workflow that
/// is not there yet may come.
Status CheckTasks(const Draft& draft, const ConditionSpec& condition) {
  for (const ConditionSpec& child : condition.children) {
    AIFLOW_RETURN_IF_ERROR(CheckTasks(draft, child));
  }
  if (condition.kind != ConditionKind::kTaskStatus) return Status::Ok();
  const WorkflowRow* workflow = draft.state().FindWorkflow(condition.ns, condition.workflow);
  if (workflow == nullptr) return Status::Ok();
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(workflow->latest_snapshot);
  if (snapshot == nullptr || snapshot->compiled == nullptr) return Status::Ok();
  if (snapshot->compiled->FindTask(condition.task) >= 0) return Status::Ok();
  std::vector<std::string> names;
  const std::vector<TaskSpec>& tasks = snapshot->compiled->spec().tasks;
  for (size_t i = 0; i < std::min(tasks.size(), kMaxCompared); ++i) names.push_back(tasks[i].name);
  const std::string nearest = Nearest(condition.task, names);
  return {Code::kInvalidArgument, "workflow " + condition.ns + "." + condition.workflow +
                                      " has no task '" + condition.task + "'; " +
                                      (nearest.empty() ? "upload a version that has it first"
                                                       : "did you mean '" + nearest + "'?")};
}

/// The canonical condition goes into the row, and with user-written leaves what runs them.
Status FillCondition(const Draft& draft, const AddTrigger& request, const WorkflowRow& workflow,
                     TriggerRow& row) {
  const size_t bytes = request.condition_json.size() + request.params_json.size();
  if (bytes > limits::kMaxTriggerBytes) {
    return {Code::kInvalidArgument, "condition and params have " + std::to_string(bytes) +
                                        " bytes, the limit is " +
                                        std::to_string(limits::kMaxTriggerBytes)};
  }
  if (request.condition_json.empty()) {
    return {Code::kFailedPrecondition,
            "its rule is not compiled to a condition; add it with a current client"};
  }
  const Result<ConditionSpec> condition = ParseCondition(request.condition_json);
  if (!condition.has_value()) return condition.error();
  AIFLOW_RETURN_IF_ERROR(ValidateTriggerCondition(*condition));
  AIFLOW_RETURN_IF_ERROR(CheckTasks(draft, *condition));
  row.condition_json = FormatCondition(*condition);
  if (!HasCustomLeaf(*condition)) return Status::Ok();

  const Result<HostSpec> host = ParseHost(request.host_json);
  if (!host.has_value()) return host.error();
  if (host->language != "python" && host->language != "cpp") {
    return {Code::kInvalidArgument, "a user-written condition needs a host, and its language '" +
                                        host->language + "' is not known (python, cpp)"};
  }
  row.host_json = FormatHost(*host);
  // A later upload does not change what the trigger's conditions do.
  if (const SnapshotEntry* snapshot = draft.state().FindSnapshot(workflow.latest_snapshot)) {
    row.bundle_digest = snapshot->row.bundle_digest;
    row.bundle_name = snapshot->row.bundle_name;
  }
  if (host->language == "python" ? request.pickled_digest.empty() : row.bundle_digest.empty()) {
    return {Code::kFailedPrecondition,
            host->language == "python"
                ? "a user-written condition comes with its pickled rule, which is missing"
                : "a user-written condition is in the workflow's bundle; upload one first"};
  }
  return Status::Ok();
}

Status FillParams(const Draft& draft, const AddTrigger& request, const WorkflowRow& workflow,
                  TriggerRow& row) {
  Result<std::string> params = ParseTriggerParams(request.params_json);
  if (!params.has_value()) return params.error();
  row.params_json = std::move(*params);
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(workflow.latest_snapshot);
  if (snapshot == nullptr || snapshot->compiled == nullptr) return Status::Ok();
  return CheckTriggerParams(row.params_json, snapshot->compiled->spec().params);
}

}  // namespace

void Handle(Draft& draft, const AddTrigger& request) {
  const WorkflowRow* workflow = FindWorkflow(draft, request.workflow_id, request.ns, request.name);
  if (workflow == nullptr) return;
  const std::string subject = "trigger of workflow " + workflow->ns + "." + workflow->name + ": ";
  const size_t count = draft.state().FindWorkflowEntry(workflow->id)->triggers.size();
  if (count >= limits::kMaxTriggersPerWorkflow) {
    return draft.Reply(Code::kResourceExhausted, subject + "it has " + std::to_string(count) +
                                                     " triggers, the limit; delete some first");
  }
  TriggerRow row;
  row.workflow_id = workflow->id;
  row.created = draft.now();
  row.created_offset = draft.offset();
  row.pickled_digest = request.pickled_digest;
  Status status = FillCondition(draft, request, *workflow, row);
  if (status.ok()) status = FillParams(draft, request, *workflow, row);
  if (!status.ok()) return draft.Reply(status.code(), subject + status.message());
  row.id = TriggerId(++draft.counters().trigger);
  const int64_t id = row.id.value();
  draft.Put(std::move(row));
  draft.Reply(Code::kOk, Subject(id) + " created", id);
}

void Handle(Draft& draft, const DeleteTrigger& request) {
  const TriggerRow* row = FindTrigger(draft, request.trigger_id);
  if (row == nullptr) return;
  draft.Put(EraseTrigger{row->id});
  draft.Reply(Code::kOk, Subject(request.trigger_id) + " deleted", request.trigger_id);
}

void Handle(Draft& draft, const DeleteTriggers& request) {
  const WorkflowRow* workflow = FindWorkflow(draft, 0, request.ns, request.name);
  if (workflow == nullptr) return;
  const auto& triggers = draft.state().FindWorkflowEntry(workflow->id)->triggers;
  for (const TriggerId id : triggers) draft.Put(EraseTrigger{id});
  draft.Reply(Code::kOk,
              std::to_string(triggers.size()) + " triggers of workflow " + workflow->ns + "." +
                  workflow->name + " deleted",
              static_cast<int64_t>(triggers.size()));
}

void Handle(Draft& draft, const SetTriggerPaused& request) {
  const TriggerRow* row = FindTrigger(draft, request.trigger_id);
  if (row == nullptr) return;
  const char* state = request.paused ? "paused" : "resumed";
  const bool changes = row->paused != request.paused;
  if (changes) draft.EditTrigger(row->id).paused = request.paused;
  draft.Reply(Code::kOk, Subject(request.trigger_id) + " " + state + (changes ? "" : " already"),
              request.trigger_id);
}

}  // namespace aiflow
