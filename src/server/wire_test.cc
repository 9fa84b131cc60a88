// What clients may do to a whole server through its ports: read their writes, ask, but not forge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "aiflow/v1/event_log.grpc.pb.h"
#include "model/event_keys.h"
#include "notification_service/notification_service.grpc.pb.h"
#include "server/server_test_world.h"

namespace aiflow::server {
namespace {

namespace ns = notification_service;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class WireTest : public ServerTest {
 protected:
  WireTest() { Connect(); }

  void Connect() {
    log_channel_ =
        grpc::CreateChannel(server_->notification_uri(), grpc::InsecureChannelCredentials());
    log_ = ns::NotificationService::NewStub(log_channel_);
  }

  ns::SendEventsResponse Send(const std::string& key, const std::string& value,
                              const std::string& context = "", const std::string& uuid = "",
                              const std::string& name_space = "default") {
    ns::SendEventRequest request;
    request.mutable_event()->set_key(key);
    request.mutable_event()->set_value(value);
    request.mutable_event()->set_context(context);
    request.mutable_event()->set_namespace_(name_space);
    request.set_uuid(uuid);
    request.set_enable_idempotence(true);
    grpc::ClientContext call;
    ns::SendEventsResponse response;
    const grpc::Status status = log_->sendEvent(&call, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  ns::SendEventsResponse Ask(const std::string& value, const Json& context) {
    return Send(std::string(kSchedulingEventKey), value, context.dump());
  }
  /// The error of publishing over the current API; empty when it was stored.
  std::string PublishError(const std::string& key, const std::string& value) {
    grpc::ClientContext call;
    const auto stream = v1::EventLog::NewStub(log_channel_)->Publish(&call);
    v1::PublishRequest request;
    request.mutable_event()->set_key(key);
    request.mutable_event()->set_value(value);
    request.mutable_event()->set_namespace_("default");
    request.mutable_event()->set_kind("TASK_STATUS");
    EXPECT_TRUE(stream->Write(request));
    stream->WritesDone();
    v1::PublishResponse response;
    EXPECT_TRUE(stream->Read(&response));
    EXPECT_TRUE(stream->Finish().ok());
    return response.error();
  }
  std::vector<std::string> ListedValues() {
    grpc::ClientContext call;
    ns::ListEventsResponse response;
    EXPECT_TRUE(log_->listEvents(&call, {}, &response).ok());
    std::vector<std::string> values;
    for (const ns::EventProto& event : response.events()) values.push_back(event.value());
    return values;
  }

  /// Waits for an event with the key.
  void AwaitEvent(const std::string& key) {
    grpc::ClientContext call;
    ns::ListEventsRequest request;
    request.set_key(key);
    request.set_timeout_seconds(60);
    ns::ListEventsResponse response;
    EXPECT_TRUE(log_->listEvents(&call, request, &response).ok());
    EXPECT_GT(response.events_size(), 0) << "no event " << key;
  }

  v1::WorkflowExecution Get(int64_t execution) {
    grpc::ClientContext call;
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(execution);
    v1::WorkflowExecution found;
    const grpc::Status status = stub_->GetWorkflowExecution(&call, request, &found);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return found;
  }
  fs::path WorkingDir(int64_t execution) {
    return root_ / "working_dir/default/w" / std::to_string(execution);
  }
  void Release(int64_t execution, const std::string& file) {
    std::ofstream(WorkingDir(execution) / file) << "";
  }
  static auto Reaches(int task, const std::string& status) {
    return [task, status](const v1::WorkflowExecutionView& view) {
      const auto& latest = view.tasks(task).latest();
      return !latest.empty() && latest[0].status() == status;
    };
  }
  /// A bash task that runs until somebody releases `file`.
  static Json Until(const std::string& name, const std::string& file,
                    const Json& rules = Json::array()) {
    return Bash(name, "until [ -e " + file + " ]; do sleep 0.02; done", rules);
  }

  std::shared_ptr<grpc::Channel> log_channel_;
  std::unique_ptr<ns::NotificationService::Stub> log_;
};

TEST_F(WireTest, Rule03WhoeverHasAnAnswerReadsItsEffect) {
  const Json spec = Spec("w", {Until("a", "go")});
  ASSERT_TRUE(Upload(spec).ok());
  v1::GetWorkflowRequest named;
  named.set_namespace_("default");
  named.set_name("w");
  const auto workflow = [&] {
    grpc::ClientContext call;
    v1::Workflow found;
    EXPECT_TRUE(stub_->GetWorkflow(&call, named, &found).ok());
    return found;
  };
  const auto request = [&](auto method, auto message) {
    grpc::ClientContext call;
    v1::Empty empty;
    return (stub_.get()->*method)(&call, message, &empty);
  };
  v1::WorkflowRequest flow;
  flow.set_namespace_("default");
  flow.set_name("w");
  for (int64_t i = 1; i <= 10; ++i) {
    ASSERT_TRUE(Upload(spec).ok());
    EXPECT_EQ(workflow().latest_snapshot_id(), i + 1);
    ASSERT_TRUE(request(&v1::Orchestrator::Stub::DisableWorkflow, flow).ok());
    EXPECT_FALSE(workflow().enabled());
    ASSERT_TRUE(request(&v1::Orchestrator::Stub::EnableWorkflow, flow).ok());
    EXPECT_TRUE(workflow().enabled());
    EXPECT_EQ(Get(StartExecution("w")).status(), "RUNNING");
    v1::WorkflowExecutionRequest execution;
    execution.set_execution_id(i);
    ASSERT_TRUE(request(&v1::Orchestrator::Stub::StopWorkflowExecution, execution).ok());
    EXPECT_THAT(Get(i).status(), testing::AnyOf("STOPPING", "STOPPED"));
    WatchToEnd(i);
    ASSERT_TRUE(request(&v1::Orchestrator::Stub::DeleteWorkflowExecution, execution).ok());
    EXPECT_EQ(request(&v1::Orchestrator::Stub::StopWorkflowExecution, execution).error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
}

TEST_F(WireTest, ADeletedExecutionIsAsUnknownAsOneThatNeverWas) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "true")})).ok());
  WatchToEnd(StartExecution("w"));
  ai_flow::IdRequest id;
  id.set_id(1);
  EXPECT_EQ(Legacy(&LegacyStub::stopWorkflowExecution, id).return_code(), "0") << "finished: no-op";
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowExecution, id).return_code(), "0");
  for (const int64_t unknown : {1, 77}) {
    id.set_id(unknown);
    const std::string text = "Workflow execution " + std::to_string(unknown) + " not exists";
    EXPECT_EQ(Legacy(&LegacyStub::stopWorkflowExecution, id).return_code(), "2002");
    EXPECT_EQ(Legacy(&LegacyStub::stopWorkflowExecution, id).error_msg(), text);
    EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowExecution, id).return_code(), "2002");
    EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowExecution, id).error_msg(), text);
  }
}

TEST_F(WireTest, Rule04AUuidIsOfItsNamespace) {
  EXPECT_EQ(Send("k", "v", "", "u", "default").return_msg(), "");
  EXPECT_EQ(Send("k", "v", "", "u", "team").return_msg(), "");
  EXPECT_THAT(Send("k", "v", "", "u", "team").return_msg(), HasSubstr("already exists"));
}

TEST_F(WireTest, Rule06NoClientCanForgeTheStatusOfATask) {
  const Json b = {{"action", "START"},
                  {"condition",
                   {{"type", "task_status"},
                    {"namespace", "default"},
                    {"workflow", "w"},
                    {"task", "a"},
                    {"status", "SUCCESS"}}}};
  ASSERT_TRUE(Upload(Spec("w", {Until("a", "go"), Bash("b", "true", Json::array({b}))})).ok());
  const int64_t execution = StartExecution("w");
  WatchUntil(execution, Reaches(0, "RUNNING"));
  const std::string changed = "[task_status_change].default.w.a";
  AwaitEvent(changed);  // all is in the log that will be until the task ends
  const size_t before = ListedValues().size();

  const Json status = {{"workflow_execution_id", execution},
                       {"task_name", "a"},
                       {"sequence_number", 1},
                       {"try_number", 1},
                       {"task", 0},
                       {"task_status", "SUCCESS"}};
  for (const char* value :
       {"TASK_STATUS", "TASK_HEARTBEAT_TIMEOUT", "PERIODIC_RUN_TASK", "PERIODIC_RUN_WORKFLOW",
        "DELETE_WORKFLOW", "UPLOAD_WORKFLOW", "ANYTHING_ELSE", ""}) {
    const ns::SendEventsResponse refused = Ask(value, status);
    EXPECT_EQ(refused.return_code(), ns::ERROR) << value;
    EXPECT_NE(refused.return_msg(), "") << value;
    EXPECT_NE(PublishError(std::string(kSchedulingEventKey), value), "") << value;
  }
  EXPECT_EQ(Send(changed, "TASK_STATUS_CHANGED", status.dump()).return_code(), ns::ERROR);
  EXPECT_NE(PublishError(changed, "TASK_STATUS_CHANGED"), "");
  EXPECT_EQ(ListedValues().size(), before) << "what is refused is not in the log";

  // A kind or an id that looks like the engine's makes an ordinary event and hides no report.
  EXPECT_EQ(PublishError("k", "v"), "");
  for (const char* reported : {"RUNNING", "SUCCESS"}) {
    EXPECT_EQ(
        Send("k", "v", status.dump(), "i/report/1-0-1-1/" + std::string(reported)).return_msg(),
        "");
  }
  v1::WorkflowExecutionView view = WatchUntil(execution, [](const auto&) { return true; });
  EXPECT_EQ(view.tasks(0).latest(0).status(), "RUNNING");
  EXPECT_EQ(view.tasks(1).runs(), 0);
  Release(execution, "go");
  view = WatchToEnd(execution);
  EXPECT_EQ(view.execution().status(), "SUCCESS");
  EXPECT_EQ(view.tasks(1).runs(), 1);
}

TEST_F(WireTest, Rule06StartRestartAndStopRequestsOfClientsAreCarriedOut) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("keep", "sleep 60"),
                                Bash("x", "sleep 60", Json::array({StartOnEvent("never")}))}))
                  .ok());
  ASSERT_EQ(Ask("START_WORKFLOW_EXECUTION", {{"workflow_id", 1}, {"workflow_snapshot_id", 1}})
                .return_code(),
            ns::SUCCESS);
  // The answer to an event is its place in the log; a request after it is decided after it.
  v1::TaskRequest ghost;
  ghost.set_execution_id(1);
  ghost.set_task_name("x");
  grpc::ClientContext call;
  v1::StopTaskExecutionResponse stopped;
  ASSERT_TRUE(stub_->StopTaskExecution(&call, ghost, &stopped).ok());
  EXPECT_EQ(stopped.message(), "nothing to stop");

  const Json x = {{"workflow_execution_id", 1}, {"task_name", "x"}};
  EXPECT_EQ(Ask("START_TASK_EXECUTION", x).return_code(), ns::SUCCESS);
  const auto running = WatchUntil(1, Reaches(1, "RUNNING"));
  EXPECT_EQ(Ask("RESTART_TASK_EXECUTION", x).return_code(), ns::SUCCESS);
  const auto again = WatchUntil(1, [](const v1::WorkflowExecutionView& view) {
    return view.tasks(1).runs() == 2 && view.tasks(1).latest(0).sequence_number() == 2 &&
           view.tasks(1).latest(0).status() == "RUNNING";
  });
  EXPECT_EQ(Ask("STOP_TASK_EXECUTION", {{"workflow_execution_id", 1},
                                        {"task_execution_id", again.tasks(1).latest(0).id()}})
                .return_code(),
            ns::SUCCESS);
  WatchUntil(1, Reaches(1, "STOPPED"));
  EXPECT_EQ(Ask("STOP_WORKFLOW_EXECUTION", {{"workflow_execution_id", 1}}).return_code(),
            ns::SUCCESS);
  EXPECT_EQ(WatchToEnd(1).execution().status(), "STOPPED");
}

TEST_F(WireTest, EventsOfTheConstantAndTheEmptyNamespaceAreThoseOfDefault) {
  const auto runs_after = [this](const std::string& name_space, const std::string& key) {
    const int64_t execution = StartExecution("w");
    const ns::SendEventsResponse sent = Send(key, "v", "", "", name_space);
    EXPECT_EQ(sent.event().namespace_(), name_space) << "stored as it was sent";
    return WatchToEnd(execution).tasks(0).runs();
  };
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "true", Json::array({StartOnEvent("go")}))})).ok());
  EXPECT_EQ(runs_after("DEFAULT", "go"), 1);
  EXPECT_EQ(runs_after("", "go"), 1);
}

TEST_F(WireTest, Rule09AStartTooManyIsDroppedForAllToSee) {
  Json task = Until("a", "go", Json::array({StartOnEvent("go")}));
  task["on_alive"] = "queue";
  task["max_pending_starts"] = 1;
  ASSERT_TRUE(Upload(Spec("w", {task})).ok());
  const int64_t execution = StartExecution("w");
  Send("go", "1");
  Send("go", "2");
  const int64_t dropped = Send("go", "3").event().offset();
  v1::TaskRequest start;
  start.set_execution_id(execution);
  start.set_task_name("a");
  grpc::ClientContext start_call;
  v1::StartTaskExecutionResponse started;
  const grpc::Status full = stub_->StartTaskExecution(&start_call, start, &started);
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << full.error_message();

  v1::ExplainRequest request;
  request.set_execution_id(execution);
  grpc::ClientContext call;
  v1::ExplainResponse why;
  ASSERT_TRUE(stub_->Explain(&call, request, &why).ok());
  std::vector<std::string> kinds;
  std::vector<int64_t> offsets;
  for (const v1::CauseRecord& cause : why.tasks(0).causes()) {
    kinds.push_back(cause.kind());
    offsets.push_back(cause.offset());
  }
  EXPECT_THAT(kinds, ElementsAre("STARTED", "QUEUED", "DROPPED", "DROPPED"));
  EXPECT_EQ(offsets[2], dropped);
  EXPECT_THAT(why.tasks(0).causes(2).text(), HasSubstr("max_pending_starts"));
  WatchUntil(execution, Reaches(0, "RUNNING"));
  Release(execution, "go");
  EXPECT_EQ(WatchToEnd(execution).tasks(0).runs(), 2);
}

TEST_F(WireTest, Rule28ARepeatedRequestGetsItsFirstAnswerAlsoFromTheNextServer) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "sleep 60")})).ok());
  const int64_t first = StartExecution("w", "mine");
  server_.reset();
  Start();
  Connect();
  EXPECT_EQ(StartExecution("w", "mine"), first);
  v1::ListWorkflowExecutionsRequest list;
  list.set_namespace_("default");
  list.set_name("w");
  grpc::ClientContext list_call;
  v1::ListWorkflowExecutionsResponse listed;
  ASSERT_TRUE(stub_->ListWorkflowExecutions(&list_call, list, &listed).ok());
  EXPECT_EQ(listed.executions_size(), 1);
  v1::WorkflowExecutionRequest other;
  other.set_execution_id(first);
  other.set_request_id("mine");
  grpc::ClientContext call;
  v1::Empty empty;
  EXPECT_EQ(stub_->StopWorkflowExecution(&call, other, &empty).error_code(),
            grpc::StatusCode::ALREADY_EXISTS)
      << "one id for two requests";
  EXPECT_EQ(server_->StopTasks(Millis(30'000)), 0);
}

TEST_F(WireTest, Rule31ARunningExecutionStaysOnTheUploadItStartedWith) {
  const auto flow = [](const std::string& version) {
    return std::vector{Until("a", "go"),
                       Bash("b", "echo " + version, Json::array({StartOnEvent("next")}))};
  };
  ASSERT_TRUE(Upload(Spec("w", flow("old"))).ok());
  const int64_t before = StartExecution("w");
  WatchUntil(before, Reaches(0, "RUNNING"));
  std::vector<Json> changed = flow("new");
  changed.push_back(Bash("c", "true"));
  changed[1]["rules"] = Json::array({StartOnEvent("renamed")});
  ASSERT_TRUE(Upload(Spec("w", changed)).ok());
  const int64_t after = StartExecution("w");

  Send("next", "");     // of the old rules
  Send("renamed", "");  // of the new ones
  Release(before, "go");
  WatchUntil(after, Reaches(0, "RUNNING"));
  Release(after, "go");
  const v1::WorkflowExecutionView old_view = WatchToEnd(before);
  EXPECT_EQ(old_view.execution().status(), "SUCCESS");
  EXPECT_EQ(old_view.execution().snapshot_id(), 1);
  EXPECT_EQ(old_view.tasks_size(), 2);
  EXPECT_EQ(ReadLog(before, "b", false).first, "old\n");
  EXPECT_EQ(WatchToEnd(after).tasks_size(), 3);
  EXPECT_EQ(ReadLog(after, "b", false).first, "new\n");
}

TEST_F(WireTest, ADisabledWorkflowStartsNothingNewAndLeavesWhatRuns) {
  ASSERT_TRUE(
      Upload(Spec("w", {Until("a", "go"), Bash("b", "true", Json::array({StartOnEvent("next")}))}))
          .ok());
  const int64_t execution = StartExecution("w");
  ai_flow::WorkflowIdentifier flow;
  flow.set_namespace_("default");
  flow.set_workflow_name("w");
  EXPECT_EQ(Legacy(&LegacyStub::disableWorkflow, flow).return_code(), "0");
  const ai_flow::Response refused = Legacy(&LegacyStub::startWorkflowExecution, flow);
  EXPECT_EQ(refused.return_code(), "1003");
  EXPECT_THAT(refused.error_msg(), HasSubstr("disabled"));
  Send("next", "");
  WatchUntil(execution, Reaches(0, "RUNNING"));
  Release(execution, "go");
  EXPECT_EQ(WatchToEnd(execution).execution().status(), "SUCCESS");
}

TEST_F(WireTest, TheEnginesOwnRequestsAreHiddenFromOldLists) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("a", "true")})).ok());
  WatchToEnd(StartExecution("w"));
  Send("k", "mine");
  const std::vector<std::string> values = ListedValues();
  EXPECT_THAT(values, Each(Not(HasSubstr("UPLOAD"))));
  EXPECT_THAT(values, UnorderedElementsAre("TASK_STATUS", "TASK_STATUS_CHANGED", "TASK_STATUS",
                                           "TASK_STATUS_CHANGED", "mine"));
}

}  // namespace
}  // namespace aiflow::server
