#include <utility>

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

constexpr const char* kRefused = "Start task execution failed. ";

/// Answers and gives null when there is no such execution or task.
std::pair<ExecutionDraft*, TaskIndex> Find(Draft& draft, int64_t execution_id,
                                           const std::string& name) {
  ExecutionDraft* execution = FindForTasks(draft, execution_id, kRefused);
  if (execution == nullptr) return {nullptr, -1};
  const TaskIndex task = FindTaskOf(draft, *execution, name, kRefused);
  return {task < 0 ? nullptr : execution, task};
}

void ReplyOutcome(ExecutionDraft& execution, TaskIndex task, const StartOutcome& outcome) {
  Draft& draft = execution.draft();
  const std::string name = "task '" + execution.TaskName(task) + "' of workflow execution " +
                           std::to_string(execution.id().value());
  const std::string run = "run " + std::to_string(outcome.sequence);
  switch (outcome.effect) {
    case StartEffect::kIgnored:
      return draft.Reply(Code::kFailedPrecondition,
                         kRefused + name + ": " + run + " is alive already");
    case StartEffect::kDropped:
      return draft.Reply(Code::kResourceExhausted,
                         kRefused + name + ": as many starts wait as max_pending_starts allows");
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
  if (const auto [execution, task] = Find(draft, request.execution_id, request.task);
      execution != nullptr) {
    OpenForTasks(*execution, "which starts task '" + request.task + "'");
    ReplyOutcome(*execution, task, StartTask(*execution, task, Asked(draft)));
  }
}

void Handle(Draft& draft, const RestartTaskExecution& request) {
  if (const auto [execution, task] = Find(draft, request.execution_id, request.task);
      execution != nullptr) {
    OpenForTasks(*execution, "which starts task '" + request.task + "'");
    ReplyOutcome(*execution, task, RestartTask(*execution, task, Asked(draft)));
  }
}

}  // namespace aiflow
