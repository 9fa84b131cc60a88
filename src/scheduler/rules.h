#pragma once

#include <functional>
#include <vector>

#include "scheduler/compiled_workflow.h"
#include "scheduler/conditions/condition.h"
#include "scheduler/draft.h"

namespace aiflow {

/// Lets the rules `refs` (ascending, each once) of one execution see the current event: all of them
/// observe it, then in each task the first met rule in declaration order acts. All conditions look
/// at the execution as it is before any of the actions.
///
/// Where a user-written leaf has to be asked, the event waits (evaluations.h) for the rest of that
/// task's rules, from the first with such a leaf on; and for all of them behind an event that
/// waits. Too many wait: the execution fails. REQUIRES: the execution is RUNNING.
void ApplyRules(ExecutionDraft& execution, const Occurrence& occurrence,
                const std::vector<RuleRef>& refs);

/// An event that has waited for its answers.
struct PastEvent {
  const Occurrence& occurrence;
  const TaskStatuses& tasks;  // as of it
  Offset offset = 0;
  bool decided = false;  // a rule has acted: the rest only observes
  std::function<Answers(RuleIndex)> answers;
};

/// The rules `refs` of one task look at an event that has waited. The conditions look at the
/// execution as of the event, the action takes place in the execution as it is now. REQUIRES: the
/// execution is RUNNING.
void ApplyWaitingRules(ExecutionDraft& execution, const PastEvent& event,
                       const std::vector<RuleRef>& refs);

/// What the rule remembers of events is forgotten; the statuses of other workflows and the firings
/// of joins are not.
void ForgetEvents(ExecutionDraft& execution, RuleRef ref);

}  // namespace aiflow
