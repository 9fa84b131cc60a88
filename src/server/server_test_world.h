#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ai_flow/scheduler_service.grpc.pb.h"
#include "aiflow/v1/orchestrator.grpc.pb.h"
#include "executor/local/runner_connection.h"
#include "server/server.h"
#include "server/server_main.h"

/// A whole server in this process, in a home of its own: real sockets, stores, runner and tasks.
namespace aiflow::server {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// {"version":1, "name":..., "tasks":[...]} with bash tasks.
inline Json Spec(const std::string& name, const std::vector<Json>& tasks) {
  return {{"version", 1}, {"namespace", "default"}, {"name", name}, {"tasks", tasks}};
}
inline Json Bash(const std::string& name, const std::string& command,
                 const Json& rules = Json::array()) {
  return {{"name", name}, {"operator", "bash"}, {"command", command}, {"rules", rules}};
}
inline Json StartOnEvent(const std::string& key) {
  return {{"action", "START"}, {"condition", {{"type", "event"}, {"key", key}}}};
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    std::string pattern = (fs::temp_directory_path() / "server_test.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    Start();
  }
  ~ServerTest() override {
    server_.reset();
    RunnerAddress runner;
    runner.dir = Home(root_).runner().string();
    EXPECT_TRUE(RunnerConnection::Quit(runner, /*kill=*/true).ok());
    fs::remove_all(root_);
  }

  Result<std::unique_ptr<Server>> Open(const fs::path& home, int rpc_port = 0) {
    auto logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    Listeners listeners;
    listeners.rpc = rpc_port;
    listeners.internal_rpc = 0;
    return Server::Start({Home(home),
                          *ParseConfig(config_, home),
                          listeners,
                          AIFLOW_RUNNER,
                          {},
                          logger,
                          nullptr,
                          nullptr});
  }
  void Start() {
    auto server = Open(root_);
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->server_uri(), grpc::InsecureChannelCredentials());
    stub_ = v1::Orchestrator::NewStub(channel_);
    legacy_ = ai_flow::SchedulerService::NewStub(channel_);
  }

  /// Sends an upload of these parts and returns its outcome.
  grpc::Status Upload(const std::vector<v1::UploadWorkflowsRequest>& parts) {
    grpc::ClientContext context;
    v1::UploadWorkflowsResponse response;
    const auto writer = stub_->UploadWorkflows(&context, &response);
    for (const auto& part : parts) writer->Write(part);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    uploaded_ = response;
    return status;
  }
  static v1::UploadWorkflowsRequest Header(const std::vector<Json>& specs) {
    v1::UploadWorkflowsRequest request;
    for (const Json& spec : specs) {
      request.mutable_header()->add_workflows()->set_spec_json(spec.dump());
    }
    request.mutable_header();
    return request;
  }
  grpc::Status Upload(const Json& spec) { return Upload(std::vector{Header({spec})}); }

  int64_t StartExecution(const std::string& name, const std::string& request_id = "") {
    v1::StartWorkflowExecutionRequest request;
    request.set_namespace_("default");
    request.set_name(name);
    request.set_request_id(request_id);
    grpc::ClientContext context;
    v1::StartWorkflowExecutionResponse response;
    const grpc::Status status = stub_->StartWorkflowExecution(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.execution_id();
  }

  /// Watches until a view satisfies `enough` (or the execution ends) and returns it.
  v1::WorkflowExecutionView WatchUntil(
      int64_t execution, const std::function<bool(const v1::WorkflowExecutionView&)>& enough) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(execution);
    const auto reader = stub_->WatchWorkflowExecution(&context, request);
    v1::WorkflowExecutionView view;
    while (reader->Read(&view)) {
      if (enough(view)) {
        context.TryCancel();
        return view;
      }
    }
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return view;
  }
  v1::WorkflowExecutionView WatchToEnd(int64_t execution) {
    return WatchUntil(execution, [](const auto&) { return false; });
  }
  static bool Runs(const v1::WorkflowExecutionView& view) {
    return !view.tasks(0).latest().empty() && view.tasks(0).latest(0).status() == "RUNNING";
  }

  std::pair<std::string, grpc::Status> ReadLog(int64_t execution, const std::string& task,
                                               bool follow) {
    v1::ReadTaskLogRequest request;
    request.set_execution_id(execution);
    request.set_task_name(task);
    request.set_follow(follow);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto reader = stub_->ReadTaskLog(&context, request);
    std::string text;
    v1::LogChunk chunk;
    while (reader->Read(&chunk)) text += chunk.data();
    return {text, reader->Finish()};
  }

  template <typename Request>
  ai_flow::Response Legacy(grpc::Status (ai_flow::SchedulerService::Stub::*method)(
                               grpc::ClientContext*, const Request&, ai_flow::Response*),
                           const Request& request) {
    grpc::ClientContext context;
    ai_flow::Response response;
    EXPECT_TRUE((legacy_.get()->*method)(&context, request, &response).ok());
    return response;
  }

  std::string config_;  // text of the configuration
  fs::path root_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Orchestrator::Stub> stub_;
  std::unique_ptr<ai_flow::SchedulerService::Stub> legacy_;
  v1::UploadWorkflowsResponse uploaded_;
};

using LegacyStub = ai_flow::SchedulerService::Stub;

}  // namespace aiflow::server
