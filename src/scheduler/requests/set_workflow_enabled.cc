#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {

void Handle(Draft& draft, const SetWorkflowEnabled& request) {
  const WorkflowRow* workflow = draft.state().FindWorkflow(request.ns, request.name);
  if (workflow == nullptr) return ReplyNoWorkflow(draft, request.ns, request.name);
  if (workflow->enabled != request.enabled) {
    WorkflowRow row = *workflow;
    row.enabled = request.enabled;
    draft.Put(std::move(row));
  }
  draft.Reply(
      Code::kOk,
      "workflow " + request.ns + "." + request.name + (request.enabled ? " enabled" : " disabled"),
      workflow->id.value());
}

}  // namespace aiflow
