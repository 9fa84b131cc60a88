#include "scheduler/decide.h"

#include <type_traits>

#include "model/event_keys.h"
#include "model/requests.h"
#include "scheduler/backfill.h"
#include "scheduler/draft.h"
#include "scheduler/evaluations.h"
#include "scheduler/events/events.h"
#include "scheduler/outcome.h"
#include "scheduler/quarantine.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/slots.h"
#include "scheduler/start_execution.h"
#include "scheduler/suspensions.h"

namespace aiflow {
namespace {

/// Which requests an event of this kind may carry: the wire brings starts and stops only, and a
/// report is never taken from anything but a report event.
bool IsHonoured(const Event& event, const Request& request) {
  const bool report = std::holds_alternative<TaskStatusReport>(request);
  switch (event.kind) {
    case EventKind::kTaskStatus: return report;
    case EventKind::kInternal: return !report;
    case EventKind::kScheduling: return MayComeFromWire(event.value);
    case EventKind::kUser:
    case EventKind::kStatusChanged: return false;
  }
  return false;
}

/// 0 when it has none.
int64_t ExecutionIdIn(const Request& request) {
  return std::visit(
      [](const auto& typed) -> int64_t {
        if constexpr (requires { typed.execution_id; }) return typed.execution_id;
        return 0;
      },
      request);
}

/// A request of the API to a suspended execution is refused; one that came as an event is held.
bool IsKeptFrom(Draft& draft, const Request& request) {
  if (draft.state().suspensions.empty()) return false;
  const bool concerns_tasks = std::holds_alternative<StopWorkflowExecution>(request) ||
                              std::holds_alternative<StartTaskExecution>(request) ||
                              std::holds_alternative<RestartTaskExecution>(request) ||
                              std::holds_alternative<StopTaskExecution>(request) ||
                              std::holds_alternative<RerunTasks>(request) ||
                              std::holds_alternative<MarkTask>(request);
  if (!concerns_tasks) return false;
  const ExecutionId id(ExecutionIdIn(request));
  if (draft.suspensions().TakesOrHolds(id)) return false;
  if (draft.event().kind == EventKind::kInternal) {
    draft.Reply(Code::kFailedPrecondition, "Workflow execution " + std::to_string(id.value()) +
                                               " is " +
                                               SuspendedText(draft.state(), {id, WorkflowId()}));
  }
  return true;
}

void OnRequest(Draft& draft, const std::shared_ptr<const WorkflowSpec>& spec) {
  const Event& event = draft.event();
  // Nobody waits for the answer to a report.
  const bool answered = event.kind == EventKind::kInternal || event.kind == EventKind::kScheduling;
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value()) {
    if (answered) draft.Reply(request.error().code(), request.error().message());
    return;
  }
  if (!IsHonoured(event, *request)) {
    if (answered) draft.Reply(Code::kPermissionDenied, event.value + " is not accepted from here");
    return;
  }
  if (IsKeptFrom(draft, *request)) return;
  std::visit(
      [&](const auto& typed) {
        using T = std::decay_t<decltype(typed)>;
        if constexpr (std::is_same_v<T, TaskStatusReport>) {
          draft.SetEngineMade(typed.engine_made);
          OnTaskStatus(draft, typed);
        } else if constexpr (std::is_same_v<T, UploadWorkflow> || std::is_same_v<T, AddSnapshot>) {
          Handle(draft, typed, spec);
        } else {
          Handle(draft, typed);
        }
      },
      *request);
}

/// Per execution: how many statuses the engine has made since the last event from outside.
void CountCascades(Draft& draft) {
  for (const auto& [id, execution] : draft.executions()) {
    const ExecutionRow& row = execution->row();
    if (row.event_offset != draft.offset() || IsFinished(row.status)) continue;
    // Counted with an earlier part of this decision.
    const ExecutionEntry* before = draft.state().FindExecution(id);
    if (before != nullptr && before->row.event_offset == draft.offset()) continue;
    // An answer is a consequence of what was asked: it neither counts nor begins anew.
    if (draft.is_answer()) continue;
    const int64_t cascade = draft.engine_made() ? row.cascade + 1 : 0;
    if (cascade != row.cascade) execution->Edit().cascade = cascade;
  }
}

bool MayWantRows(std::string_view request) {
  return request == "RERUN_TASKS" || request == "MARK_TASK" || request == "START_TASK_EXECUTION" ||
         request == "RESTART_TASK_EXECUTION" || request == "DELETE_SNAPSHOT" ||
         request == "DELETE_SNAPSHOTS" || request == "BACKFILL_SCHEDULE" ||
         request == "DELETE_WORKFLOW" || request == "DELETE_NAMESPACE";
}

/// The snapshot, unless it is not there or an unfinished execution uses it.
void AddUnused(const State::Rep& rep, SnapshotId id, std::vector<SnapshotId>& unused) {
  const SnapshotEntry* snapshot = rep.FindSnapshot(id);
  if (snapshot != nullptr && snapshot->row.id.valid() && snapshot->executions.empty()) {
    unused.push_back(id);
  }
}

/// The next one whose executions go with it.
std::optional<WorkflowId> WorkflowToDelete(const State::Rep& rep, const Request& request) {
  const WorkflowRow* workflow = nullptr;
  if (const auto* one = std::get_if<DeleteWorkflow>(&request)) {
    workflow = rep.FindWorkflow(one->ns, one->name);
  } else if (const auto* all = std::get_if<DeleteNamespace>(&request);
             all != nullptr && all->cascade) {
    const auto entry = rep.workflow_names.lower_bound({all->name, ""});
    if (entry != rep.workflow_names.end() && entry->first.first == all->name) {
      workflow = rep.FindWorkflow(entry->second);
    }
  }
  if (workflow == nullptr) return std::nullopt;
  return workflow->id;
}

void OnEvent(Draft& draft, const DecideInput& input) {
  const Event& event = draft.event();
  if (event.key == kSchedulingEventKey) {
    OnRequest(draft, input.spec);
  } else if (event.kind == EventKind::kStatusChanged) {
    OnStatusChanged(draft);
  } else if (event.kind == EventKind::kUser) {
    OnUserEvent(draft);
  }
}

}  // namespace

int64_t PartsUnderWay(const State& state) { return state.rep().cursor.part; }

WantedRows RowsToLoad(const Event& event, const State& state) {
  WantedRows wanted;
  if (state.rep().cursor.handled) return wanted;
  if (event.key != kSchedulingEventKey || !MayWantRows(event.value)) return wanted;
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value() || !IsHonoured(event, *request)) return wanted;
  const State::Rep& rep = state.rep();
  if (const auto* one = std::get_if<DeleteSnapshot>(&*request)) {
    AddUnused(rep, SnapshotId(one->snapshot_id), wanted.snapshots);
  } else if (const auto* all = std::get_if<DeleteSnapshots>(&*request)) {
    const WorkflowRow* workflow =
        rep.FindWorkflow(std::string(MatchingNamespace(all->ns)), all->name);
    if (workflow == nullptr) return wanted;
    for (const SnapshotId id : rep.workflows.at(workflow->id).snapshots) {
      AddUnused(rep, id, wanted.snapshots);
    }
  } else if (const auto* backfill = std::get_if<BackfillSchedule>(&*request)) {
    const Result<Backfill> plan = PlanBackfill(rep, event.create_time, *backfill);
    if (!plan.has_value() || plan->due.empty()) return wanted;
    wanted.due = DueExecutions{plan->workflow->id, plan->due.front(), plan->due.back() + Millis(1)};
  } else if (std::holds_alternative<DeleteWorkflow>(*request) ||
             std::holds_alternative<DeleteNamespace>(*request)) {
    wanted.workflow = WorkflowToDelete(rep, *request);
  } else {
    const int64_t id = ExecutionIdIn(*request);
    const bool was_there = id > 0 && id <= rep.counters.execution;
    if (was_there && rep.FindExecution(ExecutionId(id)) == nullptr) {
      wanted.execution = ExecutionId(id);
    }
  }
  return wanted;
}

Decision Decide(const State& state, const DecideInput& input) {
  const bool usual = input.treatment == Treatment::kDecide;
  Draft draft(state.rep(), input.event, input.loaded, input.max_executions,
              usual ? FindReplayed(state.rep(), input.event) : nullptr);
  if (!usual || IsQuarantined(draft)) {
    if (QuarantineEvent(draft, input.treatment)) OnEvent(draft, input);
  } else if (!draft.cursor().handled) {
    OnEvent(draft, input);
  }
  for (const auto& [id, execution] : draft.executions()) SettleExecution(*execution);
  draft.suspensions().Settle();
  SettleEvaluations(draft);
  // It may be what takes the server down. If something waits, another part comes for it.
  const bool spares = !usual && draft.resumed();
  if (spares && !draft.cursor().handled) draft.LeaveRest();
  if (!draft.holds_back() && !spares) {
    PromoteWaiting(draft);
    GrantSlots(draft);
  }
  CountCascades(draft);
  return Decision{draft.Finish()};
}

}  // namespace aiflow
