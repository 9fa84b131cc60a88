#pragma once

#include "engine/engine.h"
#include "executor/task_executor.h"

namespace aiflow::server {

/// Parameters, due time and the outputs of upstream tasks, as variables and files of the attempt:
/// docs/formats/task-environment.md.
void PlanInputs(const AttemptInputs& inputs, AttemptSpec* plan);

}  // namespace aiflow::server
