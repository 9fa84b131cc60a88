#include "scheduler/timers/timers.h"

// Timers that nothing is done about yet; each line goes when its function arrives.
namespace aiflow {

void FireSchedule(Draft& /*draft*/, const TimerFired& /*timer*/) {}
void FireTaskDeadline(Draft& /*draft*/, const TimerFired& /*timer*/) {}
void FireTick(Draft& /*draft*/, const TimerFired& /*timer*/) {}
void FireExecutionDeadline(Draft& /*draft*/, const TimerFired& /*timer*/) {}
void FireHook(Draft& /*draft*/, const TimerFired& /*timer*/) {}
void ArmTicks(ExecutionDraft& /*execution*/) {}

}  // namespace aiflow
