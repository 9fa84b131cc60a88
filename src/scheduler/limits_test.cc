#include <gmock/gmock.h>

#include "scheduler/scenario.h"
#include "scheduler/task_actions.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using S = TaskStatus;
using std::chrono::seconds;

class LimitsTest : public SchedulerTest {};

TaskSpec WithTimeout(TaskSpec task, Millis timeout) {
  task.execution_timeout = timeout;
  return task;
}

TEST_F(LimitsTest, Rule10AnExecutionTimeoutFailsOnlyAfterTheEndIsConfirmed) {
  Run({WithTimeout(Task("a"), seconds(10)), Task("h", {Start(OnStatus("a", S::kFailed))})});
  Report("a", S::kRunning);
  Pass(seconds(9));
  EXPECT_EQ(Latest("a"), S::kRunning);
  Pass(seconds(2));
  EXPECT_EQ(Latest("a"), S::kStopping);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
  EXPECT_EQ(Latest("h"), std::nullopt);
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kFailed);
  EXPECT_EQ(RunOf("a", 1).reason, "execution_timeout: it ran longer than 10 s");
  EXPECT_EQ(Latest("h"), S::kQueued);
}

TEST_F(LimitsTest, TheTimeoutIsOfEachTry) {
  TaskSpec a = WithTimeout(Task("a"), seconds(10));
  a.retry.retries = 1;
  Run({a});
  Report("a", S::kRunning);
  Pass(seconds(11));
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kRetrying);
  Pass(seconds(1));
  Report("a", S::kRunning);
  Pass(seconds(9));
  EXPECT_EQ(Latest("a"), S::kRunning);
  Report("a", S::kSuccess);
  EXPECT_EQ(Status(), ExecutionStatus::kSuccess);
}

TEST_F(LimitsTest, TheRealOutcomeWinsOverALimit) {
  Run({WithTimeout(Task("a"), seconds(10))});
  Report("a", S::kRunning);
  Pass(seconds(11));
  Report("a", S::kSuccess);
  EXPECT_EQ(Latest("a"), S::kSuccess);
  EXPECT_EQ(RunOf("a", 1).reason, "");
}

TEST_F(LimitsTest, Rule11StartTimeoutRunsFromTheSlotToRunning) {
  TaskSpec a = Task("a");
  a.start_timeout = seconds(5);
  Run({a});
  Pass(seconds(6));
  EXPECT_EQ(Latest("a"), S::kStopping);
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kFailed);
  EXPECT_THAT(RunOf("a", 1).reason, HasSubstr("start_timeout"));
  EXPECT_EQ(Status(), ExecutionStatus::kFailed);
}

TEST_F(LimitsTest, ARunThatBeganInTimeHasNoStartTimeout) {
  TaskSpec a = Task("a");
  a.start_timeout = seconds(5);
  Run({a});
  Report("a", S::kRunning);
  EXPECT_EQ(Pass(seconds(100)), 0);
}

TEST_F(LimitsTest, Rule11QueueTimeoutIsUnlimitedUnlessSet) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  TaskSpec patient = Task("patient");
  TaskSpec hasty = Task("hasty");
  hasty.queue_timeout = seconds(5);
  Run({Task("a"), patient, hasty});
  Report("a", S::kRunning);
  Pass(std::chrono::hours(1'000));
  DeliverAnnouncements();
  EXPECT_EQ(Latest("patient"), S::kQueued);
  EXPECT_EQ(Latest("hasty"), S::kFailed);
  EXPECT_THAT(RunOf("hasty", 1).reason,
              HasSubstr("queue_timeout: it waited 5 s for a slot (waits for a slot: the local "
                        "executor has 1 of 1 slots in use)"));
}

TEST_F(LimitsTest, Rule10AStopThatDoesNotEndRaisesAnAlarmOnceAndStays) {
  TaskSpec a = Task("a");
  a.stop_grace = seconds(10);
  const int64_t id = Run({a, Task("stream")});
  Report("stream", S::kRunning);
  Report("a", S::kRunning);
  Request(StopTaskExecution{.execution_id = id, .task = "a"});
  Pass(seconds(10) + kStopAlarm + seconds(1));
  EXPECT_EQ(Latest("a"), S::kStopping);
  const auto alarms = Causes("a", CauseKind::kAlarm);
  ASSERT_EQ(alarms.size(), 1U);
  EXPECT_THAT(alarms[0].text, HasSubstr("cannot kill pid 42"));
  EXPECT_EQ(Pass(std::chrono::hours(10)), 0);
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kStopped);
}

TEST_F(LimitsTest, AStopByAPersonWeighsMoreThanALimit) {
  TaskSpec a = WithTimeout(Task("a"), seconds(10));
  a.retry.retries = 3;
  const int64_t id = Run({a, Task("stream")});
  Report("a", S::kRunning);
  Pass(seconds(11));
  Request(StopTaskExecution{.execution_id = id, .task = "a"});
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kStopped);
}

TEST_F(LimitsTest, ExecutionTimeoutOfTheWorkflowStopsIt) {
  WorkflowSpec spec = Workflow({Task("a"), Task("b", {Start(OnEvent("never"))})});
  spec.keep_open = true;
  spec.execution_timeout = seconds(30);
  Upload(spec);
  StartExecution();
  Report("a", S::kRunning);
  Pass(seconds(31));
  EXPECT_EQ(Status(), ExecutionStatus::kStopping);
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kStopped);
  EXPECT_EQ(Status(), ExecutionStatus::kStopped);
  EXPECT_THAT(Execution().reason, HasSubstr("execution_timeout"));
}

TEST_F(LimitsTest, AFiringThatComesAgainChangesNothing) {
  Run({WithTimeout(Task("a"), seconds(10))});
  Report("a", S::kRunning);
  const auto timer = TimerFired{.kind = TimerKind::kTask,
                                .owner = last_,
                                .task = 0,
                                .generation = 1,
                                .due_ms = RunOf("a", 1).deadline.count()};
  Pass(seconds(11));
  const auto before = RunOf("a", 1);
  Request(timer);
  EXPECT_EQ(RunOf("a", 1), before);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
}

}  // namespace
}  // namespace aiflow::test
