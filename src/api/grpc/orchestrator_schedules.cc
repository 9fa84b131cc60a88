#include <array>
#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"
#include "api/reply.h"
#include "api/schedule_timezone.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kSchedules = "schedules";
// An expression is a line; what is longer is not one.
constexpr size_t kMaxExpressionBytes = 1024;
constexpr std::array<std::pair<std::string_view, CatchUp>, 3> kCatchUps = {
    {{"none", CatchUp::kNone}, {"one", CatchUp::kOne}, {"all", CatchUp::kAll}}};

std::string_view CatchUpName(CatchUp catchup) {
  for (const auto& [name, value] : kCatchUps) {
    if (value == catchup) return name;
  }
  return "?";
}

Result<CatchUp> ParseCatchUp(const std::string& text) {
  if (text.empty()) return CatchUp::kOne;
  for (const auto& [name, value] : kCatchUps) {
    if (name == text) return value;
  }
  return Error(Code::kInvalidArgument, "catchup " + text + " is not none, one or all");
}

void ToProto(const ScheduleRow& row, v1::WorkflowSchedule* proto) {
  proto->set_id(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->set_expression(row.expression);
  proto->set_timezone(row.timezone);
  proto->set_catchup(std::string(CatchUpName(row.catchup)));
  proto->set_skip_if_active(row.skip_if_active);
  proto->set_params_json(row.params_json);
  proto->set_paused(row.paused);
  proto->set_create_time(row.created.count());
  proto->set_next_due(row.next_due.count());
  proto->set_last_due(row.last_due.count());
  proto->set_reason(row.reason);
}

Status FillSchedule(const Queries& queries, ScheduleId id, v1::WorkflowSchedule* response) {
  const auto row = queries.GetSchedule(id);
  if (!row.has_value()) return row.error();
  if (!row->has_value()) {
    return {Code::kNotFound, "Workflow schedule " + std::to_string(id.value()) + " not exists"};
  }
  ToProto(**row, response);
  return Status::Ok();
}

/// What the texts of `request` (a new schedule or a backfill) may be, and its time zone.
template <typename Request>
Result<std::string> CheckRecurrence(Backend& backend, const Request& request) {
  Status status = CheckTextSize("the expression", request.expression(), kMaxExpressionBytes,
                                "kMaxExpressionBytes");
  if (status.ok()) {
    status = CheckTextSize("the time zone", request.timezone(), kMaxExpressionBytes,
                           "kMaxExpressionBytes");
  }
  if (status.ok()) status = CheckParamsSize(request.params_json());
  if (status.ok() && !request.timezone().empty()) {
    status = CheckScheduleTimezone(request.expression(), request.timezone());
  }
  if (!status.ok()) return Error(std::move(status));
  if (!request.timezone().empty()) return request.timezone();
  const Result<WorkflowRow> workflow =
      FindWorkflow(backend.queries, request.namespace_(), request.name());
  if (!workflow.has_value()) return Error(workflow.error());
  return ScheduleTimezone(backend.queries, backend.specs, *workflow, backend.default_timezone);
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::AddWorkflowSchedule(
    Context* context, const v1::AddWorkflowScheduleRequest* request,
    v1::WorkflowSchedule* response) {
  const Result<CatchUp> catchup = ParseCatchUp(request->catchup());
  if (!catchup.has_value()) return FinishNow(context, catchup.error());
  Result<std::string> timezone = CheckRecurrence(backend_, *request);
  if (!timezone.has_value()) return FinishNow(context, timezone.error());
  AddSchedule add;
  add.ns = request->namespace_();
  add.name = request->name();
  add.expression = request->expression();
  add.timezone = *std::move(timezone);
  add.catchup = *catchup;
  add.skip_if_active = request->skip_if_active();
  add.params_json = request->params_json();
  return SubmitAndFinish(context, backend_, add, request->request_id(),
                         [this, response](const ReplyRow& reply) {
                           return FillSchedule(backend_.queries, ScheduleId(reply.id), response);
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetWorkflowSchedule(
    Context* context, const v1::GetWorkflowScheduleRequest* request,
    v1::WorkflowSchedule* response) {
  return FinishNow(context,
                   FillSchedule(backend_.queries, ScheduleId(request->schedule_id()), response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListWorkflowSchedules(
    Context* context, const v1::ListWorkflowSchedulesRequest* request,
    v1::ListWorkflowSchedulesResponse* response) {
  return FinishNow(context, FillPageOfWorkflow(
                                kSchedules, backend_.queries, *request, response,
                                [this](WorkflowId id, const Page& page) {
                                  return backend_.queries.ListSchedules(id, page);
                                },
                                [response](const WorkflowRow&, const ScheduleRow& row) {
                                  ToProto(row, response->add_schedules());
                                  return Status::Ok();
                                }));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowSchedule(
    Context* context, const v1::WorkflowScheduleRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, DeleteSchedule{request->schedule_id()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowSchedules(
    Context* context, const v1::WorkflowRequest* request, v1::DeletedResponse* response) {
  return SubmitAndFinish(context, backend_, DeleteSchedules{request->namespace_(), request->name()},
                         request->request_id(), FillDeleted(response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::PauseWorkflowSchedule(
    Context* context, const v1::WorkflowScheduleRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, SetSchedulePaused{request->schedule_id(), true},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ResumeWorkflowSchedule(
    Context* context, const v1::WorkflowScheduleRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, SetSchedulePaused{request->schedule_id(), false},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::BackfillWorkflow(
    Context* context, const v1::BackfillWorkflowRequest* request,
    v1::BackfillWorkflowResponse* response) {
  if (request->schedule_id() != 0 && !request->expression().empty()) {
    return FinishNow(context, Status(Code::kInvalidArgument,
                                     "a backfill is of a schedule or of an expression, not both"));
  }
  BackfillSchedule backfill;
  // A schedule has its own zone.
  if (request->schedule_id() == 0) {
    Result<std::string> timezone = CheckRecurrence(backend_, *request);
    if (!timezone.has_value()) return FinishNow(context, timezone.error());
    backfill.timezone = *std::move(timezone);
  } else if (Status size = CheckParamsSize(request->params_json()); !size.ok()) {
    return FinishNow(context, size);
  }
  backfill.ns = request->namespace_();
  backfill.name = request->name();
  backfill.schedule_id = request->schedule_id();
  backfill.expression = request->expression();
  backfill.from_ms = request->from_time();
  backfill.to_ms = request->to_time();
  backfill.params_json = request->params_json();
  backfill.dry_run = request->dry_run();
  return SubmitAndFinish(context, backend_, backfill, request->request_id(),
                         [response](const ReplyRow& reply) {
                           response->set_started(reply.id);
                           response->set_message(reply.message);
                           for (const int64_t due : ReplyNumbers(reply, "due_ms")) {
                             response->add_due_times(due);
                           }
                           for (const int64_t id : ReplyNumbers(reply, "executions")) {
                             response->add_execution_ids(id);
                           }
                           return Status::Ok();
                         });
}

}  // namespace aiflow::api
