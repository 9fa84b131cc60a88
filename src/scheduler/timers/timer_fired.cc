#include "scheduler/requests/handlers.h"
#include "scheduler/timers/timers.h"

namespace aiflow {

void Handle(Draft& draft, const TimerFired& request) {
  if (!draft.state().timers.contains({Millis(request.due_ms), request})) {
    return draft.Reply(Code::kOk, "stale");
  }
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
