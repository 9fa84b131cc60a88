#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/legacy_list.h"
#include "api/grpc/legacy_response.h"
#include "api/grpc/scheduler_service.h"
#include "api/reply.h"

namespace aiflow::api {
namespace {

/// Old clients know no STOPPING executions.
ExecutionStatus LegacyStatus(ExecutionStatus status) {
  return status == ExecutionStatus::kStopping ? ExecutionStatus::kRunning : status;
}

void Fill(const ExecutionRow& row, ai_flow::WorkflowExecutionProto* proto) {
  proto->set_uuid(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->mutable_begin_date()->set_value(row.begin.count());
  proto->mutable_end_date()->set_value(row.end.count());
  proto->mutable_status()->set_value(std::string(ExecutionStatusName(LegacyStatus(row.status))));
  proto->mutable_run_type()->set_value(std::string(RunTypeName(row.run_type)));
  proto->set_snapshot_id(row.snapshot_id.value());
  proto->mutable_event_offset()->set_value(row.event_offset);
}

void Fill(const TaskExecutionRow& row, ai_flow::TaskExecutionProto* proto) {
  proto->set_uuid(row.id.value());
  proto->set_workflow_execution_id(row.execution_id.value());
  proto->set_task_name(row.task_name);
  proto->set_sequence_number(row.sequence);
  proto->set_try_number(row.try_number);
  proto->mutable_begin_date()->set_value(row.begin.count());
  proto->mutable_end_date()->set_value(row.end.count());
  proto->mutable_status()->set_value(std::string(TaskStatusName(row.status)));
}

std::string ExecutionNotExists(int64_t id) {
  return "Workflow execution " + std::to_string(id) + " not exists";
}

}  // namespace

grpc::ServerUnaryReactor* SchedulerServiceAdapter::startWorkflowExecution(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  StartWorkflowExecution start;
  start.ns = request->namespace_();
  start.name = request->workflow_name();
  return SubmitLegacy(context, backend_, start,
                      WhenNotFound(Code::kNotFound, NotExists(start.ns, start.name)), response,
                      [](const ReplyRow& reply, ai_flow::Response* filled) {
                        SetLegacyText(std::to_string(reply.id), filled);
                        return Status::Ok();
                      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::stopWorkflowExecution(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  // The fold knows no finished executions: the store tells them from deleted ones.
  return SubmitLegacy(
      context, backend_, StopWorkflowExecution{request->id()},
      WhenNotFound(Code::kNotFound, ExecutionNotExists(request->id())), response,
      [this, id = ExecutionId(request->id())](const ReplyRow&, ai_flow::Response* filled) {
        const auto found = FindExecution(backend_.queries, id);
        if (!found.has_value()) return found.error();
        SetLegacyText("", filled);
        return Status::Ok();
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::stopWorkflowExecutions(
    grpc::CallbackServerContext* context, const ai_flow::WorkflowIdentifier* request,
    ai_flow::Response* response) {
  const std::string text = NotExists(request->namespace_(), request->workflow_name());
  return SubmitLegacy(context, backend_,
                      StopWorkflowExecutions{request->namespace_(), request->workflow_name()},
                      WhenNotFound(Code::kNotFound, text), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::deleteWorkflowExecution(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  const auto row = backend_.queries.GetExecution(ExecutionId(request->id()));
  if (!row.has_value()) return FinishLegacy(context, row.error(), response);
  if (!row->has_value()) {
    const Status missing(Code::kNotFound, ExecutionNotExists(request->id()));
    return FinishLegacy(context, missing, response);
  }
  const auto errors = [id = request->id()](const Status& status) {
    if (status.code() == Code::kNotFound) return Status(status.code(), ExecutionNotExists(id));
    if (status.code() == Code::kFailedPrecondition) {
      return Status(status.code(), "Workflow execution " + std::to_string(id) +
                                       " is not finished, cannot be removed.");
    }
    return status;
  };
  return SubmitLegacy(context, backend_, DeleteWorkflowExecution{request->id()}, errors, response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getWorkflowExecution(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return FinishLegacy(
      context,
      FillLegacyFound(backend_.queries.GetExecution(ExecutionId(request->id())), response,
                      [](const auto& row) -> Result<ai_flow::WorkflowExecutionProto> {
                        ai_flow::WorkflowExecutionProto proto;
                        Fill(row, &proto);
                        return proto;
                      }),
      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listWorkflowExecutions(
    grpc::CallbackServerContext* context, const ai_flow::ListWorkflowItemsRequest* request,
    ai_flow::Response* response) {
  return ListOfWorkflow<ai_flow::WorkflowExecutionListProto>(
      context, backend_.queries, *request, response,
      [this](WorkflowId id, const Page& page) { return backend_.queries.ListExecutions(id, page); },
      [](const ExecutionRow& row, ai_flow::WorkflowExecutionListProto* list) {
        Fill(row, list->add_workflow_executions());
        return Status::Ok();
      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::startTaskExecution(
    grpc::CallbackServerContext* context, const ai_flow::TaskExecutionIdentifier* request,
    ai_flow::Response* response) {
  const StartTaskExecution start{request->workflow_execution_id(), request->task_name()};
  const auto unchanged = [](const Status& status) { return status; };
  return SubmitLegacy(context, backend_, start, unchanged, response,
                      [start](const ReplyRow& reply, ai_flow::Response* filled) {
                        // A start that is kept for later has no number yet: 0.
                        SetLegacyText(std::to_string(start.execution_id) + "_" + start.task + "_" +
                                          std::to_string(ReplyNumber(reply, "sequence")),
                                      filled);
                        return Status::Ok();
                      });
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::stopTaskExecution(
    grpc::CallbackServerContext* context, const ai_flow::TaskExecutionIdentifier* request,
    ai_flow::Response* response) {
  StopTaskExecution stop;
  stop.execution_id = request->workflow_execution_id();
  stop.task = request->task_name();
  const std::string text =
      "Task execution " + std::to_string(stop.execution_id) + "." + stop.task + " not exists";
  return SubmitLegacy(context, backend_, stop, WhenNotFound(Code::kNotFound, text), response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::getTaskExecution(
    grpc::CallbackServerContext* context, const ai_flow::IdRequest* request,
    ai_flow::Response* response) {
  return FinishLegacy(
      context,
      FillLegacyFound(backend_.queries.GetTaskExecution(TaskExecutionId(request->id())), response,
                      [](const auto& row) -> Result<ai_flow::TaskExecutionProto> {
                        ai_flow::TaskExecutionProto proto;
                        Fill(row, &proto);
                        return proto;
                      }),
      response);
}

grpc::ServerUnaryReactor* SchedulerServiceAdapter::listTaskExecutions(
    grpc::CallbackServerContext* context, const ai_flow::ListTaskExecutionsRequest* request,
    ai_flow::Response* response) {
  const ExecutionId id(request->workflow_execution_id());
  const auto execution = backend_.queries.GetExecution(id);
  if (!execution.has_value()) return FinishLegacy(context, execution.error(), response);
  if (!execution->has_value()) {
    return FinishLegacy(
        context,
        Status(Code::kInvalidArgument,
               "Workflow execution with id: " + std::to_string(id.value()) + " not exists"),
        response);
  }
  return FinishLegacyList<ai_flow::TaskExecutionListProto>(
      context,
      backend_.queries.ListTaskExecutions(id, -1,
                                          LegacyPage(request->page_size(), request->offset())),
      response, [](const TaskExecutionRow& row, ai_flow::TaskExecutionListProto* list) {
        Fill(row, list->add_task_executions());
        return Status::Ok();
      });
}

}  // namespace aiflow::api
