#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"

namespace aiflow::cli {

/// A server in memory for tests of commands: workflows by name, executions and views that the test
/// puts in, and the requests that came. One thread, but for Watch.
class FakeClient : public Client {
 public:
  std::vector<v1::Namespace> namespaces;
  std::vector<v1::Workflow> workflows;
  std::vector<v1::WorkflowExecution> executions;
  std::vector<v1::TaskExecution> task_executions;
  std::vector<std::pair<std::vector<v1::WorkflowExecutionView>, Status>> watches;  // one per call
  std::vector<v1::WorkflowSnapshot> snapshots;
  std::vector<v1::WorkflowSchedule> schedules;
  std::vector<v1::WorkflowTrigger> triggers;
  std::vector<v1::Pool> pools;
  std::vector<v1::FailedEvent> failed_events;
  v1::BackfillWorkflowResponse backfilled;
  v1::DeletedResponse deleted;
  v1::ExplainResponse explained;
  std::string log;
  size_t log_breaks_at = 0;
  std::vector<v1::Artifact> artifacts;
  std::string artifact;
  int64_t artifact_breaks_at = -1;
  /// Of the lists that come in pages.
  size_t items_per_page = 2;
  /// Answered to everything when not OK.
  Status refusal;
  /// Name of the call and its request, in order.
  std::vector<std::pair<std::string, std::string>> calls;
  std::vector<std::string> request_ids;

  void LimitCalls(std::chrono::milliseconds) override {}
  Result<v1::ServerInfo> GetServerInfo() override { return v1::ServerInfo(); }

  Result<v1::Namespace> AddNamespace(const v1::AddNamespaceRequest& request) override {
    const Status status = Record("AddNamespace", request, request.request_id());
    if (!status.ok()) return Error(status);
    v1::Namespace& added = namespaces.emplace_back();
    added.set_name(request.name());
    *added.mutable_properties() = request.properties();
    return added;
  }
  Result<v1::Namespace> GetNamespace(const v1::GetNamespaceRequest& request) override {
    if (!refusal.ok()) return Error(refusal);
    for (const v1::Namespace& ns : namespaces) {
      if (ns.name() == request.name()) return ns;
    }
    return Error(Code::kNotFound, "namespace " + request.name() + " does not exist");
  }
  Result<v1::Namespace> UpdateNamespace(const v1::UpdateNamespaceRequest& request) override {
    const Status status = Record("UpdateNamespace", request, request.request_id());
    if (!status.ok()) return Error(status);
    return v1::Namespace();
  }
  Status DeleteNamespace(const v1::DeleteNamespaceRequest& request) override {
    return Record("DeleteNamespace", request, request.request_id());
  }
  Result<std::vector<v1::Namespace>> ListNamespaces() override { return Answer(namespaces); }

  Result<v1::UploadWorkflowsResponse> UploadWorkflows(
      const v1::UploadWorkflowsRequest::Header& header, std::string_view,
      const std::function<void(size_t)>&) override {
    const Status status = Record("UploadWorkflows", header, header.request_id());
    if (!status.ok()) return Error(status);
    return v1::UploadWorkflowsResponse();
  }
  Result<v1::Workflow> GetWorkflow(const v1::GetWorkflowRequest& request) override {
    if (!refusal.ok()) return Error(refusal);
    for (const v1::Workflow& workflow : workflows) {
      if (workflow.name() == request.name()) return workflow;
    }
    return Error(Code::kNotFound, "workflow default." + request.name() + " does not exist");
  }
  Status ListWorkflows(v1::ListWorkflowsRequest request,
                       const PageSink<v1::Workflow>& sink) override {
    return Pages("ListWorkflows", request, workflows, sink);
  }
  Status DeleteWorkflow(const v1::WorkflowRequest& request) override {
    return Record("DeleteWorkflow", request, request.request_id());
  }
  Status EnableWorkflow(const v1::WorkflowRequest& request) override {
    return Record("EnableWorkflow", request, request.request_id());
  }
  Status DisableWorkflow(const v1::WorkflowRequest& request) override {
    return Record("DisableWorkflow", request, request.request_id());
  }

  Result<int64_t> StartWorkflowExecution(
      const v1::StartWorkflowExecutionRequest& request) override {
    const Status status = Record("StartWorkflowExecution", request, request.request_id());
    if (!status.ok()) return Error(status);
    v1::GetWorkflowRequest get;
    get.set_name(request.name());
    if (const auto found = GetWorkflow(get); !found) return Error(found.error());
    return 17;
  }
  Status StopWorkflowExecution(const v1::WorkflowExecutionRequest& request) override {
    return Record("StopWorkflowExecution", request, request.request_id());
  }
  Result<int64_t> StopWorkflowExecutions(const v1::WorkflowRequest& request) override {
    const Status status = Record("StopWorkflowExecutions", request, request.request_id());
    if (!status.ok()) return Error(status);
    return 2;
  }
  Status DeleteWorkflowExecution(const v1::WorkflowExecutionRequest& request) override {
    return Record("DeleteWorkflowExecution", request, request.request_id());
  }
  Result<v1::WorkflowExecution> GetWorkflowExecution(int64_t execution_id) override {
    if (!refusal.ok()) return Error(refusal);
    for (const v1::WorkflowExecution& execution : executions) {
      if (execution.id() == execution_id) return execution;
    }
    return Error(Code::kNotFound, "no such execution");
  }
  Status ListWorkflowExecutions(v1::ListWorkflowExecutionsRequest request,
                                const PageSink<v1::WorkflowExecution>& sink) override {
    return Pages("ListWorkflowExecutions", request, executions, sink);
  }
  Status WatchWorkflowExecution(
      int64_t, const std::stop_token& stop,
      const std::function<void(const v1::WorkflowExecutionView&)>& sink) override {
    if (watches.empty()) return {Code::kCancelled, "the test has no more views"};
    const auto [views, status] = watches.front();
    watches.erase(watches.begin());
    for (const v1::WorkflowExecutionView& view : views) {
      if (!stop.stop_requested()) sink(view);
    }
    return status;
  }

  Result<v1::StartTaskExecutionResponse> StartTaskExecution(
      const v1::TaskRequest& request) override {
    const Status status = Record("StartTaskExecution", request, request.request_id());
    if (!status.ok()) return Error(status);
    v1::StartTaskExecutionResponse response;
    response.set_sequence_number(3);
    return response;
  }
  Result<v1::StopTaskExecutionResponse> StopTaskExecution(const v1::TaskRequest& request) override {
    const Status status = Record("StopTaskExecution", request, request.request_id());
    if (!status.ok()) return Error(status);
    return v1::StopTaskExecutionResponse();
  }
  Result<v1::TaskExecution> GetTaskExecution(int64_t task_execution_id) override {
    for (const v1::TaskExecution& execution : task_executions) {
      if (execution.id() == task_execution_id) return execution;
    }
    return Error(Code::kNotFound, "no such task execution");
  }
  Status ListTaskExecutions(v1::ListTaskExecutionsRequest request,
                            const PageSink<v1::TaskExecution>& sink) override {
    return Pages("ListTaskExecutions", request, task_executions, sink);
  }
  Result<int64_t> RerunTasks(const v1::RerunTasksRequest& request) override {
    const Status status = Record("RerunTasks", request, request.request_id());
    if (!status.ok()) return Error(status);
    return 2;
  }
  Result<int64_t> MarkTask(const v1::MarkTaskRequest& request) override {
    const Status status = Record("MarkTask", request, request.request_id());
    if (!status.ok()) return Error(status);
    return 5;
  }

  Result<v1::WorkflowSnapshot> GetWorkflowSnapshot(int64_t id) override {
    return Find(snapshots, id);
  }
  Result<std::vector<v1::WorkflowSnapshot>> ListWorkflowSnapshots(const std::string&,
                                                                  const std::string&) override {
    return Answer(snapshots);
  }
  Status DeleteWorkflowSnapshot(const v1::WorkflowSnapshotRequest& request) override {
    return Record("DeleteWorkflowSnapshot", request, request.request_id());
  }
  Result<v1::DeletedResponse> DeleteWorkflowSnapshots(const v1::WorkflowRequest& request) override {
    const Status status = Record("DeleteWorkflowSnapshots", request, request.request_id());
    if (!status.ok()) return Error(status);
    return deleted;
  }

  Result<v1::WorkflowSchedule> AddWorkflowSchedule(
      const v1::AddWorkflowScheduleRequest& request) override {
    const Status status = Record("AddWorkflowSchedule", request, request.request_id());
    if (!status.ok()) return Error(status);
    v1::WorkflowSchedule& added = schedules.emplace_back();
    added.set_id(7);
    added.set_expression(request.expression());
    return added;
  }
  Result<v1::WorkflowSchedule> GetWorkflowSchedule(int64_t id) override {
    return Find(schedules, id);
  }
  Result<std::vector<v1::WorkflowSchedule>> ListWorkflowSchedules(const std::string&,
                                                                  const std::string&) override {
    return Answer(schedules);
  }
  Status DeleteWorkflowSchedule(const v1::WorkflowScheduleRequest& request) override {
    return Record("DeleteWorkflowSchedule", request, request.request_id());
  }
  Result<v1::DeletedResponse> DeleteWorkflowSchedules(const v1::WorkflowRequest& request) override {
    const Status status = Record("DeleteWorkflowSchedules", request, request.request_id());
    if (!status.ok()) return Error(status);
    return deleted;
  }
  Status PauseWorkflowSchedule(const v1::WorkflowScheduleRequest& request) override {
    return Record("PauseWorkflowSchedule", request, request.request_id());
  }
  Status ResumeWorkflowSchedule(const v1::WorkflowScheduleRequest& request) override {
    return Record("ResumeWorkflowSchedule", request, request.request_id());
  }
  Result<v1::BackfillWorkflowResponse> BackfillWorkflow(
      const v1::BackfillWorkflowRequest& request) override {
    const Status status = Record("BackfillWorkflow", request, request.request_id());
    if (!status.ok()) return Error(status);
    return backfilled;
  }

  Result<v1::WorkflowTrigger> AddWorkflowTrigger(
      const v1::AddWorkflowTriggerRequest& request) override {
    const Status status = Record("AddWorkflowTrigger", request, request.request_id());
    if (!status.ok()) return Error(status);
    v1::WorkflowTrigger& added = triggers.emplace_back();
    added.set_id(7);
    added.set_condition_json(request.condition_json());
    return added;
  }
  Result<v1::WorkflowTrigger> GetWorkflowTrigger(int64_t id) override { return Find(triggers, id); }
  Result<std::vector<v1::WorkflowTrigger>> ListWorkflowTriggers(const std::string&,
                                                                const std::string&) override {
    return Answer(triggers);
  }
  Status DeleteWorkflowTrigger(const v1::WorkflowTriggerRequest& request) override {
    return Record("DeleteWorkflowTrigger", request, request.request_id());
  }
  Result<v1::DeletedResponse> DeleteWorkflowTriggers(const v1::WorkflowRequest& request) override {
    const Status status = Record("DeleteWorkflowTriggers", request, request.request_id());
    if (!status.ok()) return Error(status);
    return deleted;
  }
  Status PauseWorkflowTrigger(const v1::WorkflowTriggerRequest& request) override {
    return Record("PauseWorkflowTrigger", request, request.request_id());
  }
  Status ResumeWorkflowTrigger(const v1::WorkflowTriggerRequest& request) override {
    return Record("ResumeWorkflowTrigger", request, request.request_id());
  }

  Result<v1::Pool> SetPool(const v1::SetPoolRequest& request) override {
    const Status status = Record("SetPool", request, request.request_id());
    if (!status.ok()) return Error(status);
    v1::Pool pool;
    pool.set_name(request.name());
    pool.set_slots(request.slots());
    return pool;
  }
  Status DeletePool(const v1::DeletePoolRequest& request) override {
    return Record("DeletePool", request, request.request_id());
  }
  Result<std::vector<v1::Pool>> ListPools() override { return Answer(pools); }
  Result<std::vector<v1::FailedEvent>> ListFailedEvents() override { return Answer(failed_events); }
  Status RetryFailedEvent(const v1::FailedEventRequest& request) override {
    return Record("RetryFailedEvent", request, request.request_id());
  }
  Status DropFailedEvent(const v1::FailedEventRequest& request) override {
    return Record("DropFailedEvent", request, request.request_id());
  }

  Result<v1::ExplainResponse> Explain(const v1::ExplainRequest&) override {
    return Answer(explained);
  }
  Status ReadTaskLog(const v1::ReadTaskLogRequest& request,
                     const std::function<void(const v1::LogChunk&)>& sink) override {
    const Status status = Record("ReadTaskLog", request, "");
    if (!status.ok()) return status;
    v1::LogChunk chunk;
    const auto begin = static_cast<size_t>(request.begin_byte());
    const bool breaks = log_breaks_at > begin;  // once
    chunk.set_data(log.substr(begin, breaks ? log_breaks_at - begin : std::string::npos));
    chunk.set_next_byte(static_cast<int64_t>(begin + chunk.data().size()));
    sink(chunk);
    return breaks ? Status(Code::kUnavailable, "gone") : Status::Ok();
  }

  Status ListArtifacts(v1::ListArtifactsRequest request,
                       const PageSink<v1::Artifact>& sink) override {
    return Pages("ListArtifacts", request, artifacts, sink);
  }
  /// One byte per chunk; a read from before byte `artifact_breaks_at` breaks there.
  Status ReadArtifact(const v1::ReadArtifactRequest& request,
                      const std::function<bool(const v1::FileChunk&)>& sink) override {
    const Status status = Record("ReadArtifact", request, "");
    if (!status.ok()) return status;
    for (int64_t at = request.begin_byte(); at < static_cast<int64_t>(artifact.size()); ++at) {
      if (at == artifact_breaks_at && at > request.begin_byte()) {
        return {Code::kUnavailable, "gone"};
      }
      v1::FileChunk chunk;
      chunk.set_data(artifact.substr(static_cast<size_t>(at), 1));
      chunk.set_next_byte(at + 1);
      if (!sink(chunk)) return {Code::kCancelled, "enough"};
    }
    return Status::Ok();
  }

 private:
  Status Record(const std::string& call, const google::protobuf::Message& request,
                const std::string& request_id) {
    calls.emplace_back(call, request.ShortDebugString());
    request_ids.push_back(request_id);
    return refusal;
  }
  template <typename T>
  Result<T> Find(const std::vector<T>& items, int64_t id) const {
    if (!refusal.ok()) return Error(refusal);
    for (const T& item : items) {
      if (item.id() == id) return item;
    }
    return Error(Code::kNotFound, "there is no " + std::to_string(id));
  }
  template <typename Item, typename Request>
  Status Pages(const std::string& call, const Request& request, const std::vector<Item>& items,
               const PageSink<Item>& sink) {
    const Status status = Record(call, request, "");
    for (size_t at = 0; status.ok() && at < items.size();) {
      Page<Item> page;
      for (; at < items.size() && page.size() < static_cast<int>(items_per_page); ++at) {
        *page.Add() = items[at];
      }
      if (!sink(page)) break;
    }
    return status;
  }
  template <typename T>
  Result<T> Answer(const T& value) const {
    if (!refusal.ok()) return Error(refusal);
    return value;
  }
};

}  // namespace aiflow::cli
