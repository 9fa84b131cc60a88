#include <aiflow/v1/orchestrator.grpc.pb.h>

#include <algorithm>
#include <utility>

#include "cli/client.h"
#include "cli/grpc_call.h"

namespace aiflow::cli {
namespace {

using Stub = v1::Orchestrator::Stub;
constexpr int kPageSize = 500;
constexpr size_t kChunkBytes = 256 << 10;

template <typename Response>
Status StatusOf(const Result<Response>& result) {
  return result ? Status::Ok() : result.error();
}

class GrpcClient : public Client {
 public:
  GrpcClient(const std::string& address, const client::Credentials& credentials)
      : call_(address, credentials), stub_(v1::Orchestrator::NewStub(call_.channel())) {}

  void LimitCalls(std::chrono::milliseconds limit) override { call_.Limit(limit); }

  Result<v1::ServerInfo> GetServerInfo() override {
    return call_.Unary(*stub_, &Stub::GetServerInfo, v1::GetServerInfoRequest());
  }

  Result<v1::Namespace> AddNamespace(const v1::AddNamespaceRequest& request) override {
    return call_.Unary(*stub_, &Stub::AddNamespace, request);
  }
  Result<v1::Namespace> GetNamespace(const v1::GetNamespaceRequest& request) override {
    return call_.Unary(*stub_, &Stub::GetNamespace, request);
  }
  Result<v1::Namespace> UpdateNamespace(const v1::UpdateNamespaceRequest& request) override {
    return call_.Unary(*stub_, &Stub::UpdateNamespace, request);
  }
  Status DeleteNamespace(const v1::DeleteNamespaceRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeleteNamespace, request));
  }
  Result<std::vector<v1::Namespace>> ListNamespaces() override {
    return AllPages<v1::Namespace>(
        v1::ListNamespacesRequest(), &Stub::ListNamespaces,
        [](const v1::ListNamespacesResponse& page) -> const auto& { return page.namespaces(); });
  }

  Result<v1::UploadWorkflowsResponse> UploadWorkflows(
      const v1::UploadWorkflowsRequest::Header& header, std::string_view bundle,
      const std::function<void(size_t)>& progress) override {
    v1::UploadWorkflowsResponse response;
    const Status status = call_.Repeat(kUploadDeadline, [&](grpc::ClientContext* context) {
      const auto writer = stub_->UploadWorkflows(context, &response);
      v1::UploadWorkflowsRequest message;
      *message.mutable_header() = header;
      bool open = writer->Write(message);
      for (size_t at = 0; open && at < bundle.size(); at += kChunkBytes) {
        message.set_bundle_chunk(std::string(bundle.substr(at, kChunkBytes)));
        open = writer->Write(message);
        if (progress) progress(std::min(at + kChunkBytes, bundle.size()));
      }
      // A refused write means that the server has answered already: Finish tells what.
      if (open) writer->WritesDone();
      return writer->Finish();
    });
    if (!status.ok()) return Error(status);
    return response;
  }
  Result<v1::Workflow> GetWorkflow(const v1::GetWorkflowRequest& request) override {
    return call_.Unary(*stub_, &Stub::GetWorkflow, request);
  }
  Status ListWorkflows(v1::ListWorkflowsRequest request,
                       const PageSink<v1::Workflow>& sink) override {
    return EachPage(std::move(request), &Stub::ListWorkflows,
                    [&](const v1::ListWorkflowsResponse& page) { return sink(page.workflows()); });
  }
  Status DeleteWorkflow(const v1::WorkflowRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeleteWorkflow, request));
  }
  Status EnableWorkflow(const v1::WorkflowRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::EnableWorkflow, request));
  }
  Status DisableWorkflow(const v1::WorkflowRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DisableWorkflow, request));
  }

  Result<int64_t> StartWorkflowExecution(
      const v1::StartWorkflowExecutionRequest& request) override {
    return call_.Unary(*stub_, &Stub::StartWorkflowExecution, request)
        .map([](const auto& response) { return int64_t{response.execution_id()}; });
  }
  Status StopWorkflowExecution(const v1::WorkflowExecutionRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::StopWorkflowExecution, request));
  }
  Result<int64_t> StopWorkflowExecutions(const v1::WorkflowRequest& request) override {
    return call_.Unary(*stub_, &Stub::StopWorkflowExecutions, request)
        .map([](const auto& response) { return int64_t{response.stopping()}; });
  }
  Status DeleteWorkflowExecution(const v1::WorkflowExecutionRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeleteWorkflowExecution, request));
  }
  Result<v1::WorkflowExecution> GetWorkflowExecution(int64_t execution_id) override {
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(execution_id);
    return call_.Unary(*stub_, &Stub::GetWorkflowExecution, request);
  }
  Status ListWorkflowExecutions(v1::ListWorkflowExecutionsRequest request,
                                const PageSink<v1::WorkflowExecution>& sink) override {
    return EachPage(
        std::move(request), &Stub::ListWorkflowExecutions,
        [&](const v1::ListWorkflowExecutionsResponse& page) { return sink(page.executions()); });
  }
  Status WatchWorkflowExecution(
      int64_t execution_id, const std::stop_token& stop,
      const std::function<void(const v1::WorkflowExecutionView&)>& sink) override {
    grpc::ClientContext context;
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(execution_id);
    const auto reader = stub_->WatchWorkflowExecution(&context, request);
    v1::WorkflowExecutionView view;
    while (reader->Read(&view)) sink(view);
    return call_.ToStatus(reader->Finish());
  }

  Result<v1::StartTaskExecutionResponse> StartTaskExecution(
      const v1::TaskRequest& request) override {
    return call_.Unary(*stub_, &Stub::StartTaskExecution, request);
  }
  Result<v1::StopTaskExecutionResponse> StopTaskExecution(const v1::TaskRequest& request) override {
    return call_.Unary(*stub_, &Stub::StopTaskExecution, request);
  }
  Result<v1::TaskExecution> GetTaskExecution(int64_t task_execution_id) override {
    v1::GetTaskExecutionRequest request;
    request.set_task_execution_id(task_execution_id);
    return call_.Unary(*stub_, &Stub::GetTaskExecution, request);
  }
  Status ListTaskExecutions(v1::ListTaskExecutionsRequest request,
                            const PageSink<v1::TaskExecution>& sink) override {
    return EachPage(
        std::move(request), &Stub::ListTaskExecutions,
        [&](const v1::ListTaskExecutionsResponse& page) { return sink(page.task_executions()); });
  }

  Result<int64_t> RerunTasks(const v1::RerunTasksRequest& request) override {
    return call_.Unary(*stub_, &Stub::RerunTasks, request).map([](const auto& response) {
      return int64_t{response.started()};
    });
  }
  Result<int64_t> MarkTask(const v1::MarkTaskRequest& request) override {
    return call_.Unary(*stub_, &Stub::MarkTask, request).map([](const auto& response) {
      return int64_t{response.task_execution_id()};
    });
  }

  Result<v1::WorkflowSnapshot> GetWorkflowSnapshot(int64_t snapshot_id) override {
    v1::GetWorkflowSnapshotRequest request;
    request.set_snapshot_id(snapshot_id);
    return call_.Unary(*stub_, &Stub::GetWorkflowSnapshot, request);
  }
  Result<std::vector<v1::WorkflowSnapshot>> ListWorkflowSnapshots(
      const std::string& ns, const std::string& name) override {
    return PagesOfWorkflow<v1::WorkflowSnapshot, v1::ListWorkflowSnapshotsRequest>(
        ns, name, &Stub::ListWorkflowSnapshots,
        [](const v1::ListWorkflowSnapshotsResponse& page) -> const auto& {
          return page.snapshots();
        });
  }
  Status DeleteWorkflowSnapshot(const v1::WorkflowSnapshotRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeleteWorkflowSnapshot, request));
  }
  Result<v1::DeletedResponse> DeleteWorkflowSnapshots(const v1::WorkflowRequest& request) override {
    return call_.Unary(*stub_, &Stub::DeleteWorkflowSnapshots, request);
  }

  Result<v1::WorkflowSchedule> AddWorkflowSchedule(
      const v1::AddWorkflowScheduleRequest& request) override {
    return call_.Unary(*stub_, &Stub::AddWorkflowSchedule, request);
  }
  Result<v1::WorkflowSchedule> GetWorkflowSchedule(int64_t schedule_id) override {
    v1::GetWorkflowScheduleRequest request;
    request.set_schedule_id(schedule_id);
    return call_.Unary(*stub_, &Stub::GetWorkflowSchedule, request);
  }
  Result<std::vector<v1::WorkflowSchedule>> ListWorkflowSchedules(
      const std::string& ns, const std::string& name) override {
    return PagesOfWorkflow<v1::WorkflowSchedule, v1::ListWorkflowSchedulesRequest>(
        ns, name, &Stub::ListWorkflowSchedules,
        [](const v1::ListWorkflowSchedulesResponse& page) -> const auto& {
          return page.schedules();
        });
  }
  Status DeleteWorkflowSchedule(const v1::WorkflowScheduleRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeleteWorkflowSchedule, request));
  }
  Result<v1::DeletedResponse> DeleteWorkflowSchedules(const v1::WorkflowRequest& request) override {
    return call_.Unary(*stub_, &Stub::DeleteWorkflowSchedules, request);
  }
  Status PauseWorkflowSchedule(const v1::WorkflowScheduleRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::PauseWorkflowSchedule, request));
  }
  Status ResumeWorkflowSchedule(const v1::WorkflowScheduleRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::ResumeWorkflowSchedule, request));
  }
  Result<v1::BackfillWorkflowResponse> BackfillWorkflow(
      const v1::BackfillWorkflowRequest& request) override {
    return call_.Unary(*stub_, &Stub::BackfillWorkflow, request);
  }

  Result<v1::WorkflowTrigger> AddWorkflowTrigger(
      const v1::AddWorkflowTriggerRequest& request) override {
    return call_.Unary(*stub_, &Stub::AddWorkflowTrigger, request);
  }
  Result<v1::WorkflowTrigger> GetWorkflowTrigger(int64_t trigger_id) override {
    v1::GetWorkflowTriggerRequest request;
    request.set_trigger_id(trigger_id);
    return call_.Unary(*stub_, &Stub::GetWorkflowTrigger, request);
  }
  Result<std::vector<v1::WorkflowTrigger>> ListWorkflowTriggers(const std::string& ns,
                                                                const std::string& name) override {
    return PagesOfWorkflow<v1::WorkflowTrigger, v1::ListWorkflowTriggersRequest>(
        ns, name, &Stub::ListWorkflowTriggers, [
        ](const v1::ListWorkflowTriggersResponse& page) -> const auto& { return page.triggers(); });
  }
  Status DeleteWorkflowTrigger(const v1::WorkflowTriggerRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeleteWorkflowTrigger, request));
  }
  Result<v1::DeletedResponse> DeleteWorkflowTriggers(const v1::WorkflowRequest& request) override {
    return call_.Unary(*stub_, &Stub::DeleteWorkflowTriggers, request);
  }
  Status PauseWorkflowTrigger(const v1::WorkflowTriggerRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::PauseWorkflowTrigger, request));
  }
  Status ResumeWorkflowTrigger(const v1::WorkflowTriggerRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::ResumeWorkflowTrigger, request));
  }

  Result<v1::Pool> SetPool(const v1::SetPoolRequest& request) override {
    return call_.Unary(*stub_, &Stub::SetPool, request);
  }
  Status DeletePool(const v1::DeletePoolRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DeletePool, request));
  }
  Result<std::vector<v1::Pool>> ListPools() override {
    return AllPages<v1::Pool>(
        v1::ListPoolsRequest(), &Stub::ListPools,
        [](const v1::ListPoolsResponse& page) -> const auto& { return page.pools(); });
  }

  Result<std::vector<v1::FailedEvent>> ListFailedEvents() override {
    return AllPages<v1::FailedEvent>(
        v1::ListFailedEventsRequest(), &Stub::ListFailedEvents,
        [](const v1::ListFailedEventsResponse& page) -> const auto& {
          return page.failed_events();
        });
  }
  Status RetryFailedEvent(const v1::FailedEventRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::RetryFailedEvent, request));
  }
  Status DropFailedEvent(const v1::FailedEventRequest& request) override {
    return StatusOf(call_.Unary(*stub_, &Stub::DropFailedEvent, request));
  }

  Result<v1::ExplainResponse> Explain(const v1::ExplainRequest& request) override {
    return call_.Unary(*stub_, &Stub::Explain, request);
  }
  Status ReadTaskLog(const v1::ReadTaskLogRequest& request,
                     const std::function<void(const v1::LogChunk&)>& sink) override {
    grpc::ClientContext context;
    const auto reader = stub_->ReadTaskLog(&context, request);
    v1::LogChunk chunk;
    while (reader->Read(&chunk)) sink(chunk);
    return call_.ToStatus(reader->Finish());
  }

  Status ListArtifacts(v1::ListArtifactsRequest request,
                       const PageSink<v1::Artifact>& sink) override {
    return EachPage(std::move(request), &Stub::ListArtifacts,
                    [&](const v1::ListArtifactsResponse& page) { return sink(page.artifacts()); });
  }
  Status ReadArtifact(const v1::ReadArtifactRequest& request,
                      const std::function<bool(const v1::FileChunk&)>& sink) override {
    grpc::ClientContext context;
    const auto reader = stub_->ReadArtifact(&context, request);
    v1::FileChunk chunk;
    while (reader->Read(&chunk)) {
      if (!sink(chunk)) context.TryCancel();
    }
    return call_.ToStatus(reader->Finish());
  }

 private:
  template <typename Item, typename Request, typename Response, typename Items>
  Result<std::vector<Item>> AllPages(Request request,
                                     grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                                     Items items) {
    std::vector<Item> all;
    const Status status = EachPage(std::move(request), method, [&](const Response& page) {
      const auto& of_page = items(page);
      all.insert(all.end(), of_page.begin(), of_page.end());
      return true;
    });
    if (!status.ok()) return Error(status);
    return all;
  }

  // Hands each page to `sink` until that says it is enough.
  template <typename Request, typename Response, typename Sink>
  Status EachPage(Request request,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Sink& sink) {
    if (request.page_size() == 0) request.set_page_size(kPageSize);
    for (;;) {
      const Result<Response> page = call_.Unary(*stub_, method, request);
      if (!page) return page.error();
      if (!sink(*page) || page->next_page_token().empty()) return Status::Ok();
      request.set_page_token(page->next_page_token());
    }
  }

  template <typename Item, typename Request, typename Method, typename Items>
  Result<std::vector<Item>> PagesOfWorkflow(const std::string& ns, const std::string& name,
                                            Method method, Items items) {
    Request request;
    request.set_namespace_(ns);
    request.set_name(name);
    return AllPages<Item>(std::move(request), method, items);
  }

  GrpcCall call_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace

std::unique_ptr<Client> MakeGrpcClient(const std::string& address,
                                       const client::Credentials& credentials) {
  return std::make_unique<GrpcClient>(address, credentials);
}

}  // namespace aiflow::cli
