#include "scheduler/requests/replies.h"

namespace aiflow {

void ReplyNoNamespace(Draft& draft, const std::string& name) {
  draft.Reply(Code::kNotFound, "Namespace " + name + " not exists.");
}

void ReplyNoWorkflow(Draft& draft, const std::string& ns, const std::string& name) {
  draft.Reply(Code::kNotFound, "Workflow " + ns + "." + name + " not exists");
}

void ReplyNoExecution(Draft& draft, int64_t id) {
  draft.Reply(Code::kNotFound, "Workflow execution " + std::to_string(id) + " not exists");
}

bool IsFinishedOrDeleted(const Draft& draft, int64_t execution_id) {
  return execution_id > 0 && execution_id <= draft.state().counters.execution &&
         draft.state().FindExecution(ExecutionId(execution_id)) == nullptr;
}

ExecutionDraft* FindStartable(Draft& draft, int64_t execution_id, const std::string& task) {
  const std::string subject =
      "Start task execution failed. Workflow execution " + std::to_string(execution_id);
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(execution_id));
  if (execution == nullptr) {
    if (IsFinishedOrDeleted(draft, execution_id)) {
      draft.Reply(Code::kFailedPrecondition, subject + " is finished");
    } else {
      ReplyNoExecution(draft, execution_id);
    }
    return nullptr;
  }
  if (execution->workflow().FindTask(task) < 0) {
    draft.Reply(Code::kNotFound, subject + " has no task '" + task + "'");
    return nullptr;
  }
  if (!execution->running()) {
    draft.Reply(Code::kFailedPrecondition, subject + " is stopping");
    return nullptr;
  }
  return execution;
}

std::string RequestText(const Draft& draft) {
  return "request " + draft.event().value + " at offset " + std::to_string(draft.offset());
}

}  // namespace aiflow
