#pragma once

#include "scheduler/draft.h"

namespace aiflow {

/// The rules of an execution look at the status that `run`, one of its own, has now. Nothing
/// happens unless the execution is RUNNING.
void LetRulesSee(ExecutionDraft& execution, const TaskExecutionRow& run);

}  // namespace aiflow
