#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "model/utc_text.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using E = ExecutionStatus;
using S = TaskStatus;

constexpr Millis kHour{3'600'000};
constexpr Millis kDay = 24 * kHour;
constexpr Millis kNewYear{1'704'067'200'000};  // 2024-01-01

class BackfillTest : public SchedulerTest {
 protected:
  BackfillTest() { now_ = kNewYear + 10 * kDay + 12 * kHour; }
  void SetUp() override { Upload(Workflow({Task("a")})); }

  int64_t Add(const std::string& expression) {
    AddSchedule add;
    add.ns = "default";
    add.name = "w";
    add.expression = expression;
    const ReplyRow reply = Request(add);
    EXPECT_EQ(reply.code, 0) << reply.message;
    return reply.id;
  }
  static BackfillSchedule Of(int64_t schedule, Millis from, Millis to) {
    BackfillSchedule request;
    request.schedule_id = schedule;
    request.from_ms = from.count();
    request.to_ms = to.count();
    return request;
  }
  static BackfillSchedule Of(const std::string& expression, Millis from, Millis to) {
    BackfillSchedule request = Of(0, from, to);
    request.ns = "default";
    request.name = "w";
    request.expression = expression;
    return request;
  }
  /// The due times in the reply's detail.
  static std::vector<std::string> Listed(const ReplyRow& reply) {
    EXPECT_EQ(reply.code, 0) << reply.message;
    std::vector<std::string> due;
    const auto detail = nlohmann::json::parse(reply.detail, nullptr, false);
    if (!detail.is_object()) return due;
    for (const auto& time : detail["due_ms"]) due.push_back(UtcText(Millis(time.get<int64_t>())));
    EXPECT_EQ(static_cast<int64_t>(due.size()), reply.id);
    return due;
  }
  std::string Refusal(const BackfillSchedule& request, Code code) {
    const ReplyRow reply = Request(request);
    EXPECT_EQ(static_cast<Code>(reply.code), code) << reply.message;
    EXPECT_EQ(decision_.changes.size(), 1U) << "a refusal changes nothing";
    return reply.message;
  }
};

TEST_F(BackfillTest, StartsOneExecutionForEachDueTimeOfTheRange) {
  Add("cron@0 6 * * *");
  const ReplyRow reply = Request(Of(1, kNewYear + 6 * kHour, kNewYear + 3 * kDay + 6 * kHour));
  EXPECT_THAT(Listed(reply),
              ElementsAre("2024-01-01T06:00:00Z", "2024-01-02T06:00:00Z", "2024-01-03T06:00:00Z"))
      << "the beginning is in it, the end is not";
  EXPECT_EQ(reply.message, "3 executions of workflow default.w started for schedule 1");
  EXPECT_EQ(nlohmann::json::parse(reply.detail)["executions"], nlohmann::json({1, 2, 3}));
  EXPECT_EQ(Execution(2).due, kNewYear + kDay + 6 * kHour);
  EXPECT_EQ(Execution(2).source, 1);
  EXPECT_EQ(Execution(2).run_type, RunType::kPeriodic);
  EXPECT_EQ(Status(2), E::kRunning);
  EXPECT_EQ(rows_.workflows.at(1).event_offset, offset_);
  EXPECT_THAT(Causes("a", CauseKind::kStarted, 2).front().text,
              HasSubstr("backfill of schedule 1, due 2024-01-02T06:00:00Z, request "
                        "BACKFILL_SCHEDULE at offset"));
}

TEST_F(BackfillTest, ADryRunCountsAndListsOnly) {
  Add("cron@0 6 * * *");
  BackfillSchedule request = Of(1, kNewYear, kNewYear + 2 * kDay);
  request.dry_run = true;
  const ReplyRow reply = Request(request);
  EXPECT_EQ(reply.id, 2);
  EXPECT_THAT(Listed(reply), ElementsAre("2024-01-01T06:00:00Z", "2024-01-02T06:00:00Z"));
  EXPECT_THAT(reply.message, HasSubstr("2 executions of workflow default.w would be started"));
  EXPECT_TRUE(rows_.executions.empty());
  EXPECT_EQ(decision_.changes.size(), 1U);
}

TEST_F(BackfillTest, ADueTimeThatHasAnExecutionGetsNoOtherFinishedOrNot) {
  Add("cron@0 6 * * *");
  Request(Of(1, kNewYear, kNewYear + 2 * kDay));
  last_ = 1;
  Succeed("a");
  EXPECT_EQ(Status(1), E::kSuccess);
  const ReplyRow reply = Request(Of(1, kNewYear, kNewYear + 4 * kDay));
  EXPECT_THAT(Listed(reply), ElementsAre("2024-01-03T06:00:00Z", "2024-01-04T06:00:00Z"));
  EXPECT_THAT(reply.message, HasSubstr("; 2 due times have one already"));
  EXPECT_EQ(Request(Of(1, kNewYear, kNewYear + 4 * kDay)).id, 0);
}

TEST_F(BackfillTest, WhatTheScheduleFiredIsNotFiredAgain) {
  Add("cron@0 * * * *");
  Pass(3 * kHour);
  EXPECT_EQ(rows_.executions.size(), 3U);
  EXPECT_THAT(Listed(Request(Of(1, now_ - 5 * kHour, now_))),
              ElementsAre("2024-01-11T11:00:00Z", "2024-01-11T12:00:00Z"));
}

TEST_F(BackfillTest, DueTimesToComeAreLeftToTheSchedule) {
  Add("cron@0 * * * *");
  const ReplyRow reply = Request(Of(1, now_ - 2 * kHour, now_ + kDay));
  EXPECT_THAT(Listed(reply), ElementsAre("2024-01-11T11:00:00Z", "2024-01-11T12:00:00Z"));
  EXPECT_THAT(reply.message,
              HasSubstr("; due times from 2024-01-11T13:00:00Z on are still to come"));
  // It is late: its due time has passed, and it will fire.
  now_ += kHour + Millis(10'000);
  EXPECT_EQ(Request(Of(1, now_ - kHour, now_)).id, 0);
  Pass(Millis(0));
  EXPECT_EQ(rows_.executions.size(), 3U);
}

TEST_F(BackfillTest, APausedScheduleIsFilledUpToNow) {
  Add("cron@0 * * * *");
  Request(SetSchedulePaused{1, true});
  Pass(3 * kHour);
  EXPECT_THAT(Listed(Request(Of(1, now_ - 2 * kHour, now_ + kDay))),
              ElementsAre("2024-01-11T14:00:00Z", "2024-01-11T15:00:00Z"));
}

TEST_F(BackfillTest, AnIntervalKeepsThePhaseOfItsSchedule) {
  const Millis added = now_ + Millis(1);
  Add("interval@1 0 0 0");
  ASSERT_EQ(rows_.schedules.at(1).created, added);
  const ReplyRow reply = Request(Of(1, added - 2 * kDay - kHour, added));
  EXPECT_THAT(Listed(reply), ElementsAre(UtcText(added - 2 * kDay), UtcText(added - kDay)));
}

TEST_F(BackfillTest, AnExpressionNeedsNoSchedule) {
  EXPECT_THAT(Listed(Request(Of("interval@0 12 0 0", kNewYear, kNewYear + kDay))),
              ElementsAre("2024-01-01T00:00:00Z", "2024-01-01T12:00:00Z"))
      << "counted from the beginning of the range";
  BackfillSchedule request = Of("cron@0 12 * * *", kNewYear, kNewYear + 2 * kDay);
  request.timezone = "Asia/Tokyo";
  EXPECT_THAT(Listed(Request(request)),
              ElementsAre("2024-01-01T03:00:00Z", "2024-01-02T03:00:00Z"));
  EXPECT_EQ(Execution(3).source, 0);
  EXPECT_EQ(Request(request).id, 0) << "both are there";
  request.to_ms = (now_ + 5 * kDay).count();
  request.from_ms = (now_ - kDay).count();
  const ReplyRow reply = Request(request);
  EXPECT_THAT(Listed(reply), ElementsAre("2024-01-11T03:00:00Z"));
  EXPECT_THAT(reply.message, HasSubstr("still to come"));
}

TEST_F(BackfillTest, MoreDueTimesThanTheLimitAreCounted) {
  EXPECT_EQ(Refusal(Of("cron@* * * * *", kNewYear, kNewYear + kDay), Code::kInvalidArgument),
            "backfill: 1440 due times are in the range, the limit is 1000; take a shorter range");
  EXPECT_THAT(Refusal(Of("cron@* * * * * *", kNewYear, kNewYear + kDay), Code::kInvalidArgument),
              HasSubstr("more than 11001 due times"));
  BackfillSchedule request = Of("interval@0 0 1 0", kNewYear, kNewYear + Millis(60'000'000));
  request.dry_run = true;
  EXPECT_EQ(Request(request).id, 1000);
  request.to_ms += 1;
  EXPECT_THAT(Refusal(request, Code::kInvalidArgument), HasSubstr("1001 due times"));
}

TEST_F(BackfillTest, WhatCannotBeFilledIsRefusedWithTheReason) {
  EXPECT_EQ(Refusal(Of(3, kNewYear, now_), Code::kNotFound), "Workflow schedule 3 not exists");
  BackfillSchedule request = Of("interval@1 0 0 0", kNewYear, now_);
  request.name = "x";
  EXPECT_EQ(Refusal(request, Code::kNotFound), "Workflow default.x not exists");
  request = Of("", kNewYear, now_);
  EXPECT_THAT(Refusal(request, Code::kInvalidArgument), HasSubstr("a schedule or an expression"));
  Add("interval@1 0 0 0");
  request = Of(1, kNewYear, now_);
  request.name = "other";
  EXPECT_EQ(Refusal(request, Code::kInvalidArgument),
            "backfill: schedule 1 is of workflow default.w, not of default.other");
  request.name = "w";
  request.ns = "team";
  EXPECT_THAT(Refusal(request, Code::kInvalidArgument), HasSubstr("not of team.w"));
  request = Of(1, kNewYear, now_);
  request.expression = "interval@1 0 0 0";
  EXPECT_THAT(Refusal(request, Code::kInvalidArgument), HasSubstr("not both"));
  EXPECT_THAT(Refusal(Of("cron@x", kNewYear, now_), Code::kInvalidArgument), HasSubstr("cron@x"));
  for (const auto& [from, to] :
       {std::pair(now_, kNewYear), std::pair(now_, now_), std::pair(Millis(0), now_),
        std::pair(Millis(-1), now_), std::pair(kNewYear, Millis(INT64_MAX))}) {
    EXPECT_THAT(Refusal(Of(1, from, to), Code::kInvalidArgument), HasSubstr("the range from"));
  }
  request = Of(1, kNewYear, now_);
  request.params_json = R"({"x": 1})";
  EXPECT_THAT(Refusal(request, Code::kInvalidArgument), HasSubstr("'x' is not declared"));
  Request(SetWorkflowEnabled{"default", "w", false});
  EXPECT_THAT(Refusal(Of(1, kNewYear, now_), Code::kFailedPrecondition), HasSubstr("is disabled"));
}

TEST_F(BackfillTest, ParametersAreThoseOfTheScheduleUnlessGiven) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = {{"rows", ParamType::kInteger, "1", ""}};
  Upload(spec);
  AddSchedule add;
  add.ns = "default";
  add.name = "w";
  add.expression = "cron@0 6 * * *";
  add.params_json = R"({"rows": 5})";
  Request(add);
  Request(Of(1, kNewYear, kNewYear + kDay));
  EXPECT_EQ(Execution(1).params_json, R"({"rows":5})");
  BackfillSchedule request = Of(1, kNewYear + kDay, kNewYear + 2 * kDay);
  request.params_json = R"({"rows": 7})";
  Request(request);
  EXPECT_EQ(Execution(2).params_json, R"({"rows":7})");
}

TEST_F(BackfillTest, TheLimitOfActiveExecutionsQueuesThemByDueTime) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.max_active_executions = 2;
  Upload(spec);
  Request(Of("cron@0 6 * * *", kNewYear, kNewYear + 4 * kDay));
  EXPECT_EQ(Status(1), E::kRunning);
  EXPECT_EQ(Status(2), E::kRunning);
  EXPECT_EQ(Status(3), E::kInit);
  EXPECT_EQ(Status(4), E::kInit);
  EXPECT_LT(Execution(3).due, Execution(4).due);
  last_ = 2;
  Succeed("a");
  EXPECT_EQ(Status(3), E::kRunning);
  EXPECT_EQ(Status(4), E::kInit);
}

}  // namespace
}  // namespace aiflow::test
