#include "scheduler/timers/timers.h"

// Timers that nothing is done about yet; each line goes when its function arrives.
namespace aiflow {

void FireHook(Draft& /*draft*/, const TimerFired& /*timer*/) {}

}  // namespace aiflow
