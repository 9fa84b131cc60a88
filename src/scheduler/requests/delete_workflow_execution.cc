#include "scheduler/hooks.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {

void Handle(Draft& draft, const DeleteWorkflowExecution& request) {
  const std::string subject = "Workflow execution " + std::to_string(request.execution_id);
  const ExecutionId id(request.execution_id);
  if (draft.state().FindExecution(id) != nullptr) {
    return draft.Reply(Code::kFailedPrecondition, subject + " is not finished, cannot be removed.");
  }
  if (!IsFinishedOrDeleted(draft, request.execution_id)) {
    return ReplyNoExecution(draft, request.execution_id);
  }
  DropHooks(draft, {id});
  draft.Put(EraseExecution{id});
  draft.Reply(Code::kOk, subject + " deleted", request.execution_id);
}

}  // namespace aiflow
