#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"
#include "api/grpc/v1_convert.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kNamespaces = "namespaces";
constexpr std::string_view kWorkflows = "workflows";

Status FillWorkflow(Backend& backend, const v1::GetWorkflowRequest& request,
                    v1::Workflow* response) {
  const Result<WorkflowRow> row =
      FindWorkflow(backend.queries, request.namespace_(), request.name());
  if (!row.has_value()) return row.error();
  ToProto(*row, response);
  auto content = ShownBlob(backend.blobs, row->content_digest);
  if (!content.has_value()) return content.error();
  response->set_content(*std::move(content));
  auto pickled = ShownBlob(backend.blobs, row->pickled_digest);
  if (!pickled.has_value()) return pickled.error();
  response->set_pickled_workflow(*std::move(pickled));
  if (!row->latest_snapshot.valid()) return Status::Ok();
  const auto snapshot = backend.queries.GetSnapshot(row->latest_snapshot);
  if (!snapshot.has_value()) return snapshot.error();
  if (!snapshot->has_value()) return Status::Ok();
  auto spec = ShownBlob(backend.blobs, (*snapshot)->spec_digest);
  if (!spec.has_value()) return spec.error();
  response->set_spec_json(*std::move(spec));
  return Status::Ok();
}

Status FillNamespace(const Queries& queries, const std::string& name, v1::Namespace* response) {
  const auto row = queries.GetNamespace(name);
  if (!row.has_value()) return row.error();
  if (!row->has_value()) return {Code::kNotFound, "namespace " + name + " does not exist"};
  ToProto(**row, response);
  return Status::Ok();
}

Status FillNamespaces(const Queries& queries, const v1::ListNamespacesRequest& request,
                      v1::ListNamespacesResponse* response) {
  return FillPage(
      kNamespaces, request, response,
      [&](const Page& page) { return queries.ListNamespaces(page); },
      [](const NamespaceRow& row) { return row.name; },
      [&](const NamespaceRow& row) {
        ToProto(row, response->add_namespaces());
        return Status::Ok();
      });
}

Status FillWorkflows(const Queries& queries, const v1::ListWorkflowsRequest& request,
                     v1::ListWorkflowsResponse* response) {
  return FillPage(
      kWorkflows, request, response,
      [&](const Page& page) {
        return queries.ListWorkflows(WorkflowFilter{request.namespace_(), request.name_contains()},
                                     page);
      },
      [](const WorkflowRow& row) { return row.id.value(); },
      [&](const WorkflowRow& row) {
        ToProto(row, response->add_workflows());
        return Status::Ok();
      });
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetServerInfo(Context* context,
                                                                    const v1::GetServerInfoRequest*,
                                                                    v1::ServerInfo* response) {
  response->set_version(backend_.version);
  response->set_home(backend_.home);
  response->set_notification_uri(backend_.notification_uri);
  response->set_epoch(backend_.engine.epoch());
  response->set_committed_offset(backend_.engine.committed());
  response->set_log_head(backend_.log.head());
  response->set_log_id(backend_.log.log_id());
  return FinishNow(context, Status::Ok());
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::AddNamespace(
    Context* context, const v1::AddNamespaceRequest* request, v1::Namespace* response) {
  const aiflow::AddNamespace add{request->name(), PropertiesToJson(request->properties())};
  return SubmitAndFinish(context, backend_, add, request->request_id(),
                         [request, response](const ReplyRow&) {
                           response->set_name(request->name());
                           *response->mutable_properties() = request->properties();
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetNamespace(
    Context* context, const v1::GetNamespaceRequest* request, v1::Namespace* response) {
  return FinishNow(context, FillNamespace(backend_.queries, request->name(), response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::UpdateNamespace(
    Context* context, const v1::UpdateNamespaceRequest* request, v1::Namespace* response) {
  const aiflow::UpdateNamespace update{request->name(), PropertiesToJson(request->properties())};
  return SubmitAndFinish(context, backend_, update, request->request_id(),
                         [this, request, response](const ReplyRow&) {
                           return FillNamespace(backend_.queries, request->name(), response);
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteNamespace(
    Context* context, const v1::DeleteNamespaceRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_,
                         aiflow::DeleteNamespace{request->name(), request->cascade()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListNamespaces(
    Context* context, const v1::ListNamespacesRequest* request,
    v1::ListNamespacesResponse* response) {
  return FinishNow(context, FillNamespaces(backend_.queries, *request, response));
}

grpc::ServerReadReactor<v1::UploadWorkflowsRequest>* OrchestratorServiceAdapter::UploadWorkflows(
    Context* context, v1::UploadWorkflowsResponse* response) {
  return NewUpload(backend_, context, response);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetWorkflow(
    Context* context, const v1::GetWorkflowRequest* request, v1::Workflow* response) {
  return FinishNow(context, FillWorkflow(backend_, *request, response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListWorkflows(
    Context* context, const v1::ListWorkflowsRequest* request,
    v1::ListWorkflowsResponse* response) {
  return FinishNow(context, FillWorkflows(backend_.queries, *request, response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflow(
    Context* context, const v1::WorkflowRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_,
                         aiflow::DeleteWorkflow{request->namespace_(), request->name()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::EnableWorkflow(
    Context* context, const v1::WorkflowRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_,
                         SetWorkflowEnabled{request->namespace_(), request->name(), true},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DisableWorkflow(
    Context* context, const v1::WorkflowRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_,
                         SetWorkflowEnabled{request->namespace_(), request->name(), false},
                         request->request_id(), nullptr);
}

}  // namespace aiflow::api
