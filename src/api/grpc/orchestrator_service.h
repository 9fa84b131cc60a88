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
  Unary* GetNamespace(Context* context, const v1::GetNamespaceRequest* request,
                      v1::Namespace* response) override;
  Unary* UpdateNamespace(Context* context, const v1::UpdateNamespaceRequest* request,
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

  Unary* ListWorkflowSnapshots(Context* context, const v1::ListWorkflowSnapshotsRequest* request,
                               v1::ListWorkflowSnapshotsResponse* response) override;
  Unary* GetWorkflowSnapshot(Context* context, const v1::GetWorkflowSnapshotRequest* request,
                             v1::WorkflowSnapshot* response) override;
  Unary* DeleteWorkflowSnapshot(Context* context, const v1::WorkflowSnapshotRequest* request,
                                v1::Empty* response) override;
  Unary* DeleteWorkflowSnapshots(Context* context, const v1::WorkflowRequest* request,
                                 v1::DeletedResponse* response) override;

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
  grpc::ServerWriteReactor<v1::WatchWorkflowExecutionsResponse>* WatchWorkflowExecutions(
      Context* context, const v1::WatchWorkflowExecutionsRequest* request) override;

  Unary* StartTaskExecution(Context* context, const v1::TaskRequest* request,
                            v1::StartTaskExecutionResponse* response) override;
  Unary* StopTaskExecution(Context* context, const v1::TaskRequest* request,
                           v1::StopTaskExecutionResponse* response) override;
  Unary* RerunTasks(Context* context, const v1::RerunTasksRequest* request,
                    v1::RerunTasksResponse* response) override;
  Unary* MarkTask(Context* context, const v1::MarkTaskRequest* request,
                  v1::MarkTaskResponse* response) override;
  Unary* GetTaskExecution(Context* context, const v1::GetTaskExecutionRequest* request,
                          v1::TaskExecution* response) override;
  Unary* ListTaskExecutions(Context* context, const v1::ListTaskExecutionsRequest* request,
                            v1::ListTaskExecutionsResponse* response) override;

  Unary* AddWorkflowSchedule(Context* context, const v1::AddWorkflowScheduleRequest* request,
                             v1::WorkflowSchedule* response) override;
  Unary* GetWorkflowSchedule(Context* context, const v1::GetWorkflowScheduleRequest* request,
                             v1::WorkflowSchedule* response) override;
  Unary* ListWorkflowSchedules(Context* context, const v1::ListWorkflowSchedulesRequest* request,
                               v1::ListWorkflowSchedulesResponse* response) override;
  Unary* DeleteWorkflowSchedule(Context* context, const v1::WorkflowScheduleRequest* request,
                                v1::Empty* response) override;
  Unary* DeleteWorkflowSchedules(Context* context, const v1::WorkflowRequest* request,
                                 v1::DeletedResponse* response) override;
  Unary* PauseWorkflowSchedule(Context* context, const v1::WorkflowScheduleRequest* request,
                               v1::Empty* response) override;
  Unary* ResumeWorkflowSchedule(Context* context, const v1::WorkflowScheduleRequest* request,
                                v1::Empty* response) override;
  Unary* BackfillWorkflow(Context* context, const v1::BackfillWorkflowRequest* request,
                          v1::BackfillWorkflowResponse* response) override;

  Unary* AddWorkflowTrigger(Context* context, const v1::AddWorkflowTriggerRequest* request,
                            v1::WorkflowTrigger* response) override;
  Unary* GetWorkflowTrigger(Context* context, const v1::GetWorkflowTriggerRequest* request,
                            v1::WorkflowTrigger* response) override;
  Unary* ListWorkflowTriggers(Context* context, const v1::ListWorkflowTriggersRequest* request,
                              v1::ListWorkflowTriggersResponse* response) override;
  Unary* DeleteWorkflowTrigger(Context* context, const v1::WorkflowTriggerRequest* request,
                               v1::Empty* response) override;
  Unary* DeleteWorkflowTriggers(Context* context, const v1::WorkflowRequest* request,
                                v1::DeletedResponse* response) override;
  Unary* PauseWorkflowTrigger(Context* context, const v1::WorkflowTriggerRequest* request,
                              v1::Empty* response) override;
  Unary* ResumeWorkflowTrigger(Context* context, const v1::WorkflowTriggerRequest* request,
                               v1::Empty* response) override;

  Unary* SetPool(Context* context, const v1::SetPoolRequest* request, v1::Pool* response) override;
  Unary* DeletePool(Context* context, const v1::DeletePoolRequest* request,
                    v1::Empty* response) override;
  Unary* ListPools(Context* context, const v1::ListPoolsRequest* request,
                   v1::ListPoolsResponse* response) override;

  Unary* ListFailedEvents(Context* context, const v1::ListFailedEventsRequest* request,
                          v1::ListFailedEventsResponse* response) override;
  Unary* RetryFailedEvent(Context* context, const v1::FailedEventRequest* request,
                          v1::Empty* response) override;
  Unary* DropFailedEvent(Context* context, const v1::FailedEventRequest* request,
                         v1::Empty* response) override;

  Unary* Explain(Context* context, const v1::ExplainRequest* request,
                 v1::ExplainResponse* response) override;
  grpc::ServerWriteReactor<v1::LogChunk>* ReadTaskLog(
      Context* context, const v1::ReadTaskLogRequest* request) override;
  Unary* ListArtifacts(Context* context, const v1::ListArtifactsRequest* request,
                       v1::ListArtifactsResponse* response) override;
  grpc::ServerWriteReactor<v1::FileChunk>* ReadArtifact(
      Context* context, const v1::ReadArtifactRequest* request) override;

 private:
  Backend& backend_;
};

/// The streaming calls, each in a file of its own. The reactors delete themselves.
grpc::ServerReadReactor<v1::UploadWorkflowsRequest>* NewUpload(
    Backend& backend, grpc::CallbackServerContext* context, v1::UploadWorkflowsResponse* response);
grpc::ServerWriteReactor<v1::WorkflowExecutionView>* NewExecutionWatch(
    Backend& backend, const v1::GetWorkflowExecutionRequest& request);
grpc::ServerWriteReactor<v1::WatchWorkflowExecutionsResponse>* NewExecutionsWatch(
    Backend& backend, const v1::WatchWorkflowExecutionsRequest& request);
grpc::ServerWriteReactor<v1::LogChunk>* NewTaskLogReader(Backend& backend,
                                                         const v1::ReadTaskLogRequest& request);

}  // namespace aiflow::api
