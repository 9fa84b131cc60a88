#include "model/event_keys.h"
#include "model/spec_json.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {
namespace {

/// The specification must be there when it is named, be valid, and be this workflow's.
Status CheckSpec(const WorkflowRow& workflow, const std::string& digest, const WorkflowSpec* spec) {
  const std::string full_name = workflow.ns + "." + workflow.name;
  if (digest.empty()) return Status::Ok();
  if (spec == nullptr) {
    return {Code::kInvalidArgument,
            "workflow " + full_name + ": specification " + digest + " is not readable"};
  }
  if (spec->ns != workflow.ns || spec->name != workflow.name) {
    return {Code::kInvalidArgument,
            "workflow " + full_name + ": the specification is of " + spec->ns + "." + spec->name};
  }
  return ValidateWorkflowSpec(*spec, nullptr);
}

}  // namespace

void Handle(Draft& draft, const UploadWorkflow& request, std::shared_ptr<const WorkflowSpec> spec) {
  for (const auto& [what, name] :
       {std::pair("namespace", &request.ns), std::pair("workflow name", &request.name)}) {
    if (Status status = ValidateName(what, *name); !status.ok()) {
      return draft.Reply(status.code(), status.message());
    }
  }
  if (request.ns != kDefaultNamespace && !draft.state().namespaces.contains(request.ns)) {
    return ReplyNoNamespace(draft, request.ns);
  }
  const WorkflowRow* existing = draft.state().FindWorkflow(request.ns, request.name);
  if (existing != nullptr && request.must_be_new) {
    return draft.Reply(Code::kAlreadyExists,
                       "Workflow " + request.ns + "." + request.name + " already exists");
  }
  if (existing == nullptr && request.must_exist) {
    return ReplyNoWorkflow(draft, request.ns, request.name);
  }
  // An upload leaves the enabled flag alone: only enable and disable change it.
  WorkflowRow workflow;
  if (existing != nullptr) {
    workflow = *existing;
  } else {
    workflow.ns = request.ns;
    workflow.name = request.name;
    workflow.created = draft.now();
  }
  if (Status status = CheckSpec(workflow, request.spec_digest, spec.get()); !status.ok()) {
    return draft.Reply(status.code(), status.message());
  }
  if (existing == nullptr) workflow.id = WorkflowId(++draft.counters().workflow);
  workflow.updated = draft.now();
  workflow.content_digest = request.content_digest;
  workflow.pickled_digest = request.pickled_digest;
  std::string detail = "{}";
  SnapshotRow snapshot;
  // An old client brings its snapshot with a request of its own.
  const bool has_snapshot = !request.spec_digest.empty() || !request.bundle_digest.empty();
  if (has_snapshot) {
    snapshot.id = SnapshotId(++draft.counters().snapshot);
    snapshot.workflow_id = workflow.id;
    snapshot.created = draft.now();
    snapshot.spec_digest = request.spec_digest;
    snapshot.bundle_digest = request.bundle_digest;
    snapshot.bundle_name = request.bundle_name;
    snapshot.pickled_digest = request.pickled_digest;
    snapshot.uri = request.uri;
    if (!request.spec_digest.empty()) snapshot.spec = std::move(spec);
    workflow.latest_snapshot = snapshot.id;
    detail = "{\"snapshot_id\":" + std::to_string(snapshot.id.value()) + "}";
  }
  const int64_t id = workflow.id.value();
  draft.Put(std::move(workflow));
  if (has_snapshot) draft.Put(std::move(snapshot));
  draft.Reply(Code::kOk, "workflow " + request.ns + "." + request.name + " uploaded", id,
              std::move(detail));
}

void Handle(Draft& draft, const AddSnapshot& request, std::shared_ptr<const WorkflowSpec> spec) {
  const WorkflowRow* existing = draft.state().FindWorkflow(WorkflowId(request.workflow_id));
  if (existing == nullptr) {
    return draft.Reply(Code::kNotFound,
                       "Workflow with id: " + std::to_string(request.workflow_id) + " not exists");
  }
  if (Status status = CheckSpec(*existing, request.spec_digest, spec.get()); !status.ok()) {
    return draft.Reply(status.code(), status.message());
  }
  SnapshotRow snapshot;
  snapshot.id = SnapshotId(++draft.counters().snapshot);
  snapshot.workflow_id = existing->id;
  snapshot.created = draft.now();
  snapshot.uri = request.uri;
  snapshot.signature = request.signature;
  snapshot.pickled_digest = request.pickled_digest;
  snapshot.spec_digest = request.spec_digest;
  snapshot.bundle_digest = request.bundle_digest;
  snapshot.bundle_name = request.bundle_name;
  if (!request.spec_digest.empty()) snapshot.spec = std::move(spec);
  WorkflowRow workflow = *existing;
  workflow.latest_snapshot = snapshot.id;
  const int64_t id = snapshot.id.value();
  draft.Put(std::move(workflow));
  draft.Put(std::move(snapshot));
  draft.Reply(Code::kOk, "workflow snapshot " + std::to_string(id) + " added", id);
}

}  // namespace aiflow
