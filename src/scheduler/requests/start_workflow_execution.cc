#include "model/event_keys.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/task_actions.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

void Start(Draft& draft, const WorkflowRow& workflow, const SnapshotEntry& snapshot) {
  ExecutionRow row;
  row.id = ExecutionId(++draft.counters().execution);
  row.workflow_id = workflow.id;
  row.snapshot_id = snapshot.row.id;
  row.status = ExecutionStatus::kRunning;  // INIT ends in the same commit
  row.run_type = RunType::kManual;
  row.begin = draft.now();
  row.event_offset = draft.offset();
  row.created_offset = draft.offset();
  const Millis limit = snapshot.compiled->spec().execution_timeout;
  row.deadline = limit == Millis(0) ? Millis(0) : draft.now() + limit;
  const int64_t id = row.id.value();
  ExecutionDraft& execution = draft.AddExecution(std::move(row), *snapshot.compiled);

  WorkflowRow applied = workflow;
  applied.event_offset = draft.offset();
  draft.Put(std::move(applied));

  Why why;
  why.text = "start of workflow execution " + std::to_string(id) + ": " + RequestText(draft);
  const std::vector<CompiledTask>& tasks = execution.workflow().tasks();
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].starts_alone) StartTask(execution, static_cast<TaskIndex>(i), why);
  }
  ArmTicks(execution);
  draft.Reply(Code::kOk, "workflow execution " + std::to_string(id) + " started", id);
}

}  // namespace

void Handle(Draft& draft, const StartWorkflowExecution& request) {
  const State::Rep& state = draft.state();
  const WorkflowRow* workflow = nullptr;
  if (request.workflow_id != 0) {
    workflow = state.FindWorkflow(WorkflowId(request.workflow_id));
    if (workflow == nullptr) {
      return draft.Reply(Code::kNotFound, "Workflow with id: " +
                                              std::to_string(request.workflow_id) + " not exists");
    }
  } else {
    const std::string ns(MatchingNamespace(request.ns));
    workflow = state.FindWorkflow(ns, request.name);
    if (workflow == nullptr) return ReplyNoWorkflow(draft, ns, request.name);
  }
  const std::string refused =
      "Start workflow execution failed. Workflow " + workflow->ns + "." + workflow->name + " ";
  if (!workflow->enabled) {
    return draft.Reply(Code::kFailedPrecondition, refused + "is disabled; enable it first");
  }
  const SnapshotId snapshot_id =
      request.snapshot_id != 0 ? SnapshotId(request.snapshot_id) : workflow->latest_snapshot;
  const SnapshotEntry* snapshot = state.FindSnapshot(snapshot_id);
  if (request.snapshot_id != 0 &&
      (snapshot == nullptr || snapshot->row.workflow_id != workflow->id)) {
    return draft.Reply(Code::kNotFound,
                       refused + "has no snapshot " + std::to_string(request.snapshot_id));
  }
  if (snapshot == nullptr) {
    return draft.Reply(Code::kFailedPrecondition, refused + "has no snapshot; upload it first");
  }
  if (snapshot->compiled == nullptr) {
    return draft.Reply(Code::kFailedPrecondition, refused +
                                                      "has no compiled specification in snapshot " +
                                                      std::to_string(snapshot_id.value()) +
                                                      "; upload it with a current client");
  }
  Start(draft, *workflow, *snapshot);
}

}  // namespace aiflow
