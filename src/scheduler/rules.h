#pragma once

#include <vector>

#include "scheduler/compiled_workflow.h"
#include "scheduler/conditions/condition.h"
#include "scheduler/draft.h"

namespace aiflow {

/// Lets the rules `refs` (ascending, each once) of one execution see one event: all of them observe
/// it, then in each task the first met rule in declaration order acts. All conditions look at the
/// execution as it is before any of the actions. REQUIRES: the execution is RUNNING.
void ApplyRules(ExecutionDraft& execution, const Occurrence& occurrence,
                const std::vector<RuleRef>& refs);

/// What the rule remembers of events is forgotten; the statuses of other workflows and the firings
/// of joins are not.
void ForgetEvents(ExecutionDraft& execution, RuleRef ref);

}  // namespace aiflow
