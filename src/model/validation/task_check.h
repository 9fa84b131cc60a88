#pragma once

#include "model/validation/problems.h"
#include "model/workflow_spec.h"

namespace aiflow::validation {

/// Checks one task of `spec`, its conditions aside.
void CheckTask(const WorkflowSpec& spec, const TaskSpec& task, Problems& problems);

}  // namespace aiflow::validation
