#include <string>

#include "api/execution_snapshot.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"

/// This server makes no schedules and triggers yet, so none exists: adding one is refused, reading
/// finds none. What is answered about existing ones is therefore true as it stands.
namespace aiflow::api {
namespace {

grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context, const std::string& what,
                                 ai_flow::Response* response) {
  return FinishLegacy(
      context,
      Status(Code::kUnimplemented, what + " are not available in this version of the server"),
      response);
}

grpc::ServerUnaryReactor* Nothing(grpc::CallbackServerContext* context,
                                  ai_flow::Response* response) {
  SetLegacyNothing(response);
  return FinishLegacy(context);
}

grpc::ServerUnaryReactor* Missing(grpc::CallbackServerContext* context, const std::string& what,
                                  int64_t id, ai_flow::Response* response) {
  return FinishLegacy(
      context, Status(Code::kNotFound, what + " " + std::to_string(id) + " not exists"), response);
}

/// A list of a known workflow is empty; an unknown workflow is an error that old clients raise.
grpc::ServerUnaryReactor* EmptyList(grpc::CallbackServerContext* context, const Backend& backend,
                                    const ai_flow::ListWorkflowItemsRequest& request,
                                    ai_flow::Response* response) {
  const auto workflow =
      FindWorkflow(backend.queries, request.namespace_(), request.workflow_name());
  if (workflow.has_value()) return Nothing(context, response);
  const auto errors = WhenNotFound(Code::kInvalidArgument, workflow.error().message());
  return FinishLegacy(context, errors(workflow.error()), response);
}

grpc::ServerUnaryReactor* DeleteAll(grpc::CallbackServerContext* context, const Backend& backend,
                                    const ai_flow::WorkflowIdentifier& request,
                                    ai_flow::Response* response) {
  const auto workflow =
      FindWorkflow(backend.queries, request.namespace_(), request.workflow_name());
  if (!workflow.has_value()) return FinishLegacy(context, workflow.error(), response);
  SetLegacyText("", response);
  return FinishLegacy(context);
}

constexpr char kSchedule[] = "Workflow schedule";
constexpr char kTrigger[] = "Workflow trigger";

}  // namespace

#define AIFLOW_CALL(method, RequestType)                                                          \
  grpc::ServerUnaryReactor* SchedulerServiceAdapter::method(                                      \
      grpc::CallbackServerContext* context, [[maybe_unused]] const ai_flow::RequestType* request, \
      ai_flow::Response* response)

AIFLOW_CALL(addWorkflowSchedule, WorkflowScheduleProto) {
  return Refuse(context, "Workflow schedules", response);
}
AIFLOW_CALL(getWorkflowSchedule, IdRequest) { return Nothing(context, response); }
AIFLOW_CALL(listWorkflowSchedules, ListWorkflowItemsRequest) {
  return EmptyList(context, backend_, *request, response);
}
AIFLOW_CALL(deleteWorkflowSchedule, IdRequest) {
  return Missing(context, kSchedule, request->id(), response);
}
AIFLOW_CALL(deleteWorkflowSchedules, WorkflowIdentifier) {
  return DeleteAll(context, backend_, *request, response);
}
AIFLOW_CALL(pauseWorkflowSchedule, IdRequest) {
  return Missing(context, kSchedule, request->id(), response);
}
AIFLOW_CALL(resumeWorkflowSchedule, IdRequest) {
  return Missing(context, kSchedule, request->id(), response);
}
AIFLOW_CALL(addWorkflowTrigger, WorkflowTriggerProto) {
  return Refuse(context, "Workflow triggers", response);
}
AIFLOW_CALL(getWorkflowTrigger, IdRequest) { return Nothing(context, response); }
AIFLOW_CALL(listWorkflowTriggers, ListWorkflowItemsRequest) {
  return EmptyList(context, backend_, *request, response);
}
AIFLOW_CALL(deleteWorkflowTrigger, IdRequest) {
  return Missing(context, kTrigger, request->id(), response);
}
AIFLOW_CALL(deleteWorkflowTriggers, WorkflowIdentifier) {
  return DeleteAll(context, backend_, *request, response);
}
AIFLOW_CALL(pauseWorkflowTrigger, IdRequest) {
  return Missing(context, kTrigger, request->id(), response);
}
AIFLOW_CALL(resumeWorkflowTrigger, IdRequest) {
  return Missing(context, kTrigger, request->id(), response);
}

#undef AIFLOW_CALL

}  // namespace aiflow::api
