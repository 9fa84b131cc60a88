#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/execution_snapshot.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"
#include "model/event_keys.h"

namespace aiflow::api {
namespace {

Status Fill(const Backend& backend, const WorkflowRow& row, ai_flow::WorkflowProto* proto) {
  proto->set_uuid(row.id.value());
  proto->set_name(row.name);
  proto->set_namespace_(row.ns);
  auto content = LegacyBlob(backend, row.content_digest);
  if (!content.has_value()) return content.error();
  proto->set_content(*std::move(content));
  auto pickled = LegacyBlob(backend, row.pickled_digest);
  if (!pickled.has_value()) return pickled.error();
  proto->set_pickled_workflow(*std::move(pickled));
  proto->mutable_create_time()->set_value(row.created.count());
  proto->mutable_update_time()->set_value(row.updated.count());
  proto->set_is_enabled(row.enabled);
  proto->mutable_event_offset()->set_value(row.event_offset);
  return Status::Ok();
}

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

Status FillWorkflow(const Backend& backend, const std::string& ns, const std::string& name,
                    ai_flow::Response* response) {
  const auto row = backend.queries.FindWorkflow(std::string(MatchingNamespace(ns)), name);
  if (!row.has_value()) return row.error();
  if (!row->has_value()) {
    SetLegacyNothing(response);
    return Status::Ok();
  }
  ai_flow::WorkflowProto proto;
  AIFLOW_RETURN_IF_ERROR(Fill(backend, **row, &proto));
  SetLegacyData(proto, response);
  return Status::Ok();
}

Status FillSnapshot(const Backend& backend, SnapshotId id, ai_flow::Response* response) {
  const auto row = backend.queries.GetSnapshot(id);
  if (!row.has_value()) return row.error();
  if (!row->has_value()) {
    SetLegacyNothing(response);
    return Status::Ok();
  }
  ai_flow::WorkflowSnapshotProto proto;
  AIFLOW_RETURN_IF_ERROR(Fill(backend, **row, &proto));
  SetLegacyData(proto, response);
  return Status::Ok();
}

/// Stores what an old client sends beside the names.
Status StoreBlobs(BlobStore& blobs, const std::string& content, const std::string& pickled,
                  UploadWorkflow* upload) {
  for (const auto& [bytes, digest] : {std::pair(&content, &upload->content_digest),
                                      std::pair(&pickled, &upload->pickled_digest)}) {
    if (bytes->empty()) continue;
    auto stored = blobs.Put(*bytes);
    if (!stored.has_value()) return stored.error();
    *digest = *std::move(stored);
  }
  return Status::Ok();
}

/// Deletes snapshots one after another, until one is refused.
class SnapshotDeletion : public std::enable_shared_from_this<SnapshotDeletion> {
 public:
  SnapshotDeletion(Backend& backend, std::vector<SnapshotRow> rows,
                   grpc::ServerUnaryReactor* reactor, ai_flow::Response* response)
      : backend_(backend), rows_(std::move(rows)), reactor_(reactor), response_(response) {}

  void Next() {
    if (next_ == rows_.size()) {
      SetLegacyText("", response_);
      reactor_->Finish(grpc::Status::OK);
      return;
    }
    const int64_t id = rows_[next_++].id.value();
    backend_.engine.Submit(DeleteSnapshot{id}, "",
                           [self = shared_from_this()](const Result<ReplyRow>& reply) {
                             // Gone meanwhile is what was wanted.
                             if (reply.has_value() || reply.error().code() == Code::kNotFound) {
                               self->Next();
                             } else {
                               SetLegacyError(reply.error(), self->response_);
                               self->reactor_->Finish(grpc::Status::OK);
                             }
                           });
  }

 private:
  Backend& backend_;
  const std::vector<SnapshotRow> rows_;
  size_t next_ = 0;
  grpc::ServerUnaryReactor* const reactor_;
  ai_flow::Response* const response_;
};

}  // namespace

grpc::ServerUnaryReactor* SchedulerServiceAdapter::addWorkflow(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowProto* request,
    ai_flow::Response* response) {
  UploadWorkflow upload;
  upload.ns = request->namespace_();
  upload.name = request->name();
  upload.must_be_new = true;
  const Status stored =
      StoreBlobs(backend_.blobs, request->content(), request->pickled_workflow(), &upload);
  if (!stored.ok()) return FinishLegacy(context, stored, response);
  return SubmitLegacy(
      context, backend_, upload,
      WhenNotFound(Code::kInvalidArgument, "Namespace " + request->namespace_() + " not exists"),
      response, [this, request](const ReplyRow&, ai_flow::Response* filled) {
        return FillWorkflow(backend_, request->namespace_(), request->name(), filled);
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::updateWorkflow(
    grpc::CallbackServerContext* context, const ai_flow::UpdateWorkflowRequest* request,
    ai_flow::Response* response) {
  const ai_flow::WorkflowIdentifier& identifier = request->identifier();
  UploadWorkflow upload;
  upload.ns = identifier.namespace_();
  upload.name = identifier.workflow_name();
  upload.must_exist = true;
  const Status stored =
      StoreBlobs(backend_.blobs, request->content(), request->pickled_workflow(), &upload);
  if (!stored.ok()) return FinishLegacy(context, stored, response);
  return SubmitLegacy(context, backend_, upload,
                      WhenNotFound(Code::kInvalidArgument, NotExists(upload.ns, upload.name)),
                      response, [this, identifier](const ReplyRow&, ai_flow::Response* filled) {
                        return FillWorkflow(backend_, identifier.namespace_(),
                                            identifier.workflow_name(), filled);
                      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getWorkflow(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  return FinishLegacy(
      context, FillWorkflow(backend_, request->namespace_(), request->workflow_name(), response),
      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflow(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const std::string text = NotExists(request->namespace_(), request->workflow_name());
  return SubmitLegacy(context, backend_,
                      DeleteWorkflow{request->namespace_(), request->workflow_name()},
                      WhenNotFound(Code::kNotFound, text), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::disableWorkflow(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const std::string text = NotExists(request->namespace_(), request->workflow_name());
  return SubmitLegacy(context, backend_,
                      SetWorkflowEnabled{request->namespace_(), request->workflow_name(), false},
                      WhenNotFound(Code::kNotFound, text), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::enableWorkflow(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const std::string text = NotExists(request->namespace_(), request->workflow_name());
  return SubmitLegacy(context, backend_,
                      SetWorkflowEnabled{request->namespace_(), request->workflow_name(), true},
                      WhenNotFound(Code::kNotFound, text), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listWorkflows(
    grpc::CallbackServerContext* context, const ai_flow::ListWorkflowsRequest* request,
    ai_flow::Response* response) {
  const auto rows = backend_.queries.ListWorkflows(
      request->namespace_(), LegacyPage(request->page_size(), request->offset()));
  if (!rows.has_value()) return FinishLegacy(context, rows.error(), response);
  if (rows->empty()) {
    SetLegacyNothing(response);
    return FinishLegacy(context);
  }
  ai_flow::WorkflowListProto list;
  for (const WorkflowRow& row : *rows) {
    const Status status = Fill(backend_, row, list.add_workflows());
    if (!status.ok()) return FinishLegacy(context, status, response);
  }
  SetLegacyData(list, response);
  return FinishLegacy(context);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::addWorkflowSnapshot(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowSnapshotProto* request,
    ai_flow::Response* response) {
  AddSnapshot add;
  add.workflow_id = request->workflow_id();
  add.uri = request->uri().value();
  add.signature = request->signature().value();
  if (!request->workflow_object().empty()) {
    auto stored = backend_.blobs.Put(request->workflow_object());
    if (!stored.has_value()) return FinishLegacy(context, stored.error(), response);
    add.pickled_digest = *std::move(stored);
  }
  return SubmitLegacy(
      context, backend_, add,
      WhenNotFound(Code::kInvalidArgument,
                   "Workflow with id: " + std::to_string(add.workflow_id) + " not exists"),
      response, [this](const ReplyRow& reply, ai_flow::Response* filled) {
        return FillSnapshot(backend_, SnapshotId(reply.id), filled);
      });
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
  const auto workflow =
      FindWorkflow(backend_.queries, request->namespace_(), request->workflow_name());
  if (!workflow.has_value()) {
    const auto errors = WhenNotFound(Code::kInvalidArgument, workflow.error().message());
    return FinishLegacy(context, errors(workflow.error()), response);
  }
  const auto rows = backend_.queries.ListSnapshots(
      workflow->id, LegacyPage(request->page_size(), request->offset()));
  if (!rows.has_value()) return FinishLegacy(context, rows.error(), response);
  if (rows->empty()) {
    SetLegacyNothing(response);
    return FinishLegacy(context);
  }
  ai_flow::WorkflowSnapshotListProto list;
  for (const SnapshotRow& row : *rows) {
    const Status status = Fill(backend_, row, list.add_workflow_snapshots());
    if (!status.ok()) return FinishLegacy(context, status, response);
  }
  SetLegacyData(list, response);
  return FinishLegacy(context);
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
  const auto workflow =
      FindWorkflow(backend_.queries, request->namespace_(), request->workflow_name());
  if (!workflow.has_value()) return FinishLegacy(context, workflow.error(), response);
  auto rows = backend_.queries.ListSnapshots(workflow->id, LegacyPage(0, 0));
  if (!rows.has_value()) return FinishLegacy(context, rows.error(), response);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  std::make_shared<SnapshotDeletion>(backend_, *std::move(rows), reactor, response)->Next();
  return reactor;
}

}  // namespace aiflow::api
