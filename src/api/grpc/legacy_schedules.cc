#include <string>
#include <utility>

#include "api/grpc/legacy_list.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"
#include "api/schedule_timezone.h"

namespace aiflow::api {
namespace {

void Fill(const ScheduleRow& row, ai_flow::WorkflowScheduleProto* proto) {
  proto->set_uuid(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->mutable_expression()->set_value(row.expression);
  proto->set_is_paused(row.paused);
  proto->mutable_create_time()->set_value(row.created.count());
}

Status FillSchedule(const Queries& queries, ScheduleId id, ai_flow::Response* response) {
  return FillLegacyFound(queries.GetSchedule(id), response,
                         [](const ScheduleRow& row) -> Result<ai_flow::WorkflowScheduleProto> {
                           ai_flow::WorkflowScheduleProto proto;
                           Fill(row, &proto);
                           return proto;
                         });
}

LegacyErrors WhenGone(int64_t id) {
  return WhenNotFound(Code::kNotFound, "Workflow schedule " + std::to_string(id) + " not exists");
}

Result<std::string> TimezoneFor(const Backend& backend, int64_t workflow_id) {
  const auto workflow = backend.queries.GetWorkflow(WorkflowId(workflow_id));
  if (!workflow.has_value()) return Error(workflow.error());
  if (!workflow->has_value()) return Error(Code::kInvalidArgument, ParentNotExists(workflow_id));
  return ScheduleTimezone(backend.queries, backend.specs, **workflow, backend.default_timezone);
}

}  // namespace

grpc::ServerUnaryReactor* SchedulerServiceAdapter::addWorkflowSchedule(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowScheduleProto* request,
    ai_flow::Response* response) {
  Result<std::string> timezone = TimezoneFor(backend_, request->workflow_id());
  if (!timezone.has_value()) return FinishLegacy(context, timezone.error(), response);
  AddSchedule add;
  add.workflow_id = request->workflow_id();
  add.expression = request->expression().value();
  add.timezone = *std::move(timezone);
  return SubmitLegacy(context, backend_, add,
                      WhenNotFound(Code::kInvalidArgument, ParentNotExists(add.workflow_id)),
                      response, [this](const ReplyRow& reply, ai_flow::Response* filled) {
                        return FillSchedule(backend_.queries, ScheduleId(reply.id), filled);
                      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getWorkflowSchedule(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return FinishLegacy(context, FillSchedule(backend_.queries, ScheduleId(request->id()), response),
                      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listWorkflowSchedules(
    grpc::CallbackServerContext* context, const ai_flow::ListWorkflowItemsRequest* request,
    ai_flow::Response* response) {
  return ListOfWorkflow<ai_flow::WorkflowScheduleListProto>(
      context, backend_.queries, *request, response,
      [this](WorkflowId id, const Page& page) { return backend_.queries.ListSchedules(id, page); },
      [](const ScheduleRow& row, ai_flow::WorkflowScheduleListProto* list) {
        Fill(row, list->add_workflow_schedules());
        return Status::Ok();
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowSchedule(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return SubmitLegacy(context, backend_, DeleteSchedule{request->id()}, WhenGone(request->id()),
                      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowSchedules(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const DeleteSchedules all{request->namespace_(), request->workflow_name()};
  return SubmitLegacy(context, backend_, all,
                      WhenNotFound(Code::kNotFound, NotExists(all.ns, all.name)), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::pauseWorkflowSchedule(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return SubmitLegacy(context, backend_, SetSchedulePaused{request->id(), true},
                      WhenGone(request->id()), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::resumeWorkflowSchedule(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return SubmitLegacy(context, backend_, SetSchedulePaused{request->id(), false},
                      WhenGone(request->id()), response);
}

}  // namespace aiflow::api
