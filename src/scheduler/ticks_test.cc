#include <gmock/gmock.h>

#include "scheduler/scenario.h"
#include "scheduler/timers/misfire.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using S = TaskStatus;
using std::chrono::minutes;
using std::chrono::seconds;

TaskSpec Every(TaskSpec task, const std::string& expression, Overlap overlap = Overlap::kRestart) {
  task.periodic = expression;
  task.overlap = overlap;
  return task;
}

class TicksTest : public SchedulerTest {
 protected:
  void UploadPeriodic(TaskSpec task) { Upload(Workflow({std::move(task)})); }
};

TEST_F(TicksTest, APeriodicTaskStartsWithItsExecutionAndAtEachTick) {
  Run({Every(Task("a"), "interval@0 0 10 0")});
  EXPECT_EQ(Runs("a"), 1);
  Succeed("a");
  EXPECT_EQ(Status(), ExecutionStatus::kRunning);
  Pass(minutes(10));
  EXPECT_EQ(Runs("a"), 2);
  Succeed("a");
  Pass(minutes(10));
  EXPECT_EQ(Runs("a"), 3);
}

TEST_F(TicksTest, OverlapRestartStopsTheLiveRunFirst) {
  Run({Every(Task("a"), "interval@0 0 10 0")});
  Report("a", S::kRunning);
  Pass(minutes(10));
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
  EXPECT_EQ(RunOf("a", 2).status, S::kInit);
  Report("a", S::kStopped);
  EXPECT_EQ(RunOf("a", 2).status, S::kQueued);
}

TEST_F(TicksTest, OverlapSkipLeavesTheLiveRunAlone) {
  Run({Every(Task("a"), "interval@0 0 10 0", Overlap::kSkip)});
  Report("a", S::kRunning);
  Pass(minutes(30));
  EXPECT_EQ(Runs("a"), 1);
  EXPECT_EQ(Causes("a", CauseKind::kIgnored).size(), 3U);
  Report("a", S::kSuccess);
  Pass(minutes(10));
  EXPECT_EQ(Runs("a"), 2);
}

TEST_F(TicksTest, OverlapQueueRunsOncePerTick) {
  Run({Every(Task("a"), "interval@0 0 10 0", Overlap::kQueue)});
  Report("a", S::kRunning);
  Pass(minutes(30));
  EXPECT_EQ(Runs("a"), 1);
  Report("a", S::kSuccess);
  Succeed("a");
  Succeed("a");
  EXPECT_EQ(Runs("a"), 4);
  EXPECT_EQ(TaskState("a").pending_starts.size(), 0U);
}

TEST_F(TicksTest, Rule26ATickFiresOnceAndTheNextComesFromThePrevious) {
  Run({Every(Task("a"), "interval@0 0 0 10", Overlap::kQueue)});
  Report("a", S::kRunning);
  const Millis first = TaskState("a").next_tick;
  const TimerFired timer{
      .kind = TimerKind::kTick, .owner = last_, .task = 0, .due_ms = first.count()};
  now_ = first + seconds(3);  // a little late
  Request(timer);
  Request(timer);
  EXPECT_EQ(TaskState("a").next_tick, first + seconds(10));
  EXPECT_EQ(TaskState("a").pending_starts.size(), 1U);
}

TEST_F(TicksTest, Rule26AfterDowntimeOneTickStandsForAllByDefault) {
  Run({Every(Task("a"), "interval@0 0 10 0", Overlap::kQueue)});
  Report("a", S::kRunning);
  const Millis first = TaskState("a").next_tick;
  now_ = first + minutes(35);
  Pass(Millis(0));
  EXPECT_EQ(TaskState("a").pending_starts.size(), 1U);
  EXPECT_EQ(TaskState("a").next_tick, first + minutes(40));
}

TEST_F(TicksTest, Rule26CatchUpAllRunsEachMissedTickAndNoneRunsNothing) {
  TaskSpec all = Every(Task("all"), "interval@0 0 10 0", Overlap::kQueue);
  all.catchup = CatchUp::kAll;
  TaskSpec none = Every(Task("none"), "interval@0 0 10 0", Overlap::kQueue);
  none.catchup = CatchUp::kNone;
  Run({all, none});
  Report("all", S::kRunning);
  Report("none", S::kRunning);
  const Millis first = TaskState("all").next_tick;
  now_ = first + minutes(35);
  Pass(Millis(0));
  EXPECT_EQ(TaskState("all").pending_starts.size(), 4U);
  EXPECT_EQ(TaskState("none").pending_starts.size(), 0U);
  EXPECT_EQ(TaskState("none").next_tick, first + minutes(40));
  EXPECT_EQ(Causes("none", CauseKind::kTimer).size(), 1U);
}

TEST_F(TicksTest, AStoppedExecutionTicksNoMore) {
  const int64_t id = Run({Every(Task("a"), "interval@0 0 10 0")});
  Report("a", S::kRunning);
  Request(StopWorkflowExecution{id});
  EXPECT_EQ(TaskState("a").next_tick, Millis(0));
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), ExecutionStatus::kStopped);
  EXPECT_EQ(Pass(minutes(100)), 0);
}

TEST_F(TicksTest, AnOptionalPeriodicTaskHoldsNothingOpen) {
  Run({Optional(Every(Task("a"), "interval@0 0 10 0")), Task("b")});
  Succeed("a");
  Succeed("b");
  EXPECT_EQ(Status(), ExecutionStatus::kSuccess);
  EXPECT_EQ(Pass(minutes(100)), 0);
}

TEST_F(TicksTest, ATickSaysSoInTheCause) {
  Run({Every(Task("a"), "interval@0 0 10 0")});
  Succeed("a");
  Pass(minutes(10));
  const auto causes = Causes("a", CauseKind::kStarted);
  ASSERT_EQ(causes.size(), 2U);
  EXPECT_THAT(causes[1].text, HasSubstr("tick of interval@0 0 10 0"));
}

TEST(MisfireTest, TheLatestMissedTimeMayStillBeInTime) {
  const auto every = Recurrence::Parse("interval@0 0 10 0", "");
  ASSERT_TRUE(every.has_value());
  const Millis due(0);
  const DuePlan plan = PlanDue(*every, CatchUp::kNone, due, due + minutes(20) + seconds(5));
  EXPECT_TRUE(plan.fires);
  EXPECT_EQ(plan.due, due + minutes(20));
  EXPECT_EQ(plan.next, due + minutes(30));
}

TEST(MisfireTest, Rule26ABackwardClockRepeatsNothing) {
  const auto every = Recurrence::Parse("interval@0 0 10 0", "");
  ASSERT_TRUE(every.has_value());
  const Millis due(10'000'000);
  const DuePlan plan = PlanDue(*every, CatchUp::kOne, due, due - minutes(60));
  EXPECT_TRUE(plan.fires);
  EXPECT_EQ(plan.next, due + minutes(10));
}

}  // namespace
}  // namespace aiflow::test
