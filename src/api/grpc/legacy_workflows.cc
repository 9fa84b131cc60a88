#include <string>
#include <utility>

#include "api/grpc/legacy_list.h"
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

Status FillWorkflow(const Backend& backend, const std::string& ns, const std::string& name,
                    ai_flow::Response* response) {
  return FillLegacyFound(backend.queries.FindWorkflow(std::string(MatchingNamespace(ns)), name),
                         response, [&](const WorkflowRow& row) -> Result<ai_flow::WorkflowProto> {
                           ai_flow::WorkflowProto proto;
                           Status status = Fill(backend, row, &proto);
                           if (!status.ok()) return Error(std::move(status));
                           return proto;
                         });
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
  return FinishLegacyList<ai_flow::WorkflowListProto>(
      context,
      backend_.queries.ListWorkflows(request->namespace_(),
                                     LegacyPage(request->page_size(), request->offset())),
      response, [this](const WorkflowRow& row, ai_flow::WorkflowListProto* list) {
        return Fill(backend_, row, list->add_workflows());
      });
}

}  // namespace aiflow::api
