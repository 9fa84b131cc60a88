#include "server/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ai_flow/heartbeat_service.grpc.pb.h"
#include "ai_flow/scheduler_service.grpc.pb.h"
#include "server/server_main.h"
#include "server/server_test_world.h"
#include "storage/blob_store.h"

namespace aiflow::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ServerTest, UploadedBashWorkflowRunsToSuccess) {
  const Json after_a = {{"action", "START"},
                        {"condition",
                         {{"type", "all_task_status"},
                          {"conditions",
                           {{{"type", "task_status"},
                             {"namespace", "default"},
                             {"workflow", "w"},
                             {"task", "a"},
                             {"status", "SUCCESS"}}}}}}};
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "echo one; echo two"),
                                Bash("b", "echo b", Json::array({after_a}))}))
                  .ok());
  EXPECT_EQ(uploaded_.workflows(0).workflow_id(), 1);
  EXPECT_EQ(uploaded_.workflows(0).snapshot_id(), 1);
  const int64_t execution = StartExecution("w");
  const v1::WorkflowExecutionView view = WatchToEnd(execution);
  EXPECT_EQ(view.execution().status(), "SUCCESS");
  ASSERT_EQ(view.tasks_size(), 2);
  EXPECT_EQ(view.tasks(1).latest(0).status(), "SUCCESS");
  EXPECT_THAT(view.tasks(1).upstream(), ElementsAre("a"));
  EXPECT_EQ(ReadLog(execution, "a", false).first, "one\ntwo\n");
}

TEST_F(ServerTest, ExplainTellsCausesAndWhatATaskWaitsFor) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "sleep 30"),
                                Bash("b", "true", Json::array({StartOnEvent("go")}))}))
                  .ok());
  const int64_t execution = StartExecution("w");
  WatchUntil(execution, Runs);
  v1::ExplainRequest request;
  request.set_execution_id(execution);
  grpc::ClientContext context;
  v1::ExplainResponse response;
  ASSERT_TRUE(stub_->Explain(&context, request, &response).ok());
  ASSERT_EQ(response.tasks_size(), 2);
  EXPECT_EQ(response.tasks(0).causes(0).kind(), "STARTED");
  EXPECT_EQ(response.tasks(0).causes(0).event_value(), "START_WORKFLOW_EXECUTION");
  EXPECT_THAT(response.tasks(0).waits_for(), ElementsAre());
  EXPECT_THAT(response.tasks(1).waits_for(), ElementsAre("event go"));
  EXPECT_EQ(server_->StopTasks(Millis(30'000)), 0);
}

TEST_F(ServerTest, FollowedLogEndsWithItsTask) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "echo begin; sleep 0.3; echo end")})).ok());
  const int64_t execution = StartExecution("w");
  const auto [text, status] = ReadLog(execution, "a", true);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(text, "begin\nend\n");
  EXPECT_EQ(ReadLog(execution, "ghost", false).second.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServerTest, RequestIdMakesAStartHappenOnce) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "true")})).ok());
  const int64_t first = StartExecution("w", "r1");
  EXPECT_EQ(StartExecution("w", "r1"), first);
  EXPECT_NE(StartExecution("w", "r2"), first);
  WatchToEnd(first);
  WatchToEnd(first + 1);
}

TEST_F(ServerTest, BadUploadsAreRefusedAndLeaveNothingVisible) {
  const auto refused = [this](const std::vector<v1::UploadWorkflowsRequest>& parts,
                              grpc::StatusCode code, const std::string& text) {
    const grpc::Status status = Upload(parts);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(text));
  };
  const auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
  const Json good = Spec("w", {Bash("a", "true")});
  refused({}, invalid, "empty");
  refused({Header({})}, invalid, "no workflow");
  refused({Header({"text"})}, invalid, "");
  refused({Header({Spec("w", {})})}, invalid, "task");
  refused({Header({Spec("w", {Bash("twin", "true"), Bash("twin", "true")})})}, invalid, "twin");
  refused({Header({good, good})}, invalid, "twice");
  refused({Header({good}), Header({good})}, invalid, "two headers");
  Json elsewhere = good;
  elsewhere["namespace"] = "nowhere";
  refused({Header({elsewhere})}, grpc::StatusCode::NOT_FOUND, "Namespace nowhere not exists");
  Json hosted = good;
  hosted["host"] = {{"language", "cpp"}, {"file", "../w"}};
  refused({Header({hosted})}, invalid, "inside the bundle");
  hosted["host"] = {{"language", "cpp"}, {"file", "w"}};
  refused({Header({hosted})}, invalid, "no bundle");

  auto announced = Header({good});
  announced.mutable_header()->set_bundle_name("w");
  announced.mutable_header()->set_bundle_size(3);
  v1::UploadWorkflowsRequest chunk;
  chunk.set_bundle_chunk("abc");
  refused({chunk}, invalid, "header");
  refused({announced}, invalid, "0 bytes");
  refused({announced, chunk, chunk}, invalid, "more bytes");
  refused({announced, chunk}, invalid, "SHA-256");
  announced.mutable_header()->set_bundle_sha256(Sha256Hex("abc"));
  EXPECT_FALSE(Upload({announced, chunk}).ok());  // no archive

  grpc::ClientContext context;
  v1::ListWorkflowsResponse list;
  ASSERT_TRUE(stub_->ListWorkflows(&context, {}, &list).ok());
  EXPECT_EQ(list.workflows_size(), 0);
}

TEST_F(ServerTest, PagesFollowEachOtherWithoutGaps) {
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_TRUE(Upload(Spec(name, {Bash("t", "true")})).ok());
  }
  std::vector<std::string> names;
  v1::ListWorkflowsRequest request;
  request.set_page_size(2);
  do {
    grpc::ClientContext context;
    v1::ListWorkflowsResponse list;
    ASSERT_TRUE(stub_->ListWorkflows(&context, request, &list).ok());
    for (const v1::Workflow& workflow : list.workflows()) names.push_back(workflow.name());
    request.set_page_token(list.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("c", "a", "b"));
  request.set_page_token("nonsense");
  grpc::ClientContext context;
  v1::ListWorkflowsResponse list;
  EXPECT_EQ(stub_->ListWorkflows(&context, request, &list).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, LegacyNamespacesHaveTheirCodesAndTexts) {
  ai_flow::NamespaceProto add;
  add.set_name("n");
  (*add.mutable_properties())["k"] = "v";
  const ai_flow::Response added = Legacy(&LegacyStub::addNamespace, add);
  EXPECT_EQ(added.return_code(), "0") << added.error_msg();
  EXPECT_EQ(Json::parse(added.data()), Json({{"name", "n"}, {"properties", {{"k", "v"}}}}));
  EXPECT_EQ(Legacy(&LegacyStub::addNamespace, add).return_code(), "2001");
  ai_flow::NameRequest name;
  name.set_name("ghost");
  const ai_flow::Response missing = Legacy(&LegacyStub::getNamespace, name);
  EXPECT_EQ(missing.return_code(), "2002");
  EXPECT_EQ(missing.error_msg(), "resource_does_not_exist");
  EXPECT_EQ(missing.data(), "");
  EXPECT_EQ(Legacy(&LegacyStub::deleteNamespace, name).error_msg(), "Namespace ghost not exists.");
  add.set_name("ghost");
  EXPECT_EQ(Legacy(&LegacyStub::updateNamespace, add).return_code(), "2002");
  const Json list = Json::parse(Legacy(&LegacyStub::listNamespaces, ai_flow::ListRequest()).data());
  EXPECT_EQ(list["namespaces"].size(), 2U);
  ai_flow::ListRequest beyond;
  beyond.set_offset(5);
  EXPECT_EQ(Legacy(&LegacyStub::listNamespaces, beyond).return_code(), "2002");
}

TEST_F(ServerTest, LegacyWorkflowWithoutSpecificationIsKeptByteForByteAndCannotStart) {
  ai_flow::WorkflowProto add;
  add.set_namespace_("ghost");
  add.set_name("old");
  const std::string pickled("\x80\x04\x00\xff", 4);
  add.set_pickled_workflow(pickled);
  const ai_flow::Response no_namespace = Legacy(&LegacyStub::addWorkflow, add);
  EXPECT_EQ(no_namespace.return_code(), "1000");
  EXPECT_EQ(no_namespace.error_msg(), "Namespace ghost not exists");

  add.set_namespace_("default");
  add.set_content("source");
  const ai_flow::Response added = Legacy(&LegacyStub::addWorkflow, add);
  ASSERT_EQ(added.return_code(), "0") << added.error_msg();
  const Json workflow = Json::parse(added.data());
  EXPECT_EQ(workflow["uuid"], "1");  // 64-bit numbers are text in proto JSON
  EXPECT_EQ(workflow["content"], "source");
  EXPECT_EQ(workflow["pickled_workflow"], "gAQA/w==");
  EXPECT_TRUE(workflow["is_enabled"].get<bool>());
  EXPECT_TRUE(workflow.contains("create_time") && workflow.contains("update_time"));
  EXPECT_EQ(Legacy(&LegacyStub::addWorkflow, add).return_code(), "2001");

  ai_flow::WorkflowSnapshotProto snapshot;
  snapshot.set_workflow_id(1);
  snapshot.mutable_uri()->set_value("/blob/x.zip");
  snapshot.mutable_signature()->set_value("md5");
  const ai_flow::Response stored = Legacy(&LegacyStub::addWorkflowSnapshot, snapshot);
  ASSERT_EQ(stored.return_code(), "0") << stored.error_msg();
  EXPECT_EQ(Json::parse(stored.data())["uri"], "/blob/x.zip");
  snapshot.set_workflow_id(99);
  EXPECT_EQ(Legacy(&LegacyStub::addWorkflowSnapshot, snapshot).return_code(), "1000");

  ai_flow::WorkflowIdentifier start;
  start.set_namespace_("default");
  start.set_workflow_name("old");
  const ai_flow::Response started = Legacy(&LegacyStub::startWorkflowExecution, start);
  EXPECT_EQ(started.return_code(), "1003");
  EXPECT_NE(started.error_msg(), "");
  start.set_workflow_name("ghost");
  const ai_flow::Response unknown = Legacy(&LegacyStub::startWorkflowExecution, start);
  EXPECT_EQ(unknown.return_code(), "2002");
  EXPECT_EQ(unknown.error_msg(), "Workflow default.ghost not exists");
}

TEST_F(ServerTest, LegacyExecutionsShowTheirDatesAndKnownStatuses) {
  // The task takes a second to stop, so that the execution is seen stopping.
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "trap 'sleep 1; exit 1' TERM; sleep 60 & wait")})).ok());
  ai_flow::WorkflowIdentifier identifier;
  identifier.set_namespace_("default");
  identifier.set_workflow_name("w");
  EXPECT_EQ(Legacy(&LegacyStub::startWorkflowExecution, identifier).data(), "1");
  WatchUntil(1, Runs);
  ai_flow::IdRequest id;
  id.set_id(1);
  const Json running = Json::parse(Legacy(&LegacyStub::getWorkflowExecution, id).data());
  EXPECT_EQ(running["status"], "RUNNING");
  EXPECT_EQ(running["run_type"], "MANUAL");
  EXPECT_EQ(running["end_date"], "0");  // there, though it has no value yet

  ai_flow::TaskExecutionIdentifier task;
  task.set_workflow_execution_id(1);
  task.set_task_name("a");
  const ai_flow::Response alive = Legacy(&LegacyStub::startTaskExecution, task);
  EXPECT_EQ(alive.return_code(), "1003");
  EXPECT_THAT(alive.error_msg(), HasSubstr("Start task execution failed."));
  const ai_flow::Response unfinished = Legacy(&LegacyStub::deleteWorkflowExecution, id);
  EXPECT_EQ(unfinished.error_msg(), "Workflow execution 1 is not finished, cannot be removed.");

  EXPECT_EQ(Legacy(&LegacyStub::stopWorkflowExecution, id).return_code(), "0");
  grpc::ClientContext context;
  v1::GetWorkflowExecutionRequest get;
  get.set_execution_id(1);
  v1::WorkflowExecution stopping;
  ASSERT_TRUE(stub_->GetWorkflowExecution(&context, get, &stopping).ok());
  EXPECT_EQ(stopping.status(), "STOPPING");
  EXPECT_EQ(Json::parse(Legacy(&LegacyStub::getWorkflowExecution, id).data())["status"], "RUNNING");
  EXPECT_EQ(WatchToEnd(1).execution().status(), "STOPPED");
  ai_flow::ListTaskExecutionsRequest list;
  list.set_workflow_execution_id(1);
  const Json tasks = Json::parse(Legacy(&LegacyStub::listTaskExecutions, list).data());
  EXPECT_EQ(tasks["task_executions"][0]["status"], "STOPPED");
  EXPECT_EQ(tasks["task_executions"][0]["try_number"], "1");
  list.set_workflow_execution_id(7);
  EXPECT_EQ(Legacy(&LegacyStub::listTaskExecutions, list).error_msg(),
            "Workflow execution with id: 7 not exists");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowExecution, id).return_code(), "0");
  EXPECT_EQ(Legacy(&LegacyStub::getWorkflowExecution, id).return_code(), "2002");
}

TEST_F(ServerTest, HeartbeatsAreAnswered) {
  const auto stub = ai_flow::HeartbeatService::NewStub(channel_);
  grpc::ClientContext context;
  ai_flow::Response response;
  ASSERT_TRUE(stub->send_heartbeat(&context, {}, &response).ok());
  EXPECT_EQ(response.return_code(), "0");
}

TEST_F(ServerTest, SecondServerOnAHomeIsRefusedWithThePid) {
  const auto second = Open(root_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  EXPECT_THAT(second.error().message(), HasSubstr(std::to_string(getpid())));
}

TEST_F(ServerTest, UsedPortIsNamedWithItsOptionAndTouchesNoHome) {
  const int port = std::stoi(server_->server_uri().substr(server_->server_uri().rfind(':') + 1));
  const fs::path other = root_ / "other";
  const auto second = Open(other, port);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kAlreadyExists);
  EXPECT_THAT(second.error().message(),
              AllOf(HasSubstr(std::to_string(port)), HasSubstr("--rpc-port")));
  EXPECT_FALSE(fs::exists(other));
}

TEST_F(ServerTest, StoppedServerLeavesItsTaskToTheNextOne) {
  ASSERT_TRUE(
      Upload(Spec("w", {Bash("a", "echo run >> runs; until [ -e go ]; do sleep 0.05; done")}))
          .ok());
  const int64_t execution = StartExecution("w");
  const int64_t pid = WatchUntil(execution, Runs).tasks(0).latest(0).pid();
  server_->Stop();
  server_.reset();
  EXPECT_EQ(kill(static_cast<pid_t>(pid), 0), 0);
  Start();
  EXPECT_EQ(WatchUntil(execution, Runs).tasks(0).latest(0).pid(), pid);
  std::ofstream(root_ / "working_dir/default/w" / std::to_string(execution) / "go") << "";
  const v1::WorkflowExecutionView view = WatchToEnd(execution);
  EXPECT_EQ(view.execution().status(), "SUCCESS");
  EXPECT_EQ(view.tasks(0).runs(), 1);
  EXPECT_EQ(fs::file_size(root_ / "working_dir/default/w" / std::to_string(execution) / "runs"),
            4U);
}

TEST_F(ServerTest, ResetIsRefusedWhileATaskRunsAndThenEmptiesTheHome) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "sleep 60")})).ok());
  const int64_t execution = StartExecution("w");
  WatchUntil(execution, Runs);
  EXPECT_EQ(DbReset(root_).error().code(), Code::kFailedPrecondition);  // the server runs
  server_.reset();
  const auto refused = DbReset(root_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message(), HasSubstr("1-0-1-1 (pid "));
  Start();
  EXPECT_EQ(server_->StopTasks(Millis(30'000)), 0);
  server_.reset();
  ASSERT_TRUE(DbReset(root_).has_value());
  Start();
  grpc::ClientContext context;
  v1::ListWorkflowsResponse list;
  ASSERT_TRUE(stub_->ListWorkflows(&context, {}, &list).ok());
  EXPECT_EQ(list.workflows_size(), 0);
}

TEST_F(ServerTest, StopTasksEndsWhatRuns) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "sleep 60")})).ok());
  const int64_t execution = StartExecution("w");
  WatchUntil(execution, Runs);
  EXPECT_EQ(server_->running(), 1);
  EXPECT_EQ(server_->StopTasks(Millis(30'000)), 0);
  EXPECT_EQ(WatchToEnd(execution).execution().status(), "STOPPED");
}

}  // namespace
}  // namespace aiflow::server
