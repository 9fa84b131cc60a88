#pragma once

#include "scheduler/draft.h"

namespace aiflow {

/// Ends the execution when nothing of it is alive and nothing that never ran can start, and
/// computes its outcome. Called once per event, after all its effects.
void SettleExecution(ExecutionDraft& execution);

}  // namespace aiflow
