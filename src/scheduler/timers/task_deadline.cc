#include <string>

#include "base/check.h"
#include "scheduler/task_actions.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

std::string Seconds(Millis time) {
  const int64_t millis = time.count();
  if (millis % 1000 == 0) return std::to_string(millis / 1000) + " s";
  return std::to_string(millis) + " ms";
}

/// The signal and the kill have not ended it: a person must look. The run stays STOPPING, since two
/// processes of one task are worse than one that hangs.
void RaiseAlarm(ExecutionDraft& execution, TaskExecutionRow& run) {
  run.deadline = Millis(0);
  execution.Record(CauseKind::kAlarm, run.task, run.sequence, -1,
                   "it was to be stopped and is not confirmed to have ended" +
                       (run.pid == 0 ? "" : ": cannot kill pid " + std::to_string(run.pid)) +
                       "; look at the process and its machine");
}

void FireQueued(ExecutionDraft& execution, const TaskExecutionRow& run, const TaskSpec& spec) {
  if (run.has_slot) {
    return StopForLimit(execution, run.task,
                        "start_timeout: it did not begin to run within " +
                            Seconds(spec.start_timeout) + " of getting its slot");
  }
  const std::string waited = run.reason.empty() ? "" : " (" + run.reason + ")";
  StopForLimit(execution, run.task,
               "queue_timeout: it waited " + Seconds(spec.queue_timeout) + " for a slot" + waited);
}

}  // namespace

void FireTaskDeadline(Draft& draft, const TimerFired& timer) {
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(timer.owner));
  CHECK(execution != nullptr) << "a timer of execution " << timer.owner << ", which is not there";
  execution->Edit().event_offset = draft.offset();
  const TaskSpec& spec = execution->workflow().task_spec(timer.task);
  TaskExecutionRow& run = execution->EditRun(timer.task, timer.generation);
  switch (run.status) {
    case TaskStatus::kQueued: return FireQueued(*execution, run, spec);
    case TaskStatus::kRunning:
      return StopForLimit(
          *execution, timer.task,
          "execution_timeout: it ran longer than " + Seconds(spec.execution_timeout));
    case TaskStatus::kStopping: return RaiseAlarm(*execution, run);
    case TaskStatus::kRetrying: return Retry(*execution, timer.task);
    case TaskStatus::kInit:
    case TaskStatus::kSuccess:
    case TaskStatus::kFailed:
    case TaskStatus::kStopped: break;
  }
  CHECK(false) << "a deadline of attempt " << run.attempt().ToString() << ", which is "
               << TaskStatusName(run.status);
}

}  // namespace aiflow
