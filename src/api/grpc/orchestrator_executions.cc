#include <map>
#include <optional>
#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"
#include "api/grpc/v1_convert.h"
#include "api/reply.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kExecutions = "executions";
constexpr std::string_view kTaskExecutions = "task_executions";

constexpr unsigned kExecutionStatuses = 6;
constexpr unsigned kRunTypes = 3;
constexpr unsigned kTaskStatuses = 8;

Result<ExecutionFilter> FilterOf(const Queries& queries,
                                 const v1::ListWorkflowExecutionsRequest& request) {
  ExecutionFilter filter;
  const auto statuses =
      SetOf("statuses", request.statuses(), ExecutionStatusName, kExecutionStatuses);
  if (!statuses.has_value()) return Error(statuses.error());
  const auto run_types = SetOf("run_types", request.run_types(), RunTypeName, kRunTypes);
  if (!run_types.has_value()) return Error(run_types.error());
  filter.statuses = *statuses;
  filter.run_types = *run_types;
  filter.ns = request.namespace_();
  if (request.name().empty()) return filter;
  const Result<WorkflowRow> workflow = FindWorkflow(queries, request.namespace_(), request.name());
  if (!workflow.has_value()) return Error(workflow.error());
  filter.workflow = workflow->id;
  return filter;
}

Status FillExecutions(const Queries& queries, const v1::ListWorkflowExecutionsRequest& request,
                      v1::ListWorkflowExecutionsResponse* response) {
  const Result<ExecutionFilter> filter = FilterOf(queries, request);
  if (!filter.has_value()) return filter.error();
  std::map<WorkflowId, std::optional<WorkflowRow>> workflows;
  return FillPage(
      kExecutions, request, response,
      [&](const Page& page) { return queries.ListExecutions(*filter, page); },
      [](const ExecutionRow& row) { return row.id.value(); },
      [&](const ExecutionRow& row) {
        auto [workflow, is_new] = workflows.try_emplace(row.workflow_id);
        if (is_new) {
          auto found = queries.GetWorkflow(row.workflow_id);
          if (!found.has_value()) return found.error();
          workflow->second = *std::move(found);
        }
        // Deleted since the page was read, with all it had.
        if (!workflow->second.has_value()) return Status::Ok();
        ToProto(row, *workflow->second, response->add_executions());
        return Status::Ok();
      });
}

/// The index of a task that a request names; -1 for an empty name.
Result<TaskIndex> TaskOf(Backend& backend, const ExecutionRow& execution, const std::string& name) {
  if (name.empty()) return TaskIndex{-1};
  const auto spec = SpecOf(backend.queries, backend.specs, execution);
  if (!spec.has_value()) return Error(spec.error());
  return FindTask(**spec, name);
}

Status FillTaskExecutions(Backend& backend, const v1::ListTaskExecutionsRequest& request,
                          v1::ListTaskExecutionsResponse* response) {
  const auto found = FindExecution(backend.queries, ExecutionId(request.execution_id()));
  if (!found.has_value()) return found.error();
  const Result<TaskIndex> task = TaskOf(backend, found->execution, request.task_name());
  if (!task.has_value()) return task.error();
  const auto statuses = SetOf("statuses", request.statuses(), TaskStatusName, kTaskStatuses);
  if (!statuses.has_value()) return statuses.error();
  CauseReader causes(backend.log);
  return FillPage(
      kTaskExecutions, request, response,
      [&](const Page& page) {
        return backend.queries.ListTaskExecutions(
            TaskExecutionFilter{found->execution.id, *task, *statuses}, page);
      },
      [](const TaskExecutionRow& row) { return row.id.value(); },
      [&](const TaskExecutionRow& row) {
        ToProto(row, &causes, response->add_task_executions());
        return Status::Ok();
      });
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::StartWorkflowExecution(
    Context* context, const v1::StartWorkflowExecutionRequest* request,
    v1::StartWorkflowExecutionResponse* response) {
  aiflow::StartWorkflowExecution start;
  start.ns = request->namespace_();
  start.name = request->name();
  start.params_json = request->params_json();
  if (Status status = CheckParamsSize(start.params_json); !status.ok()) {
    return FinishNow(context, status);
  }
  Unary* reactor = context->DefaultReactor();
  // On the way of every start, so answered without a turn through the observers' thread.
  backend_.engine.Submit(start, request->request_id(),
                         [context, reactor, response](const Result<ReplyRow>& reply) {
                           const Status status = reply.has_value() ? Status::Ok() : reply.error();
                           if (reply.has_value()) response->set_execution_id(reply->id);
                           HintRetry(context, status);
                           reactor->Finish(ToGrpc(status));
                         });
  return reactor;
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::StopWorkflowExecution(
    Context* context, const v1::WorkflowExecutionRequest* request, v1::Empty*) {
  // The fold knows no finished executions: the store tells them from deleted ones.
  return SubmitAndFinish(context, backend_, aiflow::StopWorkflowExecution{request->execution_id()},
                         request->request_id(),
                         [this, id = ExecutionId(request->execution_id())](const ReplyRow&) {
                           const auto found = FindExecution(backend_.queries, id);
                           return found.has_value() ? Status::Ok() : found.error();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::StopWorkflowExecutions(
    Context* context, const v1::WorkflowRequest* request,
    v1::StopWorkflowExecutionsResponse* response) {
  const aiflow::StopWorkflowExecutions stop{request->namespace_(), request->name()};
  return SubmitAndFinish(context, backend_, stop, request->request_id(),
                         [response](const ReplyRow& reply) {
                           response->set_stopping(reply.id);
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowExecution(
    Context* context, const v1::WorkflowExecutionRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_,
                         aiflow::DeleteWorkflowExecution{request->execution_id()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetWorkflowExecution(
    Context* context, const v1::GetWorkflowExecutionRequest* request,
    v1::WorkflowExecution* response) {
  const auto found = FindExecution(backend_.queries, ExecutionId(request->execution_id()));
  if (!found.has_value()) return FinishNow(context, found.error());
  ToProto(found->execution, found->workflow, response);
  return FinishNow(context, Status::Ok());
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListWorkflowExecutions(
    Context* context, const v1::ListWorkflowExecutionsRequest* request,
    v1::ListWorkflowExecutionsResponse* response) {
  return FinishNow(context, FillExecutions(backend_.queries, *request, response));
}

grpc::ServerWriteReactor<v1::WorkflowExecutionView>*
OrchestratorServiceAdapter::WatchWorkflowExecution(Context*,
                                                   const v1::GetWorkflowExecutionRequest* request) {
  return NewExecutionWatch(backend_, *request);
}

grpc::ServerWriteReactor<v1::WatchWorkflowExecutionsResponse>*
OrchestratorServiceAdapter::WatchWorkflowExecutions(
    Context*, const v1::WatchWorkflowExecutionsRequest* request) {
  return NewExecutionsWatch(backend_, *request);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::StartTaskExecution(
    Context* context, const v1::TaskRequest* request, v1::StartTaskExecutionResponse* response) {
  const aiflow::StartTaskExecution start{request->execution_id(), request->task_name()};
  return SubmitAndFinish(context, backend_, start, request->request_id(),
                         [response](const ReplyRow& reply) {
                           response->set_task_execution_id(reply.id);
                           response->set_sequence_number(ReplyNumber(reply, "sequence"));
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::StopTaskExecution(
    Context* context, const v1::TaskRequest* request, v1::StopTaskExecutionResponse* response) {
  aiflow::StopTaskExecution stop;
  stop.execution_id = request->execution_id();
  stop.task = request->task_name();
  return SubmitAndFinish(context, backend_, stop, request->request_id(),
                         [response](const ReplyRow& reply) {
                           response->set_message(reply.message);
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::RerunTasks(
    Context* context, const v1::RerunTasksRequest* request, v1::RerunTasksResponse* response) {
  const aiflow::RerunTasks rerun{request->execution_id(),
                                 {request->task_names().begin(), request->task_names().end()}};
  return SubmitAndFinish(context, backend_, rerun, request->request_id(),
                         [response](const ReplyRow& reply) {
                           response->set_started(reply.id);
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::MarkTask(Context* context,
                                                               const v1::MarkTaskRequest* request,
                                                               v1::MarkTaskResponse* response) {
  const std::optional<TaskStatus> status = ParseTaskStatus(request->status());
  if (status != TaskStatus::kSuccess && status != TaskStatus::kFailed) {
    return FinishNow(context,
                     Status(Code::kInvalidArgument,
                            "a task is marked SUCCESS or FAILED, not " + request->status()));
  }
  if (Status size =
          CheckTextSize("the note", request->note(), limits::kMaxNoteBytes, "kMaxNoteBytes");
      !size.ok()) {
    return FinishNow(context, size);
  }
  const aiflow::MarkTask mark{request->execution_id(), request->task_name(), *status,
                              request->note()};
  return SubmitAndFinish(context, backend_, mark, request->request_id(),
                         [response](const ReplyRow& reply) {
                           response->set_task_execution_id(reply.id);
                           return Status::Ok();
                         });
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetTaskExecution(
    Context* context, const v1::GetTaskExecutionRequest* request, v1::TaskExecution* response) {
  const auto run = backend_.queries.GetTaskExecution(TaskExecutionId(request->task_execution_id()));
  if (!run.has_value()) return FinishNow(context, run.error());
  if (!run->has_value()) {
    return FinishNow(
        context,
        Status(Code::kNotFound,
               "Task execution " + std::to_string(request->task_execution_id()) + " not exists"));
  }
  CauseReader causes(backend_.log);
  ToProto(**run, &causes, response);
  return FinishNow(context, Status::Ok());
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListTaskExecutions(
    Context* context, const v1::ListTaskExecutionsRequest* request,
    v1::ListTaskExecutionsResponse* response) {
  return FinishNow(context, FillTaskExecutions(backend_, *request, response));
}

grpc::ServerWriteReactor<v1::LogChunk>* OrchestratorServiceAdapter::ReadTaskLog(
    Context*, const v1::ReadTaskLogRequest* request) {
  return NewTaskLogReader(backend_, *request);
}

}  // namespace aiflow::api
