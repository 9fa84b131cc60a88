#include "scheduler/requests/erase_workflow.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {

void Handle(Draft& draft, const DeleteWorkflow& request) {
  const WorkflowRow* workflow = draft.state().FindWorkflow(request.ns, request.name);
  if (workflow == nullptr) return ReplyNoWorkflow(draft, request.ns, request.name);
  const std::string subject = "Workflow " + request.ns + "." + request.name;
  const std::vector<ExecutionId> unfinished = draft.state().ExecutionsOf(workflow->id);
  if (!unfinished.empty()) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " cannot be deleted: " + std::to_string(unfinished.size()) +
                           " of its executions are not finished, the first is workflow execution " +
                           std::to_string(unfinished.front().value()) + "; stop them first");
  }
  if (!EraseInParts(draft, workflow->id)) return;
  draft.Reply(Code::kOk, subject + " deleted", workflow->id.value());
}

}  // namespace aiflow
