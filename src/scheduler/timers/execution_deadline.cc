#include <string>

#include "base/check.h"
#include "scheduler/stop_execution.h"
#include "scheduler/timers/timers.h"

namespace aiflow {

void FireExecutionDeadline(Draft& draft, const TimerFired& timer) {
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(timer.owner));
  CHECK(execution != nullptr) << "a deadline of execution " << timer.owner
                              << ", which is not there";
  StopExecution(*execution, StopCause::kLimit,
                "execution_timeout: it was open longer than " +
                    std::to_string(execution->workflow().spec().execution_timeout.count()) + " ms");
}

}  // namespace aiflow
