#pragma once

#include <string>

#include "scheduler/draft.h"

namespace aiflow {

/// STOPPING: it takes no more events and ticks, its tasks are stopped; once they have ended it is
/// STOPPED, or FAILED with kFailure. One that waits in INIT is ended at once. `reason` says who or
/// what stops it, for people. False: it is stopping already.
bool StopExecution(ExecutionDraft& execution, StopCause cause, const std::string& reason);

}  // namespace aiflow
