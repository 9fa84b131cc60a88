#include <string>

#include "model/limits.h"
#include "scheduler/events/own_status.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

constexpr const char* kRefused = "Mark task failed. ";

}  // namespace

void Handle(Draft& draft, const MarkTask& request) {
  if (request.status != TaskStatus::kSuccess && request.status != TaskStatus::kFailed) {
    return draft.Reply(Code::kInvalidArgument, std::string(kRefused) +
                                                   "A task is marked SUCCESS or FAILED, not " +
                                                   std::string(TaskStatusName(request.status)));
  }
  if (request.note.size() > limits::kMaxNoteBytes) {
    return draft.Reply(Code::kInvalidArgument, std::string(kRefused) + "The note has " +
                                                   std::to_string(request.note.size()) +
                                                   " bytes; the limit is " +
                                                   std::to_string(limits::kMaxNoteBytes));
  }
  ExecutionDraft* execution = FindForTasks(draft, request.execution_id, kRefused);
  if (execution == nullptr) return;
  const TaskIndex task = FindTaskOf(draft, *execution, request.task, kRefused);
  if (task < 0) return;
  const std::string name =
      "task '" + request.task + "' of workflow execution " + std::to_string(request.execution_id);
  if (const TaskRow* row = execution->FindTask(task); row != nullptr && IsLive(*row)) {
    return draft.Reply(Code::kFailedPrecondition, kRefused + name + " is alive; stop it first");
  }
  const std::string status(TaskStatusName(request.status));
  OpenForTasks(*execution, "which marks task '" + request.task + "' " + status);
  std::string reason = "set by hand";
  if (!draft.event().sender.empty()) reason += " by " + draft.event().sender;
  if (!request.note.empty()) reason += ": " + request.note;
  const TaskExecutionRow& run =
      RecordRun(*execution, task, request.status, reason, RequestText(draft) + "; " + reason);
  const int64_t id = run.id.value();
  const std::string sequence = std::to_string(run.sequence);
  LetRulesSee(*execution, run);
  draft.Reply(Code::kOk, name + ": run " + sequence + " is " + status + ", " + reason, id,
              "{\"sequence\":" + sequence + "}");
}

}  // namespace aiflow
