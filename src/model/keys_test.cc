#include <gtest/gtest.h>

#include "model/event_keys.h"
#include "model/execution_status.h"
#include "model/status_changed.h"

namespace aiflow {
namespace {

TEST(KeysTest, TheStatusChangedKeyIsTheContracts) {
  EXPECT_EQ(StatusChangedKey("default", "w", "t"), "[task_status_change].default.w.t");
}

TEST(KeysTest, EmptyAndConstantNamespacesAreMatchedAsDefault) {
  EXPECT_EQ(MatchingNamespace(""), "default");
  EXPECT_EQ(MatchingNamespace("DEFAULT"), "default");
  EXPECT_EQ(MatchingNamespace("team"), "team");
}

TEST(KeysTest, Rule04ClientKeysAreScopedAndNeverReachTheEnginesSpace) {
  EXPECT_EQ(WireEventId("team", "u"), "w/team/u");
  EXPECT_EQ(WireEventId("", "u"), "w/default/u");
  EXPECT_EQ(WireEventId("team", "client_3_17"), "c/3/17");
  EXPECT_EQ(WireEventId("team", "client_3_x"), "w/team/client_3_x");
  EXPECT_EQ(WireEventId("team", "i/changed/1"), "w/team/i/changed/1");
}

TEST(KeysTest, AttemptKeysNameTheirParts) {
  const AttemptKey key{ExecutionId(17), 2, 3, 1};
  EXPECT_EQ(key.ToString(), "17-2-3-1");
  EXPECT_EQ(StatusReportEventId(key, TaskStatus::kRunning), "i/report/17-2-3-1/RUNNING");
  EXPECT_NE(StatusReportEventId(key, TaskStatus::kRunning),
            StatusChangedEventId(key, TaskStatus::kRunning));
}

TEST(StatusTest, NamesAreReadBack) {
  for (int i = 0; i < 8; ++i) {
    const auto status = static_cast<TaskStatus>(i);
    EXPECT_EQ(ParseTaskStatus(TaskStatusName(status)), status);
  }
  EXPECT_EQ(ParseTaskStatus("DONE"), std::nullopt);
  EXPECT_EQ(ExecutionStatusName(ExecutionStatus::kStopping), "STOPPING");
}

TEST(StatusTest, FinishedStatusesAreLeftByNoTransition) {
  for (int from = 0; from < 8; ++from) {
    for (int to = 0; to < 8; ++to) {
      const auto a = static_cast<TaskStatus>(from);
      const auto b = static_cast<TaskStatus>(to);
      if (IsFinished(a) || b == TaskStatus::kInit) {
        EXPECT_FALSE(IsLegalTransition(a, b));
      }
    }
  }
  EXPECT_FALSE(IsLegalTransition(TaskStatus::kStopping, TaskStatus::kRunning));
  EXPECT_TRUE(IsLegalTransition(TaskStatus::kStopping, TaskStatus::kSuccess));
}

TEST(StatusChangedTest, TheStatusIsReadBackAndForeignContextsAreNot) {
  const AttemptKey attempt{ExecutionId(5), 0, 1, 1};
  Event event = StatusChangedEvent("n", "w", "t", attempt, TaskStatus::kFailed);
  EXPECT_EQ(StatusOf(event), TaskStatus::kFailed);
  for (const char* context : {"", "[]", "{}", "{\"task_status\": 1}", "{\"task_status\": \"x\"}"}) {
    event.context = context;
    EXPECT_EQ(StatusOf(event), std::nullopt) << context;
  }
}

}  // namespace
}  // namespace aiflow
