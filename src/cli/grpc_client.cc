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
  explicit GrpcClient(const std::string& address)
      : call_(address), stub_(v1::Orchestrator::NewStub(call_.channel())) {}

  Result<v1::ServerInfo> GetServerInfo() override {
    return call_.Unary(*stub_, &Stub::GetServerInfo, v1::GetServerInfoRequest());
  }

  Result<v1::Namespace> AddNamespace(const v1::AddNamespaceRequest& request) override {
    return call_.Unary(*stub_, &Stub::AddNamespace, request);
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
      const v1::UploadWorkflowsRequest::Header& header, std::string_view bundle) override {
    v1::UploadWorkflowsResponse response;
    const Status status = call_.Repeat(kUploadDeadline, [&](grpc::ClientContext* context) {
      const auto writer = stub_->UploadWorkflows(context, &response);
      v1::UploadWorkflowsRequest message;
      *message.mutable_header() = header;
      bool open = writer->Write(message);
      for (size_t at = 0; open && at < bundle.size(); at += kChunkBytes) {
        message.set_bundle_chunk(std::string(bundle.substr(at, kChunkBytes)));
        open = writer->Write(message);
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
  Result<std::vector<v1::Workflow>> ListWorkflows(const std::string& ns) override {
    v1::ListWorkflowsRequest request;
    request.set_namespace_(ns);
    return AllPages<v1::Workflow>(
        request, &Stub::ListWorkflows,
        [](const v1::ListWorkflowsResponse& page) -> const auto& { return page.workflows(); });
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
  Result<std::vector<v1::WorkflowExecution>> ListWorkflowExecutions(
      const std::string& ns, const std::string& name) override {
    v1::ListWorkflowExecutionsRequest request;
    request.set_namespace_(ns);
    request.set_name(name);
    return AllPages<v1::WorkflowExecution>(
        request, &Stub::ListWorkflowExecutions,
        [](const v1::ListWorkflowExecutionsResponse& page) -> const auto& {
          return page.executions();
        });
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
  Result<std::vector<v1::TaskExecution>> ListTaskExecutions(int64_t execution_id,
                                                            const std::string& task_name) override {
    v1::ListTaskExecutionsRequest request;
    request.set_execution_id(execution_id);
    request.set_task_name(task_name);
    return AllPages<v1::TaskExecution>(
        request, &Stub::ListTaskExecutions,
        [](const v1::ListTaskExecutionsResponse& page) -> const auto& {
          return page.task_executions();
        });
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

 private:
  template <typename Item, typename Request, typename Response, typename Items>
  Result<std::vector<Item>> AllPages(Request request,
                                     grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                                     Items items) {
    std::vector<Item> all;
    request.set_page_size(kPageSize);
    for (;;) {
      Result<Response> page = call_.Unary(*stub_, method, request);
      if (!page) return Error(page.error());
      const auto& of_page = items(*page);
      all.insert(all.end(), of_page.begin(), of_page.end());
      if (page->next_page_token().empty()) return all;
      request.set_page_token(page->next_page_token());
    }
  }

  const GrpcCall call_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace

std::unique_ptr<Client> MakeGrpcClient(const std::string& address) {
  return std::make_unique<GrpcClient>(address);
}

}  // namespace aiflow::cli
