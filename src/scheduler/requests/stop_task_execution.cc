#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

constexpr const char* kNothing = "nothing to stop";

/// The run that is current or waits, by its id; null when no such run is live.
const TaskExecutionRow* FindLiveRun(const Draft& draft, const ExecutionDraft& execution,
                                    int64_t id) {
  const ExecutionEntry* entry = draft.state().FindExecution(execution.id());
  if (entry == nullptr || entry->detail == nullptr) return nullptr;
  for (const auto& [key, run] : entry->detail->runs) {
    if (run.id.value() == id) return IsFinished(run.status) ? nullptr : &run;
  }
  return nullptr;
}

}  // namespace

void Handle(Draft& draft, const StopTaskExecution& request) {
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(request.execution_id));
  if (execution == nullptr) {
    if (!IsFinishedOrDeleted(draft, request.execution_id)) {
      return ReplyNoExecution(draft, request.execution_id);
    }
    return draft.Reply(Code::kOk, kNothing);
  }
  Why why;
  why.stop_cause = StopCause::kRequest;
  why.text = RequestText(draft);
  TaskIndex task = execution->workflow().FindTask(request.task);
  if (request.task.empty() && request.task_execution_id != 0) {
    const TaskExecutionRow* run = FindLiveRun(draft, *execution, request.task_execution_id);
    if (run == nullptr) return draft.Reply(Code::kOk, kNothing);
    task = run->task;
    if (run->status == TaskStatus::kInit) {
      execution->Edit().event_offset = draft.offset();
      const int64_t id = run->id.value();
      CancelSuccessor(*execution, task, why);
      return draft.Reply(Code::kOk, "the waiting run is cancelled", id);
    }
  }
  if (task < 0) {
    return draft.Reply(Code::kNotFound, "Task execution " + std::to_string(request.execution_id) +
                                            "." + request.task + " not exists");
  }
  const TaskRow* row = execution->FindTask(task);
  const int64_t current = row == nullptr ? 0 : row->current;
  if (!StopTask(*execution, task, why)) return draft.Reply(Code::kOk, kNothing);
  execution->Edit().event_offset = draft.offset();
  const TaskExecutionRow* run = execution->FindRun(task, current);
  draft.Reply(Code::kOk, "task '" + execution->TaskName(task) + "' is stopping",
              run == nullptr ? 0 : run->id.value());
}

}  // namespace aiflow
