// Private to api/grpc.
#pragma once

#include "ai_flow/scheduler_service.grpc.pb.h"
#include "api/backend.h"

namespace aiflow::api {

/// The frozen scheduler service (docs/formats/legacy-response.md). Every call answers OK with a
/// Response whose return_code tells the outcome. Thread-safe.
class SchedulerServiceAdapter final : public ai_flow::SchedulerService::CallbackService {
 public:
  /// `backend` must outlive the service.
  explicit SchedulerServiceAdapter(Backend& backend) : backend_(backend) {}

#define AIFLOW_CALL(method, RequestType)                                 \
  grpc::ServerUnaryReactor* method(grpc::CallbackServerContext* context, \
                                   const ai_flow::RequestType* request,  \
                                   ai_flow::Response* response) override
  // legacy_namespaces.cc
  AIFLOW_CALL(addNamespace, NamespaceProto);
  AIFLOW_CALL(getNamespace, NameRequest);
  AIFLOW_CALL(updateNamespace, NamespaceProto);
  AIFLOW_CALL(listNamespaces, ListRequest);
  AIFLOW_CALL(deleteNamespace, NameRequest);
  // legacy_workflows.cc
  AIFLOW_CALL(addWorkflow, WorkflowProto);
  AIFLOW_CALL(updateWorkflow, UpdateWorkflowRequest);
  AIFLOW_CALL(getWorkflow, WorkflowIdentifier);
  AIFLOW_CALL(deleteWorkflow, WorkflowIdentifier);
  AIFLOW_CALL(disableWorkflow, WorkflowIdentifier);
  AIFLOW_CALL(enableWorkflow, WorkflowIdentifier);
  AIFLOW_CALL(listWorkflows, ListWorkflowsRequest);
  // legacy_snapshots.cc
  AIFLOW_CALL(addWorkflowSnapshot, WorkflowSnapshotProto);
  AIFLOW_CALL(getWorkflowSnapshot, IdRequest);
  AIFLOW_CALL(listWorkflowSnapshots, ListWorkflowItemsRequest);
  AIFLOW_CALL(deleteWorkflowSnapshot, IdRequest);
  AIFLOW_CALL(deleteWorkflowSnapshots, WorkflowIdentifier);
  // legacy_executions.cc
  AIFLOW_CALL(startWorkflowExecution, WorkflowIdentifier);
  AIFLOW_CALL(stopWorkflowExecution, IdRequest);
  AIFLOW_CALL(stopWorkflowExecutions, WorkflowIdentifier);
  AIFLOW_CALL(deleteWorkflowExecution, IdRequest);
  AIFLOW_CALL(getWorkflowExecution, IdRequest);
  AIFLOW_CALL(listWorkflowExecutions, ListWorkflowItemsRequest);
  AIFLOW_CALL(startTaskExecution, TaskExecutionIdentifier);
  AIFLOW_CALL(stopTaskExecution, TaskExecutionIdentifier);
  AIFLOW_CALL(getTaskExecution, IdRequest);
  AIFLOW_CALL(listTaskExecutions, ListTaskExecutionsRequest);
  // legacy_schedules.cc
  AIFLOW_CALL(addWorkflowSchedule, WorkflowScheduleProto);
  AIFLOW_CALL(getWorkflowSchedule, IdRequest);
  AIFLOW_CALL(listWorkflowSchedules, ListWorkflowItemsRequest);
  AIFLOW_CALL(deleteWorkflowSchedule, IdRequest);
  AIFLOW_CALL(deleteWorkflowSchedules, WorkflowIdentifier);
  AIFLOW_CALL(pauseWorkflowSchedule, IdRequest);
  AIFLOW_CALL(resumeWorkflowSchedule, IdRequest);
  // legacy_triggers.cc
  AIFLOW_CALL(addWorkflowTrigger, WorkflowTriggerProto);
  AIFLOW_CALL(getWorkflowTrigger, IdRequest);
  AIFLOW_CALL(listWorkflowTriggers, ListWorkflowItemsRequest);
  AIFLOW_CALL(deleteWorkflowTrigger, IdRequest);
  AIFLOW_CALL(deleteWorkflowTriggers, WorkflowIdentifier);
  AIFLOW_CALL(pauseWorkflowTrigger, IdRequest);
  AIFLOW_CALL(resumeWorkflowTrigger, IdRequest);
#undef AIFLOW_CALL

 private:
  Backend& backend_;
};

}  // namespace aiflow::api
