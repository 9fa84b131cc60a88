#include <string>
#include <utility>

#include "api/grpc/legacy_compile.h"
#include "api/grpc/legacy_list.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"

namespace aiflow::api {
namespace {

Status Fill(const Backend& backend, const TriggerRow& row, ai_flow::WorkflowTriggerProto* proto) {
  proto->set_uuid(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  auto rule = LegacyBlob(backend, row.pickled_digest);
  if (!rule.has_value()) return rule.error();
  proto->set_rule(*std::move(rule));
  proto->set_is_paused(row.paused);
  proto->mutable_create_time()->set_value(row.created.count());
  return Status::Ok();
}

LegacyErrors WhenGone(int64_t id) {
  return WhenNotFound(Code::kNotFound, "Workflow trigger " + std::to_string(id) + " not exists");
}

Status FillTrigger(const Backend& backend, TriggerId id, ai_flow::Response* response) {
  return FillLegacyFound(backend.queries.GetTrigger(id), response,
                         [&](const TriggerRow& row) -> Result<ai_flow::WorkflowTriggerProto> {
                           ai_flow::WorkflowTriggerProto proto;
                           Status status = Fill(backend, row, &proto);
                           if (!status.ok()) return Error(std::move(status));
                           return proto;
                         });
}

}  // namespace

grpc::ServerUnaryReactor* SchedulerServiceAdapter::addWorkflowTrigger(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowTriggerProto* request,
    ai_flow::Response* response) {
  const Result<WorkflowRow> workflow = LegacyOwner(backend_.queries, request->workflow_id());
  if (!workflow.has_value()) return FinishLegacy(context, workflow.error(), response);
  AddTrigger add;
  add.workflow_id = request->workflow_id();
  if (!request->rule().empty()) {
    auto stored = backend_.blobs.Put(request->rule());
    if (!stored.has_value()) return FinishLegacy(context, stored.error(), response);
    add.pickled_digest = *std::move(stored);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  CompileTrigger(
      backend_, *workflow, request->rule(), std::move(add),
      SubmitCompiled<AddTrigger>(reactor, backend_, response,
                                 [this](const ReplyRow& reply, ai_flow::Response* filled) {
                                   return FillTrigger(backend_, TriggerId(reply.id), filled);
                                 }));
  return reactor;
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getWorkflowTrigger(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return FinishLegacy(context, FillTrigger(backend_, TriggerId(request->id()), response), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listWorkflowTriggers(
    grpc::CallbackServerContext* context, const ai_flow::ListWorkflowItemsRequest* request,
    ai_flow::Response* response) {
  return ListOfWorkflow<ai_flow::WorkflowTriggerListProto>(
      context, backend_.queries, *request, response,
      [this](WorkflowId id, const Page& page) { return backend_.queries.ListTriggers(id, page); },
      [this](const TriggerRow& row, ai_flow::WorkflowTriggerListProto* list) {
        return Fill(backend_, row, list->add_workflow_triggers());
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowTrigger(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return SubmitLegacy(context, backend_, DeleteTrigger{request->id()}, WhenGone(request->id()),
                      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowTriggers(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const DeleteTriggers all{request->namespace_(), request->workflow_name()};
  return SubmitLegacy(context, backend_, all,
                      WhenNotFound(Code::kNotFound, NotExists(all.ns, all.name)), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::pauseWorkflowTrigger(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return SubmitLegacy(context, backend_, SetTriggerPaused{request->id(), true},
                      WhenGone(request->id()), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::resumeWorkflowTrigger(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return SubmitLegacy(context, backend_, SetTriggerPaused{request->id(), false},
                      WhenGone(request->id()), response);
}

}  // namespace aiflow::api
