#include "model/requests.h"

#include <gtest/gtest.h>

#include "model/event_keys.h"

namespace aiflow {
namespace {

Event SchedulingEvent(std::string value, std::string context) {
  Event event;
  event.key = kSchedulingEventKey;
  event.value = std::move(value);
  event.context = std::move(context);
  return event;
}

template <typename T>
T RoundTrip(const T& request) {
  const Event event = FormatRequest(request);
  const Result<Request> read = ParseRequest(event);
  EXPECT_TRUE(read.has_value()) << event.context;
  EXPECT_TRUE(std::holds_alternative<T>(*read)) << event.value;
  // Equal text means equal members: the form names each of them.
  EXPECT_EQ(FormatRequest(*read), event);
  return std::get<T>(*read);
}

TEST(RequestsTest, EveryKindSurvivesARoundTrip) {
  EXPECT_EQ(RoundTrip(AddNamespace{"n", "{\"a\":\"b\"}"}).properties_json, "{\"a\":\"b\"}");
  EXPECT_EQ(RoundTrip(UpdateNamespace{"n", "{}"}).name, "n");
  EXPECT_EQ(RoundTrip(DeleteNamespace{"n"}).name, "n");
  const UploadWorkflow upload =
      RoundTrip(UploadWorkflow{"n", "w", "s", "b", "top", "c", "p", true, true, "u"});
  EXPECT_EQ(upload.spec_digest + upload.bundle_digest + upload.bundle_name + upload.content_digest +
                upload.pickled_digest + upload.uri,
            "sbtopcpu");
  EXPECT_TRUE(upload.must_be_new && upload.must_exist);
  const AddSnapshot snapshot = RoundTrip(AddSnapshot{3, "uri", "md5", "p", "s", "b", "top"});
  EXPECT_EQ(snapshot.workflow_id, 3);
  EXPECT_EQ(snapshot.uri + snapshot.signature + snapshot.spec_digest, "urimd5s");
  EXPECT_EQ(RoundTrip(DeleteSnapshot{9}).snapshot_id, 9);
  EXPECT_FALSE(RoundTrip(SetWorkflowEnabled{"n", "w", false}).enabled);
  EXPECT_EQ(RoundTrip(DeleteWorkflow{"n", "w"}).name, "w");
  EXPECT_EQ(RoundTrip(StartWorkflowExecution{"n", "w", 4, 5}).snapshot_id, 5);
  EXPECT_EQ(RoundTrip(StopWorkflowExecution{6}).execution_id, 6);
  EXPECT_EQ(RoundTrip(StopWorkflowExecutions{"n", "w"}).ns, "n");
  EXPECT_EQ(RoundTrip(DeleteWorkflowExecution{7}).execution_id, 7);
  EXPECT_EQ(RoundTrip(StartTaskExecution{8, "t"}).task, "t");
  EXPECT_EQ(RoundTrip(RestartTaskExecution{8, "t"}).execution_id, 8);
  EXPECT_EQ(RoundTrip(StopTaskExecution{8, "t", 11}).task_execution_id, 11);
  const TaskStatusReport report = RoundTrip(
      TaskStatusReport{{ExecutionId(8), 2, 3, 4}, "t", TaskStatus::kFailed, 42, "exit code 1"});
  EXPECT_EQ(report.attempt, (AttemptKey{ExecutionId(8), 2, 3, 4}));
  EXPECT_EQ(report.status, TaskStatus::kFailed);
  EXPECT_EQ(report.pid, 42);
  EXPECT_EQ(report.reason, "exit code 1");
}

TEST(RequestsTest, OnlyReportsAreOfTheReportKind) {
  EXPECT_EQ(FormatRequest(TaskStatusReport{}).kind, EventKind::kTaskStatus);
  EXPECT_EQ(FormatRequest(StopWorkflowExecution{1}).kind, EventKind::kInternal);
}

TEST(RequestsTest, EventsOfOldProducersAreRead) {
  const auto start = ParseRequest(SchedulingEvent(
      "START_WORKFLOW_EXECUTION", "{\"workflow_id\": 1, \"workflow_snapshot_id\": 2}"));
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(std::get<StartWorkflowExecution>(*start).workflow_id, 1);
  EXPECT_EQ(std::get<StartWorkflowExecution>(*start).snapshot_id, 2);
  const auto stop = ParseRequest(SchedulingEvent(
      "STOP_TASK_EXECUTION", "{\"workflow_execution_id\": \"7\", \"task_execution_id\": 3}"));
  ASSERT_TRUE(stop.has_value());
  EXPECT_EQ(std::get<StopTaskExecution>(*stop).execution_id, 7);
}

TEST(RequestsTest, MalformedRequestsAreRefusedWithTheReason) {
  const auto message = [](const std::string& value, const std::string& context) {
    const auto request = ParseRequest(SchedulingEvent(value, context));
    EXPECT_FALSE(request.has_value());
    return request.has_value() ? "" : request.error().message();
  };
  EXPECT_EQ(message("NONSENSE", "{}"), "unknown scheduling request NONSENSE");
  EXPECT_EQ(message("STOP_WORKFLOW_EXECUTION", "[1]"),
            "STOP_WORKFLOW_EXECUTION: the context is not a JSON object");
  EXPECT_EQ(message("STOP_WORKFLOW_EXECUTION", "{\"workflow_execution_id\": true}"),
            "STOP_WORKFLOW_EXECUTION: member workflow_execution_id must be an integer");
  EXPECT_EQ(message("STOP_WORKFLOW_EXECUTION", "{\"workflow_execution_id\": 18446744073709551615}"),
            "STOP_WORKFLOW_EXECUTION: member workflow_execution_id must be an integer");
  EXPECT_EQ(message("TASK_STATUS", "{\"task_status\": \"DANCING\"}"),
            "TASK_STATUS: member task_status must be a task status");
  EXPECT_EQ(message("TASK_STATUS", "{\"task_index\": 4294967296}"),
            "TASK_STATUS: member task_index must be a 32-bit integer");
  Event other;
  other.key = "k";
  EXPECT_FALSE(ParseRequest(other).has_value());
}

TEST(RequestsTest, AReasonThatIsNoUtf8IsKeptReadable) {
  TaskStatusReport report;
  report.reason = "bad \xff byte";
  const auto read = ParseRequest(FormatRequest(report));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(std::get<TaskStatusReport>(*read).reason, "bad \xef\xbf\xbd byte");
}

TEST(RequestsTest, Rule06OnlyStartsAndStopsMayComeFromTheWire) {
  for (const char* value :
       {"START_WORKFLOW_EXECUTION", "STOP_WORKFLOW_EXECUTION", "START_TASK_EXECUTION",
        "RESTART_TASK_EXECUTION", "STOP_TASK_EXECUTION"}) {
    EXPECT_TRUE(MayComeFromWire(value)) << value;
  }
  for (const char* value : {"TASK_STATUS", "UPLOAD_WORKFLOW", "DELETE_WORKFLOW",
                            "STOP_WORKFLOW_EXECUTIONS", "TASK_HEARTBEAT_TIMEOUT", ""}) {
    EXPECT_FALSE(MayComeFromWire(value)) << value;
  }
}

TEST(ExecutionOfTest, TakesIntegersAndDecimalStringsOnly) {
  const auto of = [](std::string context, bool* malformed) {
    Event event;
    event.context = std::move(context);
    return ExecutionOf(event, malformed);
  };
  bool malformed = true;
  EXPECT_EQ(of("{\"workflow_execution_id\": 17}", &malformed), ExecutionId(17));
  EXPECT_FALSE(malformed);
  EXPECT_EQ(of("{\"workflow_execution_id\": \"17\"}", nullptr), ExecutionId(17));
  for (const char* absent : {"", "{}", "123", "[\"workflow_execution_id\"]", "no json",
                             "{\"workflow_execution_id\": null}"}) {
    EXPECT_EQ(of(absent, &malformed), std::nullopt) << absent;
    EXPECT_FALSE(malformed) << absent;
  }
  for (const char* bad : {"{\"workflow_execution_id\": 1.5}", "{\"workflow_execution_id\": \"x\"}",
                          "{\"workflow_execution_id\": \"\"}", "{\"workflow_execution_id\": [1]}",
                          "{\"workflow_execution_id\": \"-1\"}"}) {
    EXPECT_EQ(of(bad, &malformed), std::nullopt) << bad;
    EXPECT_TRUE(malformed) << bad;
  }
}

}  // namespace
}  // namespace aiflow
