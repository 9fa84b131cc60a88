#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

Why Asked(const Draft& draft) {
  Why why;
  why.stop_cause = StopCause::kRequest;
  why.text = RequestText(draft);
  return why;
}

void ReplyOutcome(ExecutionDraft& execution, TaskIndex task, const StartOutcome& outcome) {
  Draft& draft = execution.draft();
  const std::string name = "task '" + execution.TaskName(task) + "' of workflow execution " +
                           std::to_string(execution.id().value());
  const std::string run = "run " + std::to_string(outcome.sequence);
  switch (outcome.effect) {
    case StartEffect::kIgnored:
      return draft.Reply(Code::kFailedPrecondition,
                         "Start task execution failed. " + name + ": " + run + " is alive already");
    case StartEffect::kDropped:
      return draft.Reply(Code::kResourceExhausted,
                         "Start task execution failed. " + name +
                             ": as many starts wait as max_pending_starts allows");
    case StartEffect::kQueued: {
      const size_t queued = execution.FindTask(task)->pending_starts.size();
      return draft.Reply(Code::kOk, name + ": kept for later, " + std::to_string(queued) + " wait",
                         0, "{\"sequence\":0,\"queued\":" + std::to_string(queued) + "}");
    }
    case StartEffect::kStarted:
    case StartEffect::kSuccessor:
    case StartEffect::kCoalesced: break;
  }
  const bool now = outcome.effect == StartEffect::kStarted;
  draft.Reply(Code::kOk, name + ": " + run + (now ? " is queued" : " waits for the current one"),
              execution.FindRun(task, outcome.sequence)->id.value(),
              "{\"sequence\":" + std::to_string(outcome.sequence) + "}");
}

}  // namespace

void Handle(Draft& draft, const StartTaskExecution& request) {
  ExecutionDraft* execution = FindStartable(draft, request.execution_id, request.task);
  if (execution == nullptr) return;
  execution->Edit().event_offset = draft.offset();
  const TaskIndex task = execution->workflow().FindTask(request.task);
  ReplyOutcome(*execution, task, StartTask(*execution, task, Asked(draft)));
}

void Handle(Draft& draft, const RestartTaskExecution& request) {
  ExecutionDraft* execution = FindStartable(draft, request.execution_id, request.task);
  if (execution == nullptr) return;
  execution->Edit().event_offset = draft.offset();
  const TaskIndex task = execution->workflow().FindTask(request.task);
  ReplyOutcome(*execution, task, RestartTask(*execution, task, Asked(draft)));
}

}  // namespace aiflow
