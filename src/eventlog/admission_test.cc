#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventlog/log_service.h"
#include "model/event_keys.h"
#include "model/limits.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Event Make(const std::string& key, const std::string& value = "value") {
  Event event;
  event.key = key;
  event.value = value;
  event.kind = EventKind::kInternal;
  return event;
}

TEST(AdmissionTest, AUserEventGetsItsKindAndItsScopedId) {
  Event event = Make("key");
  event.ns = "n";
  ASSERT_TRUE(AdmitFromWire("u-1", true, &event).ok());
  EXPECT_EQ(event.kind, EventKind::kUser);
  EXPECT_EQ(event.id, "w/n/u-1");
}

TEST(AdmissionTest, Rule4NoUuidReachesTheInternalKeySpace) {
  for (const std::string uuid : {"i/report/1", "../i/report", "client_1_2/../i", "i/"}) {
    Event event = Make("key");
    ASSERT_TRUE(AdmitFromWire(uuid, true, &event).ok());
    EXPECT_THAT(event.id, StartsWith("w/default/")) << uuid;
  }
}

TEST(AdmissionTest, Rule4ClientKeysAreGlobal) {
  Event event = Make("key");
  event.ns = "n";
  ASSERT_TRUE(AdmitFromWire("client_12_34", true, &event).ok());
  EXPECT_EQ(event.id, "c/12/34");
}

TEST(AdmissionTest, Rule4AnEmptyUuidIsMadeAndNeverTheSame) {
  Event first = Make("key");
  Event second = Make("key");
  ASSERT_TRUE(AdmitFromWire("", true, &first).ok());
  ASSERT_TRUE(AdmitFromWire("", true, &second).ok());
  EXPECT_THAT(first.id, StartsWith("w/default/"));
  EXPECT_NE(first.id, second.id);
}

TEST(AdmissionTest, Rule4WithoutIdempotenceTheUuidIsIgnored) {
  Event event = Make("key");
  event.id = "i/forged";
  ASSERT_TRUE(AdmitFromWire("u-1", false, &event).ok());
  EXPECT_EQ(event.id, "");
}

TEST(AdmissionTest, N15AnEmptyKeyIsRefused) {
  Event event = Make("");
  const Status status = AdmitFromWire("u", true, &event);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("key is empty"));
}

TEST(AdmissionTest, N15WhatIsOverALimitIsRefusedWithItsName) {
  const auto refused = [](Event event, const std::string& uuid, const std::string& name) {
    const Status status = AdmitFromWire(uuid, true, &event);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), HasSubstr(name));
  };
  Event event = Make(std::string(limits::kMaxEventKeyBytes + 1, 'k'));
  refused(event, "u", "max_event_key_bytes");
  event = Make("key", std::string(limits::kMaxEventValueBytes + 1, 'v'));
  refused(event, "u", "max_event_value_bytes");
  event = Make("key");
  event.context = std::string(limits::kMaxEventContextBytes + 1, 'c');
  refused(event, "u", "max_event_context_bytes");
  refused(Make("key"), std::string(limits::kMaxEventUuidBytes + 1, 'u'), "max_event_uuid_bytes");

  Event largest = Make(std::string(limits::kMaxEventKeyBytes, 'k'),
                       std::string(limits::kMaxEventValueBytes, 'v'));
  largest.context = std::string(limits::kMaxEventContextBytes, 'c');
  EXPECT_TRUE(AdmitFromWire(std::string(limits::kMaxEventUuidBytes, 'u'), true, &largest).ok());
}

TEST(AdmissionTest, Rule6StartStopAndRestartRequestsAreHonouredByKeyAlone) {
  for (const std::string value :
       {"START_WORKFLOW_EXECUTION", "STOP_WORKFLOW_EXECUTION", "START_TASK_EXECUTION",
        "RESTART_TASK_EXECUTION", "STOP_TASK_EXECUTION"}) {
    for (const std::string ns : {"", "default", "elsewhere"}) {
      Event event = Make(std::string(kSchedulingEventKey), value);
      event.ns = ns;
      event.sender = "anybody";
      EXPECT_TRUE(AdmitFromWire("u", true, &event).ok()) << value;
      EXPECT_EQ(event.kind, EventKind::kScheduling) << value;
    }
  }
}

TEST(AdmissionTest, Rule6OtherSchedulingEventsAreRefused) {
  // Every other word of the engine, reports, firings, answers and its own requests, and what would
  // be allowed if it were spelt otherwise.
  for (const std::string value : {"TASK_STATUS",
                                  "TASK_STATUS_CHANGED",
                                  "TASK_HEARTBEAT_TIMEOUT",
                                  "PERIODIC_RUN_TASK",
                                  "PERIODIC_RUN_WORKFLOW",
                                  "CONDITION_ANSWER",
                                  "EVALUATION_ANSWER",
                                  "TIMER_FIRED",
                                  "HOOK_RESULT",
                                  "REPLAY_HELD",
                                  "RETIRE_ROWS",
                                  "MARK_TASK",
                                  "RERUN_TASKS",
                                  "BACKFILL_SCHEDULE",
                                  "STOP_WORKFLOW_EXECUTIONS",
                                  "UPLOAD_WORKFLOW",
                                  "ADD_SNAPSHOT",
                                  "ADD_NAMESPACE",
                                  "ADD_SCHEDULE",
                                  "ADD_TRIGGER",
                                  "SET_POOL",
                                  "SET_WORKFLOW_ENABLED",
                                  "SET_SCHEDULE_PAUSED",
                                  "SET_TRIGGER_PAUSED",
                                  "UPDATE_NAMESPACE",
                                  "DELETE_NAMESPACE",
                                  "DELETE_WORKFLOW",
                                  "DELETE_WORKFLOW_EXECUTION",
                                  "DELETE_SNAPSHOT",
                                  "DELETE_SNAPSHOTS",
                                  "DELETE_SCHEDULE",
                                  "DELETE_SCHEDULES",
                                  "DELETE_TRIGGER",
                                  "DELETE_TRIGGERS",
                                  "DELETE_POOL",
                                  "RETRY_DEAD_LETTER",
                                  "DROP_DEAD_LETTER",
                                  "",
                                  "anything",
                                  "start_workflow_execution",
                                  "START_WORKFLOW_EXECUTION ",
                                  " STOP_TASK_EXECUTION"}) {
    Event event = Make(std::string(kSchedulingEventKey), value);
    const Status status = AdmitFromWire("u", true, &event);
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << value;
    EXPECT_THAT(status.message(), HasSubstr("'" + value + "'"));
  }
}

TEST(AdmissionTest, Rule6StatusChangedKeysAreRefused) {
  Event event = Make(StatusChangedKey("default", "workflow", "task"), "TASK_STATUS_CHANGED");
  EXPECT_EQ(AdmitFromWire("u", true, &event).code(), Code::kPermissionDenied);
}

}  // namespace
}  // namespace aiflow
