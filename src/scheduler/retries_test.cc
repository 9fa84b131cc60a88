#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using S = TaskStatus;
using std::chrono::seconds;

TaskSpec Retrying(TaskSpec task, int64_t retries, Millis delay) {
  task.retry.retries = retries;
  task.retry.delay = delay;
  return task;
}

class RetriesTest : public SchedulerTest {
 protected:
  void Fail(const std::string& task) {
    Report(task, S::kRunning);
    Report(task, S::kFailed);
  }
};

TEST_F(RetriesTest, Rule08AFailingTryWithTriesLeftIsRetryingOnlyAndFailedComesWithTheLast) {
  Run({Retrying(Task("a"), 1, seconds(5)), Task("handler", {Start(OnStatus("a", S::kFailed))}),
       Task("note", {Start(OnStatus("a", S::kRetrying))})});
  Fail("a");
  EXPECT_EQ(Latest("a"), S::kRetrying);
  EXPECT_EQ(Latest("handler"), std::nullopt);
  EXPECT_EQ(Latest("note"), S::kQueued);
  EXPECT_THAT(RunOf("a", 1).reason, HasSubstr("try 1 of 2 failed: exit code 1"));
  EXPECT_EQ(Causes("a", CauseKind::kRetrying).size(), 1U);
  Pass(seconds(5));
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_EQ(RunOf("a", 1).try_number, 2);
  EXPECT_EQ(RunOf("a", 1).sequence, 1);
  Fail("a");
  EXPECT_EQ(Latest("a"), S::kFailed);
  EXPECT_EQ(Latest("handler"), S::kQueued);
  EXPECT_THAT(Announced(), testing::IsSupersetOf({"a RETRYING", "a FAILED"}));
}

TEST_F(RetriesTest, NothingStartsBeforeTheDelayIsOver) {
  Run({Retrying(Task("a"), 3, seconds(5))});
  Fail("a");
  EXPECT_EQ(Pass(Millis(4'990)), 0);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 0);
  EXPECT_EQ(Pass(Millis(20)), 1);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1);
}

TEST_F(RetriesTest, TheDelayDoublesUpToItsBound) {
  TaskSpec a = Retrying(Task("a"), 5, seconds(1));
  a.retry.exponential = true;
  a.retry.max_delay = seconds(3);
  Run({a});
  std::vector<int64_t> delays;
  for (int i = 0; i < 4; ++i) {
    Fail("a");
    delays.push_back((RunOf("a", 1).deadline - now_).count());
    Pass(seconds(3));
  }
  EXPECT_THAT(delays, ElementsAre(1000, 2000, 3000, 3000));
}

TEST_F(RetriesTest, AnEndlessBackOffDoesNotOverflow) {
  TaskSpec a = Retrying(Task("a"), 200, seconds(1));
  a.retry.exponential = true;
  Run({a});
  for (int i = 0; i < 100; ++i) {
    Fail("a");
    const Millis delay = RunOf("a", 1).deadline - now_;
    EXPECT_GT(delay, Millis(0));
    EXPECT_LE(delay, std::chrono::hours(24));
    Pass(delay);
  }
}

TEST_F(RetriesTest, AFailureForGoodIsNotRetried) {
  Run({Retrying(Task("a"), 3, seconds(1))});
  Report("a", S::kRunning);
  TaskStatusReport report{.attempt = RunOf("a", 1).attempt(),
                          .task_name = "a",
                          .status = S::kFailed,
                          .reason = "bad input",
                          .non_retriable = true};
  Deliver(FormatRequest(report));
  EXPECT_EQ(Latest("a"), S::kFailed);
  EXPECT_EQ(Status(), ExecutionStatus::kFailed);
}

TEST_F(RetriesTest, AReportOfAnOlderTryIsIgnoredAndRecorded) {
  Run({Retrying(Task("a"), 3, seconds(1))});
  Fail("a");
  const AttemptKey first = RunOf("a", 1).attempt();
  Pass(seconds(1));
  Report("a", S::kRunning);
  Deliver(
      FormatRequest(TaskStatusReport{.attempt = first, .task_name = "a", .status = S::kSuccess}));
  EXPECT_EQ(Latest("a"), S::kRunning);
  EXPECT_EQ(Causes("a", CauseKind::kRejected).size(), 1U);
}

TEST_F(RetriesTest, Rule10StopOfARetryingRunIsStoppedWithoutAProcess) {
  Run({Retrying(Task("a", {Start(OnEvent("go")), Stop(OnEvent("stop"))}), 3, seconds(60)),
       Task("b", {Start(OnStatus("a", S::kStopped))}), Task("stream")});
  Send("go");
  Fail("a");
  Send("stop");
  EXPECT_EQ(Latest("a"), S::kStopping);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 0);
  DeliverAnnouncements();
  EXPECT_EQ(Latest("a"), S::kStopped);
  EXPECT_EQ(Latest("b"), S::kQueued);
  Report("b", S::kRunning);
  Report("stream", S::kRunning);
  EXPECT_EQ(Pass(seconds(120)), 0);
  EXPECT_EQ(RunOf("a", 1).try_number, 1);
}

TEST_F(RetriesTest, ARestartOfARetryingRunIsANewRun) {
  Run({Retrying(Task("a", {Start(OnEvent("go")), Restart(OnEvent("again"))}), 3, seconds(60)),
       Task("stream")});
  Send("go");
  Fail("a");
  Send("again");
  DeliverAnnouncements();
  EXPECT_EQ(RunOf("a", 1).status, S::kStopped);
  EXPECT_EQ(RunOf("a", 2).status, S::kQueued);
  EXPECT_EQ(RunOf("a", 2).try_number, 1);
}

TEST_F(RetriesTest, ARetryingRunHoldsItsExecutionOpenAndIsAliveForStarts) {
  Run({Retrying(Task("a", {Start(OnEvent("go"))}), 3, seconds(60))});
  Send("go");
  Fail("a");
  EXPECT_EQ(Status(), ExecutionStatus::kRunning);
  Send("go");
  EXPECT_EQ(Causes("a", CauseKind::kIgnored).size(), 1U);
}

TEST_F(RetriesTest, AStoppingExecutionRetriesNothing) {
  const int64_t id = Run({Retrying(Task("a"), 3, seconds(1))});
  Report("a", S::kRunning);
  Request(StopWorkflowExecution{id});
  Report("a", S::kFailed);
  EXPECT_EQ(Latest("a"), S::kFailed);
  EXPECT_EQ(Status(), ExecutionStatus::kStopped);
  EXPECT_EQ(Pass(seconds(100)), 0);
}

TEST_F(RetriesTest, AStopWhileRetryingEndsAStoppedExecution) {
  const int64_t id = Run({Retrying(Task("a"), 3, seconds(1))});
  Fail("a");
  Request(StopWorkflowExecution{id});
  DeliverAnnouncements();
  EXPECT_EQ(Status(), ExecutionStatus::kStopped);
}

}  // namespace
}  // namespace aiflow::test
