#include "model/event_keys.h"
#include "model/spec_json.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {

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
  const auto workflow = draft.state().workflow_names.lower_bound({request.name, ""});
  if (workflow != draft.state().workflow_names.end() && workflow->first.first == request.name) {
    return draft.Reply(
        Code::kFailedPrecondition,
        "Namespace: " + request.name + " is not empty, please remove all its workflows first.");
  }
  draft.Put(EraseNamespace{request.name});
  draft.Reply(Code::kOk, "namespace " + request.name + " deleted");
}

}  // namespace aiflow
