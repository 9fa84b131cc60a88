#include "scheduler/requests/handlers.h"
#include "scheduler/timers/timers.h"

namespace aiflow {

namespace {

/// False: the timer's owner is suspended, and the firing is held.
bool OwnerTakes(Draft& draft, const TimerFired& timer) {
  switch (timer.kind) {
    case TimerKind::kSchedule:
      return draft.suspensions().TakesOrHolds(
          draft.state().schedules.at(ScheduleId(timer.owner)).workflow_id);
    case TimerKind::kTask:
    case TimerKind::kTick:
    case TimerKind::kExecution: return draft.suspensions().TakesOrHolds(ExecutionId(timer.owner));
    case TimerKind::kHook: break;
  }
  return true;
}

}  // namespace

void Handle(Draft& draft, const TimerFired& request) {
  if (!draft.state().timers.contains({Millis(request.due_ms), request})) {
    return draft.Reply(Code::kOk, "stale");
  }
  if (!OwnerTakes(draft, request)) return;
  switch (request.kind) {
    case TimerKind::kSchedule: FireSchedule(draft, request); break;
    case TimerKind::kTask: FireTaskDeadline(draft, request); break;
    case TimerKind::kTick: FireTick(draft, request); break;
    case TimerKind::kExecution: FireExecutionDeadline(draft, request); break;
    case TimerKind::kHook: FireHook(draft, request); break;
  }
  draft.Reply(Code::kOk, "fired");
}

}  // namespace aiflow
