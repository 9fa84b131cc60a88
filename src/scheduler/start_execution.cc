#include "scheduler/start_execution.h"

#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "scheduler/outcome.h"
#include "scheduler/parts.h"
#include "scheduler/task_actions.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

bool IsActive(ExecutionStatus status) {
  return status != ExecutionStatus::kInit && !IsFinished(status);
}

/// Executions of the workflow that count for max_active_executions, as of now in this event.
int64_t CountActive(const Draft& draft, WorkflowId id) {
  const WorkflowEntry* workflow = draft.state().FindWorkflowEntry(id);
  int64_t active = workflow == nullptr ? 0 : workflow->active;
  for (const auto& [execution_id, execution] : draft.executions()) {
    if (execution->row().workflow_id != id) continue;
    const ExecutionEntry* before = draft.state().FindExecution(execution_id);
    active += IsActive(execution->row().status) ? 1 : 0;
    active -= before != nullptr && IsActive(before->row.status) ? 1 : 0;
  }
  return active;
}

/// The specification of the workflow's latest snapshot, also when this event brings it; null when
/// it has none.
const WorkflowSpec* LatestSpec(const Draft& draft, WorkflowId id) {
  const WorkflowRow* workflow = draft.state().FindWorkflow(id);
  SnapshotId latest = workflow == nullptr ? SnapshotId() : workflow->latest_snapshot;
  for (const Change& change : draft.put()) {
    const auto* row = std::get_if<WorkflowRow>(&change);
    if (row != nullptr && row->id == id) latest = row->latest_snapshot;
  }
  for (const Change& change : draft.put()) {
    const auto* row = std::get_if<SnapshotRow>(&change);
    if (row != nullptr && row->id == latest) return row->spec.get();
  }
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(latest);
  return snapshot == nullptr || snapshot->compiled == nullptr ? nullptr
                                                              : &snapshot->compiled->spec();
}

/// 0: no limit. An old client's snapshot may have no specification (yet): then that of the
/// execution itself counts.
int64_t LimitOf(const Draft& draft, WorkflowId id, const CompiledWorkflow& own) {
  const WorkflowSpec* latest = LatestSpec(draft, id);
  return (latest == nullptr ? own.spec() : *latest).max_active_executions;
}

std::string FullName(const CompiledWorkflow& workflow) {
  return workflow.spec().ns + "." + workflow.spec().name;
}

/// INIT -> RUNNING, in one commit with the start of the first tasks.
void Begin(ExecutionDraft& execution, const std::string& why) {
  ExecutionRow& row = execution.Edit();
  row.status = ExecutionStatus::kRunning;
  row.begin = execution.draft().now();
  row.event_offset = execution.draft().offset();
  row.reason.clear();
  const Millis timeout = execution.workflow().spec().execution_timeout;
  if (timeout != Millis(0)) row.deadline = row.begin + timeout;
  execution.Record(CauseKind::kStarted, -1, 0, -1, why);

  const Offset cause = row.created_offset;
  Why start;
  start.text = "start of workflow execution " + std::to_string(row.id.value()) + ": " + why;
  const std::vector<CompiledTask>& tasks = execution.workflow().tasks();
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks[i].starts_alone) continue;
    const auto task = static_cast<TaskIndex>(i);
    const StartOutcome started = StartTask(execution, task, start);
    execution.EditRun(task, started.sequence).cause_offset = cause;
  }
  ArmTicks(execution);
}

/// Workflows of which an execution may wait and another may have ended, or whose limit is new; with
/// the executions that this event has made to wait.
std::map<WorkflowId, std::vector<ExecutionId>> Affected(const Draft& draft) {
  std::map<WorkflowId, std::vector<ExecutionId>> workflows;
  for (const auto& [id, execution] : draft.executions()) {
    std::vector<ExecutionId>& made = workflows[execution->row().workflow_id];
    const bool waits = execution->row().status == ExecutionStatus::kInit;
    if (waits && draft.state().FindExecution(id) == nullptr) made.push_back(id);
  }
  for (const Change& change : draft.put()) {
    if (const auto* row = std::get_if<WorkflowRow>(&change)) workflows[row->id];
  }
  for (const Change& change : draft.put()) {
    if (const auto* erase = std::get_if<EraseWorkflow>(&change)) workflows.erase(erase->id);
  }
  if (draft.resumed()) {
    // Earlier parts may have made room, or found it, anywhere.
    for (const auto& [id, workflow] : draft.state().workflows) {
      if (!workflow.waiting.empty()) workflows[id];
    }
  }
  return workflows;
}

/// Begins waiting executions of one workflow, as long as there is room.
class Promotion {
 public:
  Promotion(Draft& draft, WorkflowId id, PartBudget& budget)
      : draft_(draft), id_(id), budget_(budget), active_(CountActive(draft, id)) {}

  /// False: there is no room for it, nor for those after it.
  bool Offer(ExecutionId id) {
    ExecutionDraft* execution = draft_.FindExecution(id);
    if (execution == nullptr || execution->row().status != ExecutionStatus::kInit) return true;
    const CompiledWorkflow& workflow = execution->workflow();
    const int64_t limit = LimitOf(draft_, id_, workflow);
    if (limit != 0 && active_ >= limit) return false;
    if (budget_.full()) {
      draft_.LeaveRest();
      return false;
    }
    Begin(*execution, "the event at offset " + std::to_string(execution->row().created_offset) +
                          "; waited for max_active_executions of " + FullName(workflow));
    SettleExecution(*execution);
    active_ += IsActive(execution->row().status) ? 1 : 0;
    budget_.Spend(execution->changed_rows());
    return true;
  }

 private:
  Draft& draft_;
  const WorkflowId id_;
  PartBudget& budget_;
  int64_t active_;
};

/// Very many may wait: they are not looked at beyond the first that has no room.
void Promote(Draft& draft, WorkflowId id, const std::vector<ExecutionId>& made,
             PartBudget& budget) {
  const WorkflowEntry* workflow = draft.state().FindWorkflowEntry(id);
  const bool any = workflow != nullptr && !workflow->waiting.empty();
  if (!any && made.empty()) return;
  Promotion promotion(draft, id, budget);
  if (any) {
    for (const ExecutionId waiting : workflow->waiting) {
      if (!promotion.Offer(waiting)) return;
    }
  }
  for (const ExecutionId waiting : made) {
    if (!promotion.Offer(waiting)) return;
  }
}

}  // namespace

Result<const SnapshotEntry*> FindStartableSnapshot(const Draft& draft, const WorkflowRow& workflow,
                                                   SnapshotId wanted) {
  const std::string subject = "Workflow " + workflow.ns + "." + workflow.name + " ";
  if (!workflow.enabled) {
    return Error(Code::kFailedPrecondition, subject + "is disabled; enable it first");
  }
  const SnapshotId id = wanted != SnapshotId() ? wanted : workflow.latest_snapshot;
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(id);
  if (wanted != SnapshotId() && (snapshot == nullptr || snapshot->row.workflow_id != workflow.id)) {
    return Error(Code::kNotFound, subject + "has no snapshot " + std::to_string(wanted.value()));
  }
  if (snapshot == nullptr) {
    return Error(Code::kFailedPrecondition, subject + "has no snapshot; upload it first");
  }
  if (snapshot->compiled == nullptr) {
    return Error(Code::kFailedPrecondition, subject + "has no compiled specification in snapshot " +
                                                std::to_string(id.value()) +
                                                "; upload it with a current client");
  }
  return snapshot;
}

ExecutionDraft& StartExecution(Draft& draft, const WorkflowRow& workflow,
                               const SnapshotEntry& snapshot, StartOptions options) {
  const int64_t limit = LimitOf(draft, workflow.id, *snapshot.compiled);
  const int64_t active = limit == 0 ? 0 : CountActive(draft, workflow.id);
  ExecutionRow row;
  row.id = ExecutionId(++draft.counters().execution);
  row.workflow_id = workflow.id;
  row.snapshot_id = snapshot.row.id;
  row.run_type = options.run_type;
  row.event_offset = draft.offset();
  row.created_offset = options.cause != 0 ? options.cause : draft.offset();
  row.params_json = std::move(options.params_json);
  row.source = options.source;
  row.due = options.due;
  ExecutionDraft& execution = draft.AddExecution(std::move(row), *snapshot.compiled);
  draft.TouchWorkflow(workflow.id);
  if (limit == 0 || active < limit) {
    Begin(execution, options.why);
    return execution;
  }
  // Whoever waits began to wait at the limit, and is promoted as soon as the limit allows: nobody
  // who comes later can find room before.
  std::string& reason = execution.Edit().reason;
  reason = "waits: " + std::to_string(active) + " of " + std::to_string(limit) +
           " active executions of " + FullName(*snapshot.compiled) + " (max_active_executions)";
  execution.Record(CauseKind::kWaiting, -1, 0, -1, options.why + "; " + reason);
  return execution;
}

void PromoteWaiting(Draft& draft) {
  PartBudget budget(draft);
  for (const auto& [id, made] : Affected(draft)) Promote(draft, id, made, budget);
}

}  // namespace aiflow
