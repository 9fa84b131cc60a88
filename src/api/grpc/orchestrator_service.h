// Private to api/grpc.
#pragma once

#include "aiflow/v1/orchestrator.grpc.pb.h"
#include "api/backend.h"

namespace aiflow::api {

/// aiflow.v1.Orchestrator: reads from the committed rows, changes through the engine's door,
/// failures as gRPC statuses. Thread-safe.
class OrchestratorServiceAdapter final : public v1::Orchestrator::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  /// `backend` must outlive the service.
  explicit OrchestratorServiceAdapter(Backend& backend) : backend_(backend) {}

  Unary* GetServerInfo(Context* context, const v1::GetServerInfoRequest* request,
                       v1::ServerInfo* response) override;

  Unary* AddNamespace(Context* context, const v1::AddNamespaceRequest* request,
                      v1::Namespace* response) override;
  Unary* DeleteNamespace(Context* context, const v1::DeleteNamespaceRequest* request,
                         v1::Empty* response) override;
  Unary* ListNamespaces(Context* context, const v1::ListNamespacesRequest* request,
                        v1::ListNamespacesResponse* response) override;

  grpc::ServerReadReactor<v1::UploadWorkflowsRequest>* UploadWorkflows(
      Context* context, v1::UploadWorkflowsResponse* response) override;
  Unary* GetWorkflow(Context* context, const v1::GetWorkflowRequest* request,
                     v1::Workflow* response) override;
  Unary* ListWorkflows(Context* context, const v1::ListWorkflowsRequest* request,
                       v1::ListWorkflowsResponse* response) override;
  Unary* DeleteWorkflow(Context* context, const v1::WorkflowRequest* request,
                        v1::Empty* response) override;
  Unary* EnableWorkflow(Context* context, const v1::WorkflowRequest* request,
                        v1::Empty* response) override;
  Unary* DisableWorkflow(Context* context, const v1::WorkflowRequest* request,
                         v1::Empty* response) override;

  Unary* StartWorkflowExecution(Context* context, const v1::StartWorkflowExecutionRequest* request,
                                v1::StartWorkflowExecutionResponse* response) override;
  Unary* StopWorkflowExecution(Context* context, const v1::WorkflowExecutionRequest* request,
                               v1::Empty* response) override;
  Unary* StopWorkflowExecutions(Context* context, const v1::WorkflowRequest* request,
                                v1::StopWorkflowExecutionsResponse* response) override;
  Unary* DeleteWorkflowExecution(Context* context, const v1::WorkflowExecutionRequest* request,
                                 v1::Empty* response) override;
  Unary* GetWorkflowExecution(Context* context, const v1::GetWorkflowExecutionRequest* request,
                              v1::WorkflowExecution* response) override;
  Unary* ListWorkflowExecutions(Context* context, const v1::ListWorkflowExecutionsRequest* request,
                                v1::ListWorkflowExecutionsResponse* response) override;
  grpc::ServerWriteReactor<v1::WorkflowExecutionView>* WatchWorkflowExecution(
      Context* context, const v1::GetWorkflowExecutionRequest* request) override;

  Unary* StartTaskExecution(Context* context, const v1::TaskRequest* request,
                            v1::StartTaskExecutionResponse* response) override;
  Unary* StopTaskExecution(Context* context, const v1::TaskRequest* request,
                           v1::StopTaskExecutionResponse* response) override;
  Unary* GetTaskExecution(Context* context, const v1::GetTaskExecutionRequest* request,
                          v1::TaskExecution* response) override;
  Unary* ListTaskExecutions(Context* context, const v1::ListTaskExecutionsRequest* request,
                            v1::ListTaskExecutionsResponse* response) override;

  Unary* Explain(Context* context, const v1::ExplainRequest* request,
                 v1::ExplainResponse* response) override;
  grpc::ServerWriteReactor<v1::LogChunk>* ReadTaskLog(
      Context* context, const v1::ReadTaskLogRequest* request) override;

 private:
  Backend& backend_;
};

/// The streaming calls, each in a file of its own. The reactors delete themselves.
grpc::ServerReadReactor<v1::UploadWorkflowsRequest>* NewUpload(
    Backend& backend, grpc::CallbackServerContext* context, v1::UploadWorkflowsResponse* response);
grpc::ServerWriteReactor<v1::WorkflowExecutionView>* NewExecutionWatch(
    Backend& backend, const v1::GetWorkflowExecutionRequest& request);
grpc::ServerWriteReactor<v1::LogChunk>* NewTaskLogReader(Backend& backend,
                                                         const v1::ReadTaskLogRequest& request);

}  // namespace aiflow::api
