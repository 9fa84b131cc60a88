#pragma once

#include <aiflow/v1/event_log.pb.h>
#include <aiflow/v1/orchestrator.pb.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/credentials.h"

namespace aiflow::cli {

namespace v1 = ::aiflow::v1;

template <typename Item>
using Page = google::protobuf::RepeatedPtrField<Item>;
/// Takes one page of a list, in the server's order; false: that is enough.
template <typename Item>
using PageSink = std::function<bool(const Page<Item>& page)>;

/// The AIFlow server as the command line sees it: one method per call of aiflow.v1.Orchestrator.
/// Every unary call has a deadline; a call whose reply was lost is repeated with the same request,
/// so requests that change something carry a request id. Lists are complete: all pages, in the
/// server's order; those that may be long are handed over page by page, of the request's page_size
/// when it has one. Errors are the server's own (code and one-line message); kUnavailable when no
/// server answers. Thread-safe.
class Client {
 public:
  virtual ~Client() = default;

  /// Calls made from now on take at most `limit` and are not repeated: for a person who waits.
  virtual void LimitCalls(std::chrono::milliseconds limit) = 0;

  virtual Result<v1::ServerInfo> GetServerInfo() = 0;

  virtual Result<v1::Namespace> AddNamespace(const v1::AddNamespaceRequest& request) = 0;
  virtual Result<v1::Namespace> GetNamespace(const v1::GetNamespaceRequest& request) = 0;
  virtual Result<v1::Namespace> UpdateNamespace(const v1::UpdateNamespaceRequest& request) = 0;
  virtual Status DeleteNamespace(const v1::DeleteNamespaceRequest& request) = 0;
  virtual Result<std::vector<v1::Namespace>> ListNamespaces() = 0;

  /// Streams `bundle` after the header; `progress` (may be empty) hears how many bytes are sent.
  virtual Result<v1::UploadWorkflowsResponse> UploadWorkflows(
      const v1::UploadWorkflowsRequest::Header& header, std::string_view bundle,
      const std::function<void(size_t)>& progress) = 0;
  virtual Result<v1::Workflow> GetWorkflow(const v1::GetWorkflowRequest& request) = 0;
  virtual Status ListWorkflows(v1::ListWorkflowsRequest request,
                               const PageSink<v1::Workflow>& sink) = 0;
  virtual Status DeleteWorkflow(const v1::WorkflowRequest& request) = 0;
  virtual Status EnableWorkflow(const v1::WorkflowRequest& request) = 0;
  virtual Status DisableWorkflow(const v1::WorkflowRequest& request) = 0;

  virtual Result<int64_t> StartWorkflowExecution(
      const v1::StartWorkflowExecutionRequest& request) = 0;
  virtual Status StopWorkflowExecution(const v1::WorkflowExecutionRequest& request) = 0;
  /// The number of executions that are stopping now.
  virtual Result<int64_t> StopWorkflowExecutions(const v1::WorkflowRequest& request) = 0;
  virtual Status DeleteWorkflowExecution(const v1::WorkflowExecutionRequest& request) = 0;
  virtual Result<v1::WorkflowExecution> GetWorkflowExecution(int64_t execution_id) = 0;
  virtual Status ListWorkflowExecutions(v1::ListWorkflowExecutionsRequest request,
                                        const PageSink<v1::WorkflowExecution>& sink) = 0;
  /// Hands each view to `sink`, on the calling thread, until the execution is finished (OK), `stop`
  /// is requested (kCancelled) or the stream breaks.
  virtual Status WatchWorkflowExecution(
      int64_t execution_id, const std::stop_token& stop,
      const std::function<void(const v1::WorkflowExecutionView&)>& sink) = 0;

  virtual Result<v1::StartTaskExecutionResponse> StartTaskExecution(
      const v1::TaskRequest& request) = 0;
  virtual Result<v1::StopTaskExecutionResponse> StopTaskExecution(
      const v1::TaskRequest& request) = 0;
  virtual Result<v1::TaskExecution> GetTaskExecution(int64_t task_execution_id) = 0;
  virtual Status ListTaskExecutions(v1::ListTaskExecutionsRequest request,
                                    const PageSink<v1::TaskExecution>& sink) = 0;

  /// The number of tasks that start.
  virtual Result<int64_t> RerunTasks(const v1::RerunTasksRequest& request) = 0;
  /// The id of the task execution that was recorded.
  virtual Result<int64_t> MarkTask(const v1::MarkTaskRequest& request) = 0;

  virtual Result<v1::WorkflowSnapshot> GetWorkflowSnapshot(int64_t snapshot_id) = 0;
  virtual Result<std::vector<v1::WorkflowSnapshot>> ListWorkflowSnapshots(
      const std::string& ns, const std::string& name) = 0;
  virtual Status DeleteWorkflowSnapshot(const v1::WorkflowSnapshotRequest& request) = 0;
  virtual Result<v1::DeletedResponse> DeleteWorkflowSnapshots(
      const v1::WorkflowRequest& request) = 0;

  virtual Result<v1::WorkflowSchedule> AddWorkflowSchedule(
      const v1::AddWorkflowScheduleRequest& request) = 0;
  virtual Result<v1::WorkflowSchedule> GetWorkflowSchedule(int64_t schedule_id) = 0;
  virtual Result<std::vector<v1::WorkflowSchedule>> ListWorkflowSchedules(
      const std::string& ns, const std::string& name) = 0;
  virtual Status DeleteWorkflowSchedule(const v1::WorkflowScheduleRequest& request) = 0;
  virtual Result<v1::DeletedResponse> DeleteWorkflowSchedules(
      const v1::WorkflowRequest& request) = 0;
  virtual Status PauseWorkflowSchedule(const v1::WorkflowScheduleRequest& request) = 0;
  virtual Status ResumeWorkflowSchedule(const v1::WorkflowScheduleRequest& request) = 0;
  virtual Result<v1::BackfillWorkflowResponse> BackfillWorkflow(
      const v1::BackfillWorkflowRequest& request) = 0;

  virtual Result<v1::WorkflowTrigger> AddWorkflowTrigger(
      const v1::AddWorkflowTriggerRequest& request) = 0;
  virtual Result<v1::WorkflowTrigger> GetWorkflowTrigger(int64_t trigger_id) = 0;
  virtual Result<std::vector<v1::WorkflowTrigger>> ListWorkflowTriggers(
      const std::string& ns, const std::string& name) = 0;
  virtual Status DeleteWorkflowTrigger(const v1::WorkflowTriggerRequest& request) = 0;
  virtual Result<v1::DeletedResponse> DeleteWorkflowTriggers(
      const v1::WorkflowRequest& request) = 0;
  virtual Status PauseWorkflowTrigger(const v1::WorkflowTriggerRequest& request) = 0;
  virtual Status ResumeWorkflowTrigger(const v1::WorkflowTriggerRequest& request) = 0;

  virtual Result<v1::Pool> SetPool(const v1::SetPoolRequest& request) = 0;
  virtual Status DeletePool(const v1::DeletePoolRequest& request) = 0;
  virtual Result<std::vector<v1::Pool>> ListPools() = 0;

  virtual Result<std::vector<v1::FailedEvent>> ListFailedEvents() = 0;
  virtual Status RetryFailedEvent(const v1::FailedEventRequest& request) = 0;
  virtual Status DropFailedEvent(const v1::FailedEventRequest& request) = 0;

  virtual Result<v1::ExplainResponse> Explain(const v1::ExplainRequest& request) = 0;
  /// Hands each chunk to `sink` until the log's end (OK) or the stream breaks.
  virtual Status ReadTaskLog(const v1::ReadTaskLogRequest& request,
                             const std::function<void(const v1::LogChunk&)>& sink) = 0;

  virtual Status ListArtifacts(v1::ListArtifactsRequest request,
                               const PageSink<v1::Artifact>& sink) = 0;
  /// Hands each chunk to `sink` until the file's end (OK), `sink` returns false (kCancelled) or the
  /// stream breaks.
  virtual Status ReadArtifact(const v1::ReadArtifactRequest& request,
                              const std::function<bool(const v1::FileChunk&)>& sink) = 0;
};

struct EventFilter {
  std::string key;  // empty or "*": any; so for the others
  std::string ns;
  std::string sender;
  int64_t begin_offset = 0;  // exclusive
  int64_t end_offset = 0;    // inclusive; 0: no end
};

/// The notification server as the command line sees it. Errors and threads as for Client.
class EventClient {
 public:
  virtual ~EventClient() = default;

  /// At most `timeout` long.
  virtual Result<v1::PublishResponse> Publish(const v1::PublishRequest& request,
                                              std::chrono::milliseconds timeout) = 0;
  virtual Status ListEvents(v1::ListEventsRequest request,
                            const PageSink<v1::EventRecord>& sink) = 0;
  virtual Result<int64_t> CountEvents(const EventFilter& filter) = 0;
  /// The last offset of the log as of now; 0 when it is empty.
  virtual Result<int64_t> Head() = 0;
  /// The last offset with a time (epoch milliseconds) at or before `time`; 0 when there is none.
  virtual Result<int64_t> OffsetAt(int64_t time) = 0;

  // Durable consumers.
  virtual Result<std::vector<v1::Consumer>> ListConsumers() = 0;
  virtual Result<v1::Consumer> RegisterConsumer(const v1::RegisterConsumerRequest& request) = 0;
  virtual Status DeleteConsumer(const std::string& name) = 0;

  /// Hands each event to `sink` until it returns false (OK) or the stream breaks.
  virtual Status Subscribe(const v1::SubscribeRequest& request,
                           const std::function<bool(const v1::EventRecord&)>& sink) = 0;
};

/// Clients over gRPC. Nothing is connected before the first call. `address`: host:port or
/// unix:/path.
std::unique_ptr<Client> MakeGrpcClient(const std::string& address,
                                       const client::Credentials& credentials = {});
std::unique_ptr<EventClient> MakeGrpcEventClient(const std::string& address,
                                                 const client::Credentials& credentials = {});

}  // namespace aiflow::cli
