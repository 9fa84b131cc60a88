#include <string>

#include "base/check.h"
#include "scheduler/task_actions.h"
#include "scheduler/timers/misfire.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

void Act(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  switch (execution.workflow().task_spec(task).overlap) {
    case Overlap::kRestart: RestartTask(execution, task, why); return;
    case Overlap::kQueue: QueueTask(execution, task, why); return;
    case Overlap::kSkip: break;
  }
  const TaskRow* row = execution.FindTask(task);
  if (row == nullptr || !IsLive(*row)) {
    StartTask(execution, task, why);
    return;
  }
  const int64_t live = row->current != 0 ? row->current : row->successor;
  execution.Record(CauseKind::kIgnored, task, live, -1,
                   why.text + "; skipped, run " + std::to_string(live) + " is alive");
}

}  // namespace

void ArmTicks(ExecutionDraft& execution) {
  const CompiledWorkflow& workflow = execution.workflow();
  if (!workflow.has_periodic()) return;
  for (size_t i = 0; i < workflow.tasks().size(); ++i) {
    if (!workflow.tasks()[i].periodic.has_value()) continue;
    const auto first = workflow.tasks()[i].periodic->First(execution.draft().now());
    execution.EditTask(static_cast<TaskIndex>(i)).next_tick = first.value_or(Millis(0));
  }
}

void FireTick(Draft& draft, const TimerFired& timer) {
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(timer.owner));
  CHECK(execution != nullptr) << "a tick of execution " << timer.owner << ", which is not there";
  const TaskIndex task = timer.task;
  const Recurrence& recurrence = *execution->workflow().tasks()[static_cast<size_t>(task)].periodic;
  const DuePlan plan = PlanDue(recurrence, execution->workflow().task_spec(task).catchup,
                               Millis(timer.due_ms), draft.now());
  execution->Edit().event_offset = draft.offset();
  execution->EditTask(task).next_tick = plan.next;
  Why why;
  why.stop_cause = StopCause::kRule;  // of the workflow itself
  why.text = "tick of " + recurrence.text() + " at offset " + std::to_string(draft.offset());
  if (!plan.fires) {
    execution->Record(CauseKind::kTimer, task, 0, -1,
                      why.text + "; it came too late, and catchup is none");
    return;
  }
  Act(*execution, task, why);
}

}  // namespace aiflow
