#pragma once

#include "model/validation/own_tasks.h"
#include "model/validation/problems.h"
#include "model/workflow_spec.h"

namespace aiflow::validation {

/// Names the tasks that can never start, and why: the least fixpoint of "can start, given who can
/// start". Events, and statuses of other workflows, may always come. Takes time linear in the size
/// of `spec`, whose references must all be known.
void CheckStartable(const WorkflowSpec& spec, const OwnTasks& own, Problems& problems);

}  // namespace aiflow::validation
