#include "scheduler/decide.h"

#include <type_traits>

#include "model/event_keys.h"
#include "model/requests.h"
#include "scheduler/backfill.h"
#include "scheduler/draft.h"
#include "scheduler/events/events.h"
#include "scheduler/outcome.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/slots.h"
#include "scheduler/start_execution.h"

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
    const int64_t cascade = draft.engine_made() ? row.cascade + 1 : 0;
    if (cascade != row.cascade) execution->Edit().cascade = cascade;
  }
}

}  // namespace

std::optional<int64_t> ExecutionToLoad(const Event& event, const State& state) {
  if (event.key != kSchedulingEventKey ||
      (event.value != "RERUN_TASKS" && event.value != "MARK_TASK" &&
       event.value != "START_TASK_EXECUTION" && event.value != "RESTART_TASK_EXECUTION")) {
    return std::nullopt;
  }
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value() || !IsHonoured(event, *request)) return std::nullopt;
  const int64_t id = std::visit(
      [](const auto& typed) -> int64_t {
        if constexpr (requires { typed.execution_id; }) return typed.execution_id;
        return 0;
      },
      *request);
  if (id <= 0 || id > state.rep().counters.execution) return std::nullopt;  // never there
  if (state.rep().FindExecution(ExecutionId(id)) != nullptr) return std::nullopt;
  return id;
}

std::optional<DueExecutions> DueExecutionsToLoad(const Event& event, const State& state) {
  if (event.key != kSchedulingEventKey || event.value != "BACKFILL_SCHEDULE") return std::nullopt;
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value() || !IsHonoured(event, *request)) return std::nullopt;
  const Result<Backfill> backfill =
      PlanBackfill(state.rep(), event.create_time, std::get<BackfillSchedule>(*request));
  if (!backfill.has_value() || backfill->due.empty()) return std::nullopt;
  return DueExecutions{backfill->workflow->id, backfill->due.front(),
                       backfill->due.back() + Millis(1)};
}

Decision Decide(const State& state, const DecideInput& input) {
  Draft draft(state.rep(), input.event, input.loaded);
  if (input.event.key == kSchedulingEventKey) {
    OnRequest(draft, input.spec);
  } else if (input.event.kind == EventKind::kStatusChanged) {
    OnStatusChanged(draft);
  } else if (input.event.kind == EventKind::kUser) {
    OnUserEvent(draft);
  }
  for (const auto& [id, execution] : draft.executions()) SettleExecution(*execution);
  PromoteWaiting(draft);
  GrantSlots(draft);
  CountCascades(draft);
  return Decision{draft.Finish()};
}

}  // namespace aiflow
