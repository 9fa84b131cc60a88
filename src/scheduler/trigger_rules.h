#pragma once

#include "scheduler/conditions/condition.h"
#include "scheduler/draft.h"

namespace aiflow {

/// Lets a trigger look at `event`, which is not the one that is decided when it had to wait for its
/// answers (`occurrence` describes it; `event.offset` is its own). The trigger observes it; unless
/// `decided`, it starts an execution when it is met, it is not paused and the workflow is enabled.
/// True: it started one, the only one for this workflow and event. REQUIRES: the trigger exists.
bool ApplyTrigger(Draft& draft, TriggerId trigger, const Occurrence& occurrence, const Event& event,
                  const Answers& answers, bool decided);

/// Lets every trigger that listens to the current event look at it, or wait for its answers, by
/// workflow and id. At most one of a workflow's triggers starts an execution: the first that is met
/// and can. False: the part is full and the decision is cut between two workflows.
bool ApplyTriggers(Draft& draft, const Occurrence& occurrence);

}  // namespace aiflow
