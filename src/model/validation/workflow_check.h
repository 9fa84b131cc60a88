#pragma once

#include "model/validation/problems.h"
#include "model/workflow_spec.h"

namespace aiflow::validation {

/// Checks what is not of a single task: names, limits, host, time zone, params, hooks, config.
void CheckWorkflow(const WorkflowSpec& spec, Problems& problems);

}  // namespace aiflow::validation
