#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kTriggers = "triggers";
constexpr size_t kMaxHostBytes = 16 << 10;

Status ToProto(const BlobStore& blobs, const TriggerRow& row, v1::WorkflowTrigger* proto) {
  proto->set_id(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->set_condition_json(row.condition_json);
  proto->set_params_json(row.params_json);
  proto->set_paused(row.paused);
  proto->set_create_time(row.created.count());
  proto->set_reason(row.reason);
  auto pickled = ShownBlob(blobs, row.pickled_digest);
  if (!pickled.has_value()) return pickled.error();
  proto->set_pickled_rule(*std::move(pickled));
  return Status::Ok();
}

Status FillTrigger(Backend& backend, TriggerId id, v1::WorkflowTrigger* response) {
  const auto row = backend.queries.GetTrigger(id);
  if (!row.has_value()) return row.error();
  if (!row->has_value()) {
    return {Code::kNotFound, "Workflow trigger " + std::to_string(id.value()) + " not exists"};
  }
  return ToProto(backend.blobs, **row, response);
}

Status CheckSizes(const v1::AddWorkflowTriggerRequest& request) {
  AIFLOW_RETURN_IF_ERROR(CheckTextSize("the condition", request.condition_json(),
                                       limits::kMaxTriggerBytes, "kMaxTriggerBytes"));
  AIFLOW_RETURN_IF_ERROR(
      CheckTextSize("params", request.params_json(), limits::kMaxTriggerBytes, "kMaxTriggerBytes"));
  AIFLOW_RETURN_IF_ERROR(CheckTextSize("the pickled rule", request.pickled_rule(),
                                       limits::kMaxSpecBytes, "kMaxSpecBytes"));
  return CheckTextSize("the host", request.host_json(), kMaxHostBytes, "kMaxHostBytes");
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::AddWorkflowTrigger(
    Context* context, const v1::AddWorkflowTriggerRequest* request, v1::WorkflowTrigger* response) {
  if (Status size = CheckSizes(*request); !size.ok()) return FinishNow(context, size);
  AddTrigger add;
  add.ns = request->namespace_();
  add.name = request->name();
  add.condition_json = request->condition_json();
  add.params_json = request->params_json();
  add.host_json = request->host_json();
  if (!request->pickled_rule().empty()) {
    auto stored = backend_.blobs.Put(request->pickled_rule());
    if (!stored.has_value()) return FinishNow(context, stored.error());
    add.pickled_digest = *std::move(stored);
  }
  return SubmitAndFinish(context, backend_, add, request->request_id(),
                         [this, response](const ReplyRow& reply) {
                           return FillTrigger(backend_, TriggerId(reply.id), response);
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetWorkflowTrigger(
    Context* context, const v1::GetWorkflowTriggerRequest* request, v1::WorkflowTrigger* response) {
  return FinishNow(context, FillTrigger(backend_, TriggerId(request->trigger_id()), response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListWorkflowTriggers(
    Context* context, const v1::ListWorkflowTriggersRequest* request,
    v1::ListWorkflowTriggersResponse* response) {
  return FinishNow(context, FillPageOfWorkflow(
                                kTriggers, backend_.queries, *request, response,
                                [this](WorkflowId id, const Page& page) {
                                  return backend_.queries.ListTriggers(id, page);
                                },
                                [this, response](const WorkflowRow&, const TriggerRow& row) {
                                  return ToProto(backend_.blobs, row, response->add_triggers());
                                }));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowTrigger(
    Context* context, const v1::WorkflowTriggerRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, DeleteTrigger{request->trigger_id()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowTriggers(
    Context* context, const v1::WorkflowRequest* request, v1::DeletedResponse* response) {
  return SubmitAndFinish(context, backend_, DeleteTriggers{request->namespace_(), request->name()},
                         request->request_id(), FillDeleted(response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::PauseWorkflowTrigger(
    Context* context, const v1::WorkflowTriggerRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, SetTriggerPaused{request->trigger_id(), true},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ResumeWorkflowTrigger(
    Context* context, const v1::WorkflowTriggerRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, SetTriggerPaused{request->trigger_id(), false},
                         request->request_id(), nullptr);
}

}  // namespace aiflow::api
