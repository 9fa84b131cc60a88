#pragma once

#include "model/requests.h"
#include "scheduler/draft.h"

/// What happens when a due time has come: one function per kind of timer, and what arms them.
namespace aiflow {

// REQUIRES of all of them: the state has exactly this timer. They never answer: nobody asked. Each
// changes the row that the timer is derived from, or else it would fire for ever.

/// Starts the executions that are due, and sets the schedule's next due time.
void FireSchedule(Draft& draft, const TimerFired& timer);
/// TaskExecutionRow::deadline has passed: what that means follows from the run's status.
void FireTaskDeadline(Draft& draft, const TimerFired& timer);
/// TaskRow::next_tick: a tick of a periodic task.
void FireTick(Draft& draft, const TimerFired& timer);
/// ExecutionRow::deadline: execution_timeout has passed.
void FireExecutionDeadline(Draft& draft, const TimerFired& timer);
/// OutboxRow::due: a hook is tried again.
void FireHook(Draft& draft, const TimerFired& timer);

/// Sets the first tick of every periodic task of an execution that begins to run in this event.
void ArmTicks(ExecutionDraft& execution);

}  // namespace aiflow
