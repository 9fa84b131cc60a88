// Schedules, triggers, pools, snapshots, parameters and repair through the ports of a whole server,
// over the current and the frozen calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "notification_service/notification_service.grpc.pb.h"
#include "server/server_test_world.h"

namespace aiflow::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Stub = v1::Orchestrator::Stub;
constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
constexpr auto kMissing = grpc::StatusCode::NOT_FOUND;

// Once a year: nothing comes due during a test.
constexpr char kYearly[] = "cron@0 0 1 1 *";

class SchedulingApiTest : public ServerTest {
 protected:
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    return (stub_.get()->*method)(&context, request, response);
  }
  /// The same for calls that must succeed.
  template <typename Request, typename Response>
  Response Do(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  template <typename Request, typename Response>
  void ExpectRefusal(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                     const Request& request, grpc::StatusCode code, const std::string& text) {
    Response response;
    const grpc::Status status = Call(method, request, &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(text));
  }

  /// Until an execution that an event starts is there.
  void WaitForExecution(int64_t id) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(id);
    v1::WorkflowExecution found;
    while (!Call(&Stub::GetWorkflowExecution, request, &found).ok()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "execution " << id << " is not started";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  static Json SpecWithParams() {
    Json spec = Spec("w", {Bash("t", "echo $AIFLOW_PARAM_DAY")});
    spec["version"] = 2;
    spec["params"] = {{{"name", "day"}, {"type", "string"}},
                      {{"name", "rows"}, {"type", "integer"}, {"default", 5}}};
    return spec;
  }
  v1::WorkflowSchedule AddSchedule(const std::string& expression,
                                   const std::string& timezone = "") {
    v1::AddWorkflowScheduleRequest request;
    request.set_namespace_("default");
    request.set_name("w");
    request.set_expression(expression);
    request.set_timezone(timezone);
    return Do(&Stub::AddWorkflowSchedule, request);
  }
  v1::WorkflowTrigger AddTrigger(const std::string& key, const std::string& params = "") {
    v1::AddWorkflowTriggerRequest request;
    request.set_namespace_("default");
    request.set_name("w");
    request.set_condition_json(Json({{"type", "event"}, {"key", key}}).dump());
    request.set_params_json(params);
    return Do(&Stub::AddWorkflowTrigger, request);
  }
  void Send(const std::string& key, const std::string& value) {
    const auto channel =
        grpc::CreateChannel(server_->notification_uri(), grpc::InsecureChannelCredentials());
    notification_service::SendEventRequest request;
    request.mutable_event()->set_key(key);
    request.mutable_event()->set_value(value);
    request.mutable_event()->set_namespace_("default");
    notification_service::SendEventsResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(notification_service::NotificationService::NewStub(channel)
                    ->sendEvent(&context, request, &response)
                    .ok());
  }
  v1::WorkflowExecution Execution(int64_t id) {
    v1::GetWorkflowExecutionRequest request;
    request.set_execution_id(id);
    return Do(&Stub::GetWorkflowExecution, request);
  }
  static v1::WorkflowRequest Workflow(const std::string& name) {
    v1::WorkflowRequest request;
    request.set_namespace_("default");
    request.set_name(name);
    return request;
  }
};

TEST_F(SchedulingApiTest, StartCompletesAndChecksParameters) {
  ASSERT_TRUE(Upload(SpecWithParams()).ok());
  v1::StartWorkflowExecutionRequest start;
  start.set_namespace_("default");
  start.set_name("w");
  ExpectRefusal(&Stub::StartWorkflowExecution, start, kInvalid, "day");
  start.set_params_json(R"({"day": 7})");
  ExpectRefusal(&Stub::StartWorkflowExecution, start, kInvalid, "day");
  start.set_params_json(R"({"day": "x", "other": 1})");
  ExpectRefusal(&Stub::StartWorkflowExecution, start, kInvalid, "other");
  start.set_params_json(std::string(70'000, ' '));
  ExpectRefusal(&Stub::StartWorkflowExecution, start, kInvalid, "kMaxParamsBytes");
  start.set_params_json(R"({"day": "monday"})");
  const int64_t id = Do(&Stub::StartWorkflowExecution, start).execution_id();
  EXPECT_EQ(Json::parse(Execution(id).params_json()), Json({{"day", "monday"}, {"rows", 5}}));
  EXPECT_EQ(WatchToEnd(id).execution().status(), "SUCCESS");
}

TEST_F(SchedulingApiTest, SchedulesAreAddedPausedResumedAndDeleted) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  const v1::WorkflowSchedule added = AddSchedule(kYearly, "Europe/Berlin");
  EXPECT_EQ(added.expression(), kYearly);
  EXPECT_EQ(added.timezone(), "Europe/Berlin");
  EXPECT_EQ(added.catchup(), "one");
  EXPECT_GT(added.next_due(), added.create_time());
  v1::WorkflowScheduleRequest one;
  one.set_schedule_id(added.id());
  v1::GetWorkflowScheduleRequest get;
  get.set_schedule_id(added.id());
  for (int twice = 0; twice < 2; ++twice) {
    Do(&Stub::PauseWorkflowSchedule, one);
    EXPECT_TRUE(Do(&Stub::GetWorkflowSchedule, get).paused());
    EXPECT_EQ(Do(&Stub::GetWorkflowSchedule, get).next_due(), 0);
  }
  Do(&Stub::ResumeWorkflowSchedule, one);
  EXPECT_EQ(Do(&Stub::GetWorkflowSchedule, get).next_due(), added.next_due());
  AddSchedule("interval@1 0 0 0");
  v1::ListWorkflowSchedulesRequest list;
  list.set_namespace_("default");
  list.set_name("w");
  list.set_page_size(1);
  v1::ListWorkflowSchedulesResponse page = Do(&Stub::ListWorkflowSchedules, list);
  ASSERT_EQ(page.schedules_size(), 1);
  list.set_page_token(page.next_page_token());
  page = Do(&Stub::ListWorkflowSchedules, list);
  EXPECT_EQ(page.schedules(0).id(), added.id() + 1);
  EXPECT_EQ(page.next_page_token(), "");
  Do(&Stub::DeleteWorkflowSchedule, one);
  ExpectRefusal(&Stub::GetWorkflowSchedule, get, kMissing, "Workflow schedule 1 not exists");
  ExpectRefusal(&Stub::DeleteWorkflowSchedule, one, kMissing, "Workflow schedule 1 not exists");
  EXPECT_EQ(Do(&Stub::DeleteWorkflowSchedules, Workflow("w")).deleted(), 1);
}

TEST_F(SchedulingApiTest, SchedulesThatCanNeverBeAreRefused) {
  ASSERT_TRUE(Upload(SpecWithParams()).ok());
  v1::AddWorkflowScheduleRequest request;
  request.set_namespace_("default");
  request.set_name("ghost");
  request.set_expression(kYearly);
  ExpectRefusal(&Stub::AddWorkflowSchedule, request, kMissing, "ghost");
  request.set_name("w");
  ExpectRefusal(&Stub::AddWorkflowSchedule, request, kInvalid, "day");
  request.set_params_json(R"({"day": "x"})");
  request.set_catchup("some");
  ExpectRefusal(&Stub::AddWorkflowSchedule, request, kInvalid, "none, one or all");
  request.set_catchup("all");
  request.set_expression("cron@0 0 30 2 *");
  ExpectRefusal(&Stub::AddWorkflowSchedule, request, kInvalid, "");
  request.set_expression(kYearly);
  request.set_timezone("Europe/Berln");
  ExpectRefusal(&Stub::AddWorkflowSchedule, request, kInvalid, "Europe/Berln");
  request.set_expression(std::string(2000, 'x'));
  ExpectRefusal(&Stub::AddWorkflowSchedule, request, kInvalid, "kMaxExpressionBytes");
}

TEST_F(SchedulingApiTest, ARepeatedRequestAddsOneSchedule) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  v1::AddWorkflowScheduleRequest request;
  request.set_namespace_("default");
  request.set_name("w");
  request.set_expression(kYearly);
  request.set_request_id("r1");
  const int64_t id = Do(&Stub::AddWorkflowSchedule, request).id();
  EXPECT_EQ(Do(&Stub::AddWorkflowSchedule, request).id(), id);
}

TEST_F(SchedulingApiTest, BackfillCountsWithoutStartingThenStartsEachDueTimeOnce) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "echo $AIFLOW_DUE_TIME")})).ok());
  v1::BackfillWorkflowRequest request;
  request.set_namespace_("default");
  request.set_name("w");
  request.set_expression("cron@0 0 * * *");
  request.set_from_time(1'769'817'600'000);  // 2026-01-31
  request.set_to_time(request.from_time() + 2 * 24 * 3600 * 1000);
  request.set_dry_run(true);
  v1::BackfillWorkflowResponse done = Do(&Stub::BackfillWorkflow, request);
  EXPECT_EQ(done.started(), 2);
  EXPECT_THAT(done.due_times(), ElementsAre(request.from_time(), request.from_time() + 86'400'000));
  EXPECT_EQ(done.execution_ids_size(), 0);
  request.set_dry_run(false);
  done = Do(&Stub::BackfillWorkflow, request);
  ASSERT_EQ(done.execution_ids_size(), 2);
  const v1::WorkflowExecution execution = WatchToEnd(done.execution_ids(0)).execution();
  EXPECT_EQ(execution.run_type(), "PERIODIC");
  EXPECT_EQ(execution.due_time(), request.from_time());
  EXPECT_EQ(Do(&Stub::BackfillWorkflow, request).started(), 0);
  WatchToEnd(done.execution_ids(1));
  request.set_schedule_id(1);
  ExpectRefusal(&Stub::BackfillWorkflow, request, kInvalid, "not both");
}

TEST_F(SchedulingApiTest, ATriggerStartsAnExecutionWithParametersOfItsEvent) {
  ASSERT_TRUE(Upload(SpecWithParams()).ok());
  const v1::WorkflowTrigger added =
      AddTrigger("new_day", R"({"day": {"field": "value"}, "rows": {"value": 9}})");
  EXPECT_EQ(Json::parse(added.condition_json())["key"], "new_day");
  Send("new_day", "tuesday");
  WaitForExecution(1);
  const v1::WorkflowExecution execution = WatchToEnd(1).execution();
  EXPECT_EQ(execution.run_type(), "EVENT");
  EXPECT_EQ(execution.source_id(), added.id());
  EXPECT_EQ(Json::parse(execution.params_json()), Json({{"day", "tuesday"}, {"rows", 9}}));
  v1::WorkflowTriggerRequest one;
  one.set_trigger_id(added.id());
  Do(&Stub::PauseWorkflowTrigger, one);
  v1::ListWorkflowTriggersRequest list;
  list.set_namespace_("default");
  list.set_name("w");
  EXPECT_TRUE(Do(&Stub::ListWorkflowTriggers, list).triggers(0).paused());
  Do(&Stub::ResumeWorkflowTrigger, one);
  Do(&Stub::DeleteWorkflowTrigger, one);
  ExpectRefusal(&Stub::ResumeWorkflowTrigger, one, kMissing, "Workflow trigger 1 not exists");
}

TEST_F(SchedulingApiTest, TriggersThatCannotFireAreRefused) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  v1::AddWorkflowTriggerRequest request;
  request.set_namespace_("default");
  request.set_name("w");
  request.set_condition_json(R"({"type": "evnt"})");
  ExpectRefusal(&Stub::AddWorkflowTrigger, request, kInvalid, "evnt");
  request.set_condition_json(R"({"type": "event", "key": "k"})");
  request.set_params_json(R"({"day": {"field": "value"}})");
  ExpectRefusal(&Stub::AddWorkflowTrigger, request, kInvalid, "day");
  request.set_condition_json(std::string(70'000, ' '));
  ExpectRefusal(&Stub::AddWorkflowTrigger, request, kInvalid, "kMaxTriggerBytes");
}

TEST_F(SchedulingApiTest, PoolsTellTheirUse) {
  v1::SetPoolRequest set;
  set.set_name("gpu");
  set.set_slots(1);
  Do(&Stub::SetPool, set);
  Json spec = Spec("w", {Bash("a", "sleep 60"), Bash("b", "sleep 60")});
  spec["version"] = 2;
  for (Json& task : spec["tasks"]) task["pool"] = "gpu";
  ASSERT_TRUE(Upload(spec).ok());
  const v1::WorkflowExecutionView view = WatchUntil(StartExecution("w"), Runs);
  EXPECT_THAT(view.tasks(1).latest(0).waits_for(), StartsWith("a slot"));
  const v1::ListPoolsResponse pools = Do(&Stub::ListPools, v1::ListPoolsRequest());
  const auto gpu = std::find_if(pools.pools().begin(), pools.pools().end(),
                                [](const v1::Pool& pool) { return pool.name() == "gpu"; });
  ASSERT_NE(gpu, pools.pools().end());
  EXPECT_EQ(gpu->slots(), 1);
  EXPECT_EQ(gpu->slots_in_use(), 1);
  EXPECT_EQ(gpu->waiting(), 1);
  EXPECT_EQ(server_->StopTasks(Millis(30'000)), 0);
}

TEST_F(SchedulingApiTest, SnapshotsAreListedShownAndDeleted) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "echo 1")})).ok());
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "echo 2")})).ok());
  v1::ListWorkflowSnapshotsRequest list;
  list.set_namespace_("default");
  list.set_name("w");
  const v1::ListWorkflowSnapshotsResponse snapshots = Do(&Stub::ListWorkflowSnapshots, list);
  ASSERT_EQ(snapshots.snapshots_size(), 2);
  EXPECT_FALSE(snapshots.snapshots(0).latest());
  EXPECT_TRUE(snapshots.snapshots(1).latest());
  EXPECT_EQ(snapshots.snapshots(0).spec_json(), "");
  v1::GetWorkflowSnapshotRequest get;
  get.set_snapshot_id(1);
  EXPECT_EQ(Json::parse(Do(&Stub::GetWorkflowSnapshot, get).spec_json())["tasks"][0]["command"],
            "echo 1");
  v1::WorkflowSnapshotRequest one;
  one.set_snapshot_id(1);
  Do(&Stub::DeleteWorkflowSnapshot, one);
  ExpectRefusal(&Stub::GetWorkflowSnapshot, get, kMissing, "Workflow snapshot 1 not exists");
}

TEST_F(SchedulingApiTest, AFailedTaskIsRunAgainOrMarkedByHand) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "[ -e go ]")})).ok());
  const int64_t id = StartExecution("w");
  EXPECT_EQ(WatchToEnd(id).execution().status(), "FAILED");
  v1::RerunTasksRequest rerun;
  rerun.set_execution_id(id);
  EXPECT_EQ(Do(&Stub::RerunTasks, rerun).started(), 1);
  EXPECT_EQ(WatchToEnd(id).tasks(0).runs(), 2);
  v1::MarkTaskRequest mark;
  mark.set_execution_id(id);
  mark.set_task_name("t");
  mark.set_status("DONE");
  ExpectRefusal(&Stub::MarkTask, mark, kInvalid, "DONE");
  mark.set_status("SUCCESS");
  mark.set_note("seen to");
  Do(&Stub::MarkTask, mark);
  EXPECT_EQ(WatchToEnd(id).execution().status(), "SUCCESS");
  v1::ExplainRequest explain;
  explain.set_execution_id(id);
  const v1::ExplainResponse explained = Do(&Stub::Explain, explain);
  std::vector<std::string> kinds;
  for (const v1::CauseRecord& cause : explained.tasks(0).causes()) kinds.push_back(cause.kind());
  EXPECT_THAT(kinds, testing::Contains("MARKED"));
  EXPECT_GT(explained.causes_size(), 0);  // it was reopened
}

TEST_F(SchedulingApiTest, FailedEventsThatAreNotThereAreNamed) {
  EXPECT_EQ(Do(&Stub::ListFailedEvents, v1::ListFailedEventsRequest()).failed_events_size(), 0);
  v1::FailedEventRequest one;
  one.set_failed_event_id(7);
  ExpectRefusal(&Stub::RetryFailedEvent, one, kMissing, "7");
  ExpectRefusal(&Stub::DropFailedEvent, one, kMissing, "7");
}

TEST_F(SchedulingApiTest, LegacySchedulesHaveTheirCodesAndTexts) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  ai_flow::WorkflowScheduleProto add;
  add.set_workflow_id(9);
  add.mutable_expression()->set_value(kYearly);
  const ai_flow::Response unknown = Legacy(&LegacyStub::addWorkflowSchedule, add);
  EXPECT_EQ(unknown.return_code(), "1000");
  EXPECT_EQ(unknown.error_msg(), "Workflow with id: 9 not exists");
  add.set_workflow_id(1);
  add.mutable_expression()->set_value("cron@nonsense");
  EXPECT_EQ(Legacy(&LegacyStub::addWorkflowSchedule, add).return_code(), "1000");
  add.mutable_expression()->set_value(kYearly);
  const ai_flow::Response added = Legacy(&LegacyStub::addWorkflowSchedule, add);
  ASSERT_EQ(added.return_code(), "0") << added.error_msg();
  Json schedule = Json::parse(added.data());
  EXPECT_TRUE(schedule.contains("create_time"));
  schedule.erase("create_time");
  EXPECT_EQ(schedule, Json({{"uuid", "1"}, {"workflow_id", "1"}, {"expression", kYearly}}));

  ai_flow::IdRequest id;
  id.set_id(1);
  EXPECT_EQ(Legacy(&LegacyStub::pauseWorkflowSchedule, id).return_code(), "0");
  EXPECT_TRUE(Json::parse(Legacy(&LegacyStub::getWorkflowSchedule, id).data())["is_paused"]);
  EXPECT_EQ(Legacy(&LegacyStub::resumeWorkflowSchedule, id).return_code(), "0");
  ai_flow::ListWorkflowItemsRequest list;
  list.set_namespace_("default");
  list.set_workflow_name("w");
  const Json listed = Json::parse(Legacy(&LegacyStub::listWorkflowSchedules, list).data());
  EXPECT_EQ(listed["workflow_schedules"][0]["uuid"], "1");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowSchedule, id).return_code(), "0");
  const ai_flow::Response gone = Legacy(&LegacyStub::deleteWorkflowSchedule, id);
  EXPECT_EQ(gone.return_code(), "2002");
  EXPECT_EQ(gone.error_msg(), "Workflow schedule 1 not exists");
  EXPECT_EQ(Legacy(&LegacyStub::getWorkflowSchedule, id).error_msg(), "resource_does_not_exist");
  EXPECT_EQ(Legacy(&LegacyStub::listWorkflowSchedules, list).return_code(), "2002");
  list.set_workflow_name("ghost");
  const ai_flow::Response no_parent = Legacy(&LegacyStub::listWorkflowSchedules, list);
  EXPECT_EQ(no_parent.return_code(), "1000");
  EXPECT_EQ(no_parent.error_msg(), "Workflow default.ghost not exists");
  ai_flow::WorkflowIdentifier all;
  all.set_namespace_("default");
  all.set_workflow_name("w");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowSchedules, all).return_code(), "0");
}

TEST_F(SchedulingApiTest, ALegacyTriggerWithoutASpecificationIsRefusedWithTheReason) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  ai_flow::WorkflowTriggerProto add;
  add.set_workflow_id(1);
  add.set_rule("\x80\x04pickled");
  const ai_flow::Response refused = Legacy(&LegacyStub::addWorkflowTrigger, add);
  EXPECT_EQ(refused.return_code(), "1003");
  EXPECT_THAT(refused.error_msg(), HasSubstr("compiled"));
  add.set_workflow_id(9);
  EXPECT_EQ(Legacy(&LegacyStub::addWorkflowTrigger, add).return_code(), "1000");
}

TEST_F(SchedulingApiTest, LegacyTriggersShowTheirPickledRuleByteForByte) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  v1::AddWorkflowTriggerRequest request;
  request.set_namespace_("default");
  request.set_name("w");
  request.set_condition_json(R"({"type": "event", "key": "k"})");
  request.set_pickled_rule(std::string("\x80\x04\x00\xff", 4));
  Do(&Stub::AddWorkflowTrigger, request);
  ai_flow::IdRequest id;
  id.set_id(1);
  EXPECT_EQ(Legacy(&LegacyStub::pauseWorkflowTrigger, id).return_code(), "0");
  const Json trigger = Json::parse(Legacy(&LegacyStub::getWorkflowTrigger, id).data());
  EXPECT_EQ(trigger["rule"], "gAQA/w==");
  EXPECT_TRUE(trigger["is_paused"]);
  EXPECT_TRUE(trigger.contains("create_time"));
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowTrigger, id).return_code(), "0");
  EXPECT_EQ(Legacy(&LegacyStub::pauseWorkflowTrigger, id).error_msg(),
            "Workflow trigger 1 not exists");
}

TEST_F(SchedulingApiTest, LegacySnapshotsThatAreInUseStayAndAreAnError) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "sleep 60")})).ok());
  WatchUntil(StartExecution("w"), Runs);
  ai_flow::WorkflowIdentifier workflow;
  workflow.set_namespace_("default");
  workflow.set_workflow_name("w");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowSnapshots, workflow).return_code(), "1003");
  EXPECT_EQ(server_->StopTasks(Millis(30'000)), 0);
  workflow.set_workflow_name("ghost");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowSnapshots, workflow).error_msg(),
            "Workflow default.ghost not exists");
}

TEST_F(SchedulingApiTest, LegacyClientsDeleteAllSnapshotsBeforeTheWorkflow) {
  for (const char* command : {"true", "false"}) {
    ASSERT_TRUE(Upload(Spec("w", {Bash("t", command)})).ok());
  }
  ai_flow::WorkflowIdentifier workflow;
  workflow.set_namespace_("default");
  workflow.set_workflow_name("w");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflowSnapshots, workflow).error_msg(), "");
  ai_flow::ListWorkflowItemsRequest list;
  list.set_namespace_("default");
  list.set_workflow_name("w");
  EXPECT_EQ(Legacy(&LegacyStub::listWorkflowSnapshots, list).return_code(), "2002");
  EXPECT_EQ(Legacy(&LegacyStub::startWorkflowExecution, workflow).return_code(), "1003");
  EXPECT_EQ(Legacy(&LegacyStub::deleteWorkflow, workflow).return_code(), "0");
}

class DefaultTimezoneTest : public SchedulingApiTest {
 protected:
  DefaultTimezoneTest() {
    server_.reset();
    config_ = "default_timezone: Europe/Berlin";
    Start();
  }
};

TEST_F(DefaultTimezoneTest, BelongsToWhatNamesNone) {
  ASSERT_TRUE(Upload(Spec("w", {Bash("t", "true")})).ok());
  v1::GetWorkflowRequest get;
  get.set_namespace_("default");
  get.set_name("w");
  EXPECT_EQ(Json::parse(Do(&Stub::GetWorkflow, get).spec_json())["timezone"], "Europe/Berlin");
  EXPECT_EQ(AddSchedule(kYearly).timezone(), "Europe/Berlin");
  EXPECT_EQ(AddSchedule(kYearly, "Asia/Tokyo").timezone(), "Asia/Tokyo");
  Json spec = Spec("w", {Bash("t", "true")});
  spec["version"] = 2;
  spec["timezone"] = "America/New_York";
  ASSERT_TRUE(Upload(spec).ok());
  EXPECT_EQ(AddSchedule(kYearly).timezone(), "America/New_York");
}

}  // namespace
}  // namespace aiflow::server
