#include <string>
#include <utility>
#include <vector>

#include "api/grpc/legacy_compile.h"
#include "api/grpc/legacy_list.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"

namespace aiflow::api {
namespace {

Status Fill(const Backend& backend, const SnapshotRow& row, ai_flow::WorkflowSnapshotProto* proto) {
  proto->set_uuid(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->mutable_create_time()->set_value(row.created.count());
  auto pickled = LegacyBlob(backend, row.pickled_digest);
  if (!pickled.has_value()) return pickled.error();
  proto->set_workflow_object(*std::move(pickled));
  proto->mutable_uri()->set_value(row.uri);
  proto->mutable_signature()->set_value(row.signature);
  return Status::Ok();
}

Status FillSnapshot(const Backend& backend, SnapshotId id, ai_flow::Response* response) {
  return FillLegacyFound(backend.queries.GetSnapshot(id), response,
                         [&](const SnapshotRow& row) -> Result<ai_flow::WorkflowSnapshotProto> {
                           ai_flow::WorkflowSnapshotProto proto;
                           Status status = Fill(backend, row, &proto);
                           if (!status.ok()) return Error(std::move(status));
                           return proto;
                         });
}

/// Up to two of what a workflow has.
Result<std::vector<SnapshotRow>> FirstTwo(const Queries& queries, const std::string& ns,
                                          const std::string& name) {
  const Result<WorkflowRow> workflow = FindWorkflow(queries, ns, name);
  if (!workflow.has_value()) return Error(workflow.error());
  Page two;
  two.limit = 2;
  return queries.ListSnapshots(workflow->id, two);
}

/// Old clients delete all snapshots before the workflow: the latest one, which the request for all
/// keeps, goes too, and what stays because it is in use is an error.
void DeleteLatest(grpc::ServerUnaryReactor* reactor, Backend& backend, const std::string& ns,
                  const std::string& name, const std::string& why, ai_flow::Response* response) {
  const auto left = FirstTwo(backend.queries, ns, name);
  if (left.has_value() && left->size() == 1) {
    SubmitLegacyTo(
        reactor, backend, DeleteSnapshot{left->front().id.value()},
        [](const Status& status) { return status; }, response, nullptr);
    return;
  }
  if (!left.has_value()) {
    SetLegacyError(left.error(), response);
  } else if (left->empty()) {
    SetLegacyText("", response);
  } else {
    SetLegacyError(Status(Code::kFailedPrecondition, why), response);
  }
  reactor->Finish(grpc::Status::OK);
}

}  // namespace

grpc::ServerUnaryReactor* SchedulerServiceAdapter::addWorkflowSnapshot(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowSnapshotProto* request,
    ai_flow::Response* response) {
  const Result<WorkflowRow> workflow = LegacyOwner(backend_.queries, request->workflow_id());
  if (!workflow.has_value()) return FinishLegacy(context, workflow.error(), response);
  AddSnapshot add;
  add.workflow_id = request->workflow_id();
  add.uri = request->uri().value();
  add.signature = request->signature().value();
  if (!request->workflow_object().empty()) {
    auto stored = backend_.blobs.Put(request->workflow_object());
    if (!stored.has_value()) return FinishLegacy(context, stored.error(), response);
    add.pickled_digest = *std::move(stored);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  CompileSnapshot(
      backend_, *workflow, request->workflow_object(), std::move(add),
      SubmitCompiled<AddSnapshot>(reactor, backend_, response,
                                  [this](const ReplyRow& reply, ai_flow::Response* filled) {
                                    return FillSnapshot(backend_, SnapshotId(reply.id), filled);
                                  }));
  return reactor;
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getWorkflowSnapshot(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return FinishLegacy(context, FillSnapshot(backend_, SnapshotId(request->id()), response),
                      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listWorkflowSnapshots(
    grpc::CallbackServerContext* context, const ai_flow::ListWorkflowItemsRequest* request,
    ai_flow::Response* response) {
  return ListOfWorkflow<ai_flow::WorkflowSnapshotListProto>(
      context, backend_.queries, *request, response,
      [this](WorkflowId id, const Page& page) { return backend_.queries.ListSnapshots(id, page); },
      [this](const SnapshotRow& row, ai_flow::WorkflowSnapshotListProto* list) {
        return Fill(backend_, row, list->add_workflow_snapshots());
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowSnapshot(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  const std::string text = "Workflow snapshot " + std::to_string(request->id()) + " not exists";
  return SubmitLegacy(context, backend_, DeleteSnapshot{request->id()},
                      WhenNotFound(Code::kNotFound, text), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowSnapshots(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const std::string ns = request->namespace_();
  const std::string name = request->workflow_name();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  backend_.engine.Submit(
      DeleteSnapshots{ns, name}, "", [this, reactor, response, ns, name](Result<ReplyRow> reply) {
        if (!reply.has_value()) {
          const LegacyErrors errors = WhenNotFound(Code::kNotFound, NotExists(ns, name));
          SetLegacyError(errors(reply.error()), response);
          reactor->Finish(grpc::Status::OK);
          return;
        }
        backend_.observers.Post([this, reactor, response, ns, name, why = reply->message] {
          DeleteLatest(reactor, backend_, ns, name, why, response);
        });
      });
  return reactor;
}

}  // namespace aiflow::api
