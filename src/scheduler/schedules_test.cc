#include <gmock/gmock.h>

#include "model/limits.h"
#include "model/utc_text.h"
#include "scheduler/scenario.h"
#include "scheduler/state_rep.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using E = ExecutionStatus;
using S = TaskStatus;

constexpr Millis kSecond{1'000};
constexpr Millis kMinute{60'000};
constexpr Millis kHour = 60 * kMinute;
constexpr Millis kDay = 24 * kHour;

/// Starts at midnight of 2024-01-01, UTC.
class SchedulesTest : public SchedulerTest {
 protected:
  SchedulesTest() { now_ = kNewYear; }
  void SetUp() override { Upload(Workflow({Task("a")})); }

  AddSchedule Schedule(const std::string& expression, CatchUp catchup = CatchUp::kOne) {
    AddSchedule add;
    add.ns = "default";
    add.name = "w";
    add.expression = expression;
    add.catchup = catchup;
    return add;
  }
  int64_t Add(const std::string& expression, CatchUp catchup = CatchUp::kOne) {
    const ReplyRow reply = Request(Schedule(expression, catchup));
    EXPECT_EQ(reply.code, 0) << reply.message;
    return reply.id;
  }
  std::string Refusal(const aiflow::Request& request, Code code) {
    const ReplyRow reply = Request(request);
    EXPECT_EQ(static_cast<Code>(reply.code), code) << reply.message;
    EXPECT_EQ(decision_.changes.size(), 1U) << "a refusal changes nothing";
    return reply.message;
  }
  /// Nobody fires timers for a while.
  void Sleep(Millis time) { now_ += time; }
  /// The due times of all executions, as texts.
  std::vector<std::string> Due() {
    std::vector<std::string> due;
    for (const auto& [id, execution] : rows_.executions) due.push_back(UtcText(execution.due));
    return due;
  }
  const ScheduleRow& Row(int64_t id = 1) { return rows_.schedules.at(id); }

  static constexpr Millis kNewYear{1'704'067'200'000};
};

TEST_F(SchedulesTest, ADueTimeStartsOneExecutionThatKnowsIt) {
  const ReplyRow reply = Request(Schedule("cron@0 6 * * *"));
  EXPECT_EQ(reply.id, 1);
  EXPECT_EQ(reply.detail, "{\"next_due_ms\":1704088800000}");
  EXPECT_THAT(reply.message, HasSubstr("first due 2024-01-01T06:00:00Z"));
  EXPECT_EQ(Pass(5 * kHour), 0);
  Pass(2 * kHour);
  ASSERT_THAT(Due(), ElementsAre("2024-01-01T06:00:00Z"));
  const ExecutionRow& execution = Execution(1);
  EXPECT_EQ(execution.run_type, RunType::kPeriodic);
  EXPECT_EQ(execution.source, 1);
  EXPECT_EQ(execution.status, E::kRunning);
  EXPECT_EQ(execution.snapshot_id, SnapshotId(1));
  EXPECT_EQ(Row().last_due, kNewYear + 6 * kHour);
  EXPECT_EQ(Row().next_due, kNewYear + kDay + 6 * kHour);
  EXPECT_THAT(Causes("a", CauseKind::kStarted, 1).front().text,
              HasSubstr("schedule 1 (cron@0 6 * * *), due 2024-01-01T06:00:00Z, fired at offset"));
  Pass(2 * kDay);
  EXPECT_EQ(rows_.executions.size(), 3U);
}

TEST_F(SchedulesTest, Rule26ADueTimeThatFiresAgainChangesNothing) {
  Add("interval@0 1 0 0");
  const TimerFired timer = state_.rep().timers.begin()->second;
  Pass(kHour + kSecond);
  EXPECT_EQ(rows_.executions.size(), 1U);
  EXPECT_EQ(Request(timer).message, "stale");
  EXPECT_EQ(decision_.changes.size(), 1U) << "the reply";
  EXPECT_EQ(rows_.executions.size(), 1U);
}

TEST_F(SchedulesTest, Rule26TheNextDueTimeComesFromTheOneBefore) {
  Add("interval@0 1 0 0");
  const Millis first = Row().next_due;
  EXPECT_EQ(first, Row().created + kHour);
  Sleep(kHour + 30 * kSecond);
  Pass(Millis(0));
  EXPECT_EQ(Row().last_due, first);
  EXPECT_EQ(Row().next_due, first + kHour) << "lateness does not add up";
}

TEST_F(SchedulesTest, Rule26WithinTheThresholdNothingIsMissed) {
  Add("interval@0 0 0 10", CatchUp::kNone);
  Sleep(kMinute);
  Pass(Millis(0));
  EXPECT_EQ(rows_.executions.size(), 6U) << "each of the due times 10 s apart";
}

TEST_F(SchedulesTest, Rule26CatchUpOneStandsForAllThatWereMissed) {
  Add("cron@0 * * * *", CatchUp::kOne);
  Sleep(5 * kHour + 30 * kMinute);
  EXPECT_EQ(Pass(Millis(0)), 1);
  EXPECT_THAT(Due(), ElementsAre("2024-01-01T05:00:00Z"));
  EXPECT_THAT(Causes("a", CauseKind::kStarted, 1).front().text,
              HasSubstr("due 2024-01-01T05:00:00Z, for all since 2024-01-01T01:00:00Z"));
  EXPECT_EQ(UtcText(Row().next_due), "2024-01-01T06:00:00Z");
}

TEST_F(SchedulesTest, Rule26CatchUpAllFiresEachByItself) {
  Add("cron@0 * * * *", CatchUp::kAll);
  Sleep(3 * kHour + 30 * kMinute);
  EXPECT_EQ(Pass(Millis(0)), 3);
  EXPECT_THAT(Due(),
              ElementsAre("2024-01-01T01:00:00Z", "2024-01-01T02:00:00Z", "2024-01-01T03:00:00Z"));
  EXPECT_EQ(UtcText(Row().next_due), "2024-01-01T04:00:00Z");
}

TEST_F(SchedulesTest, Rule26CatchUpNoneForgetsAndGoesOn) {
  Add("cron@0 * * * *", CatchUp::kNone);
  Sleep(5 * kHour + 30 * kMinute);
  EXPECT_EQ(Pass(Millis(0)), 1);
  EXPECT_THAT(Due(), IsEmpty());
  EXPECT_EQ(Row().last_due, Millis(0));
  EXPECT_EQ(Row().reason,
            "nothing was started for 2024-01-01T05:00:00Z: it came too late, and catchup is none");
  Pass(kHour);
  EXPECT_THAT(Due(), ElementsAre("2024-01-01T06:00:00Z"));
  EXPECT_EQ(Row().reason, "");
}

TEST_F(SchedulesTest, Rule26DaylightSavingFiresAFixedHourOncePerLocalDay) {
  now_ = Millis(1'711'670'400'000);  // 2024-03-29; the clocks skip 02:00 to 03:00 on the 31st
  Add("cron@30 2 * * * Europe/Berlin");
  Pass(4 * kDay);
  EXPECT_THAT(Due(), ElementsAre("2024-03-29T01:30:00Z", "2024-03-30T01:30:00Z",
                                 "2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"));
}

TEST_F(SchedulesTest, Rule26DaylightSavingFiresAnHourThatComesTwiceOnce) {
  now_ = Millis(1'729'900'800'000);  // 2024-10-26; the clocks repeat 02:00 to 03:00 on the 27th
  Add("cron@30 2 * * * Europe/Berlin");
  Pass(3 * kDay);
  EXPECT_THAT(Due(),
              ElementsAre("2024-10-26T00:30:00Z", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"));
}

TEST_F(SchedulesTest, TheZoneIsTheExpressionsElseTheSchedulesElseTheWorkflows) {
  AddSchedule add = Schedule("cron@0 12 * * *");
  add.timezone = "Asia/Tokyo";
  Request(add);
  EXPECT_EQ(UtcText(Row(1).next_due), "2024-01-01T03:00:00Z");
  add.expression = "cron@0 12 * * * Europe/Berlin";
  Request(add);
  EXPECT_EQ(UtcText(Row(2).next_due), "2024-01-01T11:00:00Z");
  WorkflowSpec spec = Workflow({Task("a")});
  spec.timezone = "America/New_York";
  Upload(spec);
  Add("cron@0 12 * * *");
  EXPECT_EQ(UtcText(Row(3).next_due), "2024-01-01T17:00:00Z");
  Upload(Workflow({Task("a")}));
  Pass(kDay);
  EXPECT_EQ(UtcText(Row(3).next_due), "2024-01-02T17:00:00Z") << "kept as it was when added";
}

TEST_F(SchedulesTest, WhatCannotBeAddedIsRefusedWithTheReason) {
  AddSchedule unknown = Schedule("cron@0 6 * * *");
  unknown.name = "x";
  EXPECT_EQ(Refusal(unknown, Code::kNotFound), "Workflow default.x not exists");
  unknown = Schedule("cron@0 6 * * *");
  unknown.workflow_id = 7;
  EXPECT_EQ(Refusal(unknown, Code::kNotFound), "Workflow with id: 7 not exists");
  EXPECT_THAT(Refusal(Schedule("cron@0 25 * * *"), Code::kInvalidArgument), HasSubstr("25"));
  EXPECT_THAT(Refusal(Schedule("cron@0 0 30 2 *"), Code::kInvalidArgument), HasSubstr("30 2"));
  EXPECT_THAT(Refusal(Schedule("every day"), Code::kInvalidArgument), HasSubstr("every day"));
  EXPECT_THAT(Refusal(Schedule("cron@0 0 * * * Europe/Atlantis"), Code::kInvalidArgument),
              HasSubstr("Atlantis"));
  AddSchedule zone = Schedule("interval@1 0 0 0");
  zone.timezone = "Atlantis";
  EXPECT_THAT(Refusal(zone, Code::kInvalidArgument), HasSubstr("Atlantis"));
  AddSchedule params = Schedule("interval@1 0 0 0");
  params.params_json = R"({"x": 1})";
  EXPECT_THAT(Refusal(params, Code::kInvalidArgument),
              HasSubstr("schedule of workflow default.w: parameter 'x' is not declared"));
  EXPECT_EQ(rows_.counters.schedule, 0);
}

TEST_F(SchedulesTest, TheNumberOfSchedulesHasALimit) {
  for (size_t i = 0; i < limits::kMaxSchedulesPerWorkflow; ++i) {
    ScheduleRow row;
    row.id = ScheduleId(static_cast<int64_t>(i) + 1);
    row.workflow_id = WorkflowId(1);
    const std::vector<Change> changes = {row};
    state_.Apply(changes);
    rows_.Apply(changes);
  }
  EXPECT_THAT(Refusal(Schedule("interval@1 0 0 0"), Code::kResourceExhausted),
              HasSubstr("1000 schedules, the limit"));
}

TEST_F(SchedulesTest, ParametersGoToEachExecutionWithTheDefaultsOfItsSnapshot) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = {{"rows", ParamType::kInteger, "", ""}};
  Upload(spec);
  AddSchedule add = Schedule("interval@0 1 0 0");
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument), HasSubstr("'rows'"));
  add.params_json = R"({"rows": 3})";
  EXPECT_EQ(Request(add).code, 0);
  spec.params.push_back({"full", ParamType::kBoolean, "true", ""});
  Upload(spec);
  Pass(kHour);
  EXPECT_EQ(Execution(1).params_json, R"({"full":true,"rows":3})");
  spec.params = {{"other", ParamType::kString, "\"x\"", ""}};
  Upload(spec);
  Pass(kHour);
  EXPECT_EQ(rows_.executions.size(), 1U);
  EXPECT_THAT(Row().reason, HasSubstr("parameter 'rows' is not declared"));
}

TEST_F(SchedulesTest, ADisabledWorkflowStartsNothingAndItsSchedulesGoOn) {
  Add("cron@0 * * * *", CatchUp::kAll);
  Request(SetWorkflowEnabled{"default", "w", false});
  EXPECT_EQ(Pass(3 * kHour), 3);
  EXPECT_THAT(Due(), IsEmpty());
  EXPECT_EQ(Row().last_due, Millis(0));
  EXPECT_EQ(UtcText(Row().next_due), "2024-01-01T04:00:00Z");
  EXPECT_THAT(Row().reason, HasSubstr("is disabled"));
  Sleep(5 * kHour);
  EXPECT_EQ(Pass(Millis(0)), 1) << "nothing is missed meanwhile, whatever catchup says";
  Request(SetWorkflowEnabled{"default", "w", true});
  EXPECT_EQ(Pass(kHour), 1);
  EXPECT_THAT(Due(), ElementsAre("2024-01-01T09:00:00Z"));
}

TEST_F(SchedulesTest, AWorkflowWithoutASnapshotThatCanStartSaysSo) {
  Add("interval@0 1 0 0");
  Request(AddSnapshot{1, "/blob/w.zip", "md5"});
  Pass(kHour);
  EXPECT_THAT(Row().reason, HasSubstr("has no compiled specification in snapshot 2"));
  EXPECT_THAT(Due(), IsEmpty());
  Request(DeleteSnapshot{2});
  Request(DeleteSnapshot{1});
  Pass(kHour);
  EXPECT_THAT(Row().reason, HasSubstr("has no snapshot"));
}

TEST_F(SchedulesTest, SkipIfActiveStartsNothingBesideAnUnfinishedExecution) {
  AddSchedule add = Schedule("interval@0 1 0 0");
  add.skip_if_active = true;
  Request(add);
  Pass(2 * kHour + kSecond);
  EXPECT_EQ(rows_.executions.size(), 1U);
  EXPECT_THAT(Row().reason, HasSubstr("workflow execution 1 is not finished (skip_if_active)"));
  last_ = 1;
  Succeed("a");
  Pass(kHour);
  EXPECT_EQ(rows_.executions.size(), 2U);
  EXPECT_EQ(Row().reason, "");
}

TEST_F(SchedulesTest, Rule26PausedTimeIsNotCaughtUp) {
  Add("interval@0 1 0 0", CatchUp::kAll);
  EXPECT_EQ(Request(SetSchedulePaused{1, true}).code, 0);
  EXPECT_EQ(Row().next_due, Millis(0));
  EXPECT_EQ(Request(SetSchedulePaused{1, true}).code, 0) << "twice is fine";
  EXPECT_EQ(decision_.changes.size(), 1U);
  EXPECT_EQ(Pass(5 * kHour), 0);
  EXPECT_EQ(Request(SetSchedulePaused{1, false}).code, 0);
  EXPECT_EQ(Row().next_due, now_ + kHour) << "an interval begins anew";
  EXPECT_EQ(Row().generation, 2);
  EXPECT_EQ(Request(SetSchedulePaused{1, false}).code, 0);
  EXPECT_EQ(Row().generation, 2);
  EXPECT_EQ(Pass(kHour), 1);
  EXPECT_EQ(rows_.executions.size(), 1U);
}

TEST_F(SchedulesTest, Rule26AFiringFromBeforeAPauseIsIgnored) {
  Add("cron@0 * * * *");
  const TimerFired timer = state_.rep().timers.begin()->second;
  Request(SetSchedulePaused{1, true});
  EXPECT_EQ(Request(timer).message, "stale");
  Request(SetSchedulePaused{1, false});
  EXPECT_EQ(Row().next_due, Millis(timer.due_ms)) << "the same due time";
  EXPECT_EQ(Request(timer).message, "stale");
  EXPECT_THAT(Due(), IsEmpty());
  Pass(kHour);
  EXPECT_EQ(rows_.executions.size(), 1U);
}

TEST_F(SchedulesTest, DeletedSchedulesFireNoMore) {
  Add("interval@0 1 0 0");
  Add("interval@0 1 0 0");
  Add("interval@0 1 0 0");
  EXPECT_EQ(Request(SetSchedulePaused{1, true}).code, 0);
  EXPECT_EQ(Request(DeleteSchedule{1}).code, 0) << "a paused one";
  EXPECT_EQ(Refusal(DeleteSchedule{1}, Code::kNotFound), "Workflow schedule 1 not exists");
  EXPECT_EQ(Refusal(SetSchedulePaused{1, true}, Code::kNotFound), "Workflow schedule 1 not exists");
  EXPECT_EQ(Request(DeleteSchedules{"default", "w"}).id, 2);
  EXPECT_EQ(Refusal(DeleteSchedules{"default", "x"}, Code::kNotFound),
            "Workflow default.x not exists");
  EXPECT_EQ(Pass(kDay), 0);
  Add("interval@0 1 0 0");
  EXPECT_TRUE(rows_.schedules.contains(4)) << "ids are never used again";
  Request(DeleteWorkflow{"default", "w"});
  EXPECT_TRUE(rows_.schedules.empty());
  EXPECT_EQ(Pass(kDay), 0);
}

TEST_F(SchedulesTest, AScheduleWaitsForMaxActiveExecutionsLikeEverybody) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.max_active_executions = 1;
  Upload(spec);
  Add("interval@0 1 0 0");
  Pass(2 * kHour + kSecond);
  EXPECT_EQ(Status(1), E::kRunning);
  EXPECT_EQ(Status(2), E::kInit);
  last_ = 1;
  Succeed("a");
  EXPECT_EQ(Status(2), E::kRunning);
}

}  // namespace
}  // namespace aiflow::test
