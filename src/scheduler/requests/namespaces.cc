#include <string>
#include <vector>

#include "model/event_keys.h"
#include "model/spec_json.h"
#include "scheduler/requests/erase_workflow.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {
namespace {

/// By name.
std::vector<WorkflowId> WorkflowsOf(const State::Rep& state, const std::string& ns) {
  std::vector<WorkflowId> ids;
  for (auto entry = state.workflow_names.lower_bound({ns, ""});
       entry != state.workflow_names.end() && entry->first.first == ns; ++entry) {
    ids.push_back(entry->second);
  }
  return ids;
}

}  // namespace

void Handle(Draft& draft, const AddNamespace& request) {
  if (Status status = ValidateName("namespace", request.name); !status.ok()) {
    return draft.Reply(status.code(), status.message());
  }
  if (IsReservedNamespace(request.name)) {
    return draft.Reply(Code::kInvalidArgument,
                       "namespace '" + request.name + "' is reserved; it means 'default'");
  }
  if (request.name == kDefaultNamespace || draft.state().namespaces.contains(request.name)) {
    return draft.Reply(Code::kAlreadyExists, "Namespace: " + request.name + " already exists");
  }
  draft.Put(NamespaceRow{request.name, request.properties_json});
  draft.Reply(Code::kOk, "namespace " + request.name + " created");
}

void Handle(Draft& draft, const UpdateNamespace& request) {
  if (!draft.state().namespaces.contains(request.name)) {
    return ReplyNoNamespace(draft, request.name);
  }
  draft.Put(NamespaceRow{request.name, request.properties_json});
  draft.Reply(Code::kOk, "namespace " + request.name + " updated");
}

void Handle(Draft& draft, const DeleteNamespace& request) {
  if (request.name == kDefaultNamespace) {
    return draft.Reply(Code::kFailedPrecondition, "Namespace default cannot be deleted");
  }
  if (!draft.state().namespaces.contains(request.name)) {
    return ReplyNoNamespace(draft, request.name);
  }
  const std::vector<WorkflowId> workflows = WorkflowsOf(draft.state(), request.name);
  if (!workflows.empty() && !request.cascade) {
    return draft.Reply(
        Code::kFailedPrecondition,
        "Namespace: " + request.name + " is not empty, please remove all its workflows first.");
  }
  for (const WorkflowId id : workflows) {
    const std::vector<ExecutionId> unfinished = draft.state().ExecutionsOf(id);
    if (unfinished.empty()) continue;
    return draft.Reply(Code::kFailedPrecondition,
                       "Namespace " + request.name + " cannot be deleted: workflow execution " +
                           std::to_string(unfinished.front().value()) + " of its workflow " +
                           draft.state().FindWorkflow(id)->name +
                           " is not finished; stop the executions first");
  }
  int64_t erased = draft.cursor().count;
  if (!workflows.empty()) {
    const bool gone = EraseInParts(draft, workflows.front());
    erased += gone ? 1 : 0;
    if (!gone || workflows.size() > 1) {
      draft.Cut().count = erased;  // one workflow after the other
      return;
    }
  }
  draft.Put(EraseNamespace{request.name});
  const std::string with = erased == 0 ? "" : " with " + std::to_string(erased) + " workflows";
  draft.Reply(Code::kOk, "namespace " + request.name + " deleted" + with, erased);
}

}  // namespace aiflow
