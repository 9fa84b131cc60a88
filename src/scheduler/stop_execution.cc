#include "scheduler/stop_execution.h"

#include "scheduler/task_actions.h"

namespace aiflow {

bool StopExecution(ExecutionDraft& execution, StopCause cause, const std::string& reason) {
  if (!execution.running() && execution.row().status != ExecutionStatus::kInit) return false;
  Why why;
  why.stop_cause = cause;
  why.text = reason;
  ExecutionRow& row = execution.Edit();
  row.status = ExecutionStatus::kStopping;
  row.stop_cause = cause;
  row.event_offset = execution.draft().offset();
  row.deadline = Millis(0);
  row.reason = reason;
  for (size_t i = 0; i < execution.workflow().tasks().size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    const TaskRow* state = execution.FindTask(task);
    if (state == nullptr) continue;
    if (state->next_tick != Millis(0)) execution.EditTask(task).next_tick = Millis(0);
    StopTask(execution, task, why);
  }
  return true;
}

}  // namespace aiflow
