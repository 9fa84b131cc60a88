#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using S = TaskStatus;

class TaskActionsTest : public SchedulerTest {
 protected:
  /// A stream keeps the execution open; `a` is the task under test, driven by events.
  int64_t RunDriven(OnAlive on_alive, int64_t max_pending = 1000) {
    TaskSpec a = Task("a", {Start(OnEvent("go")), Restart(OnEvent("again")), Stop(OnEvent("stop"))},
                      on_alive);
    a.max_pending_starts = max_pending;
    return Run({Task("stream"), a});
  }
};

TEST_F(TaskActionsTest, AStartDispatchesInOneCommit) {
  RunDriven(OnAlive::kIgnore);
  const Offset offset = Send("go");
  const TaskExecutionRow& run = RunOf("a", 1);
  EXPECT_EQ(run.status, S::kQueued);
  EXPECT_EQ(run.cause_offset, offset);
  EXPECT_EQ(run.cause_rule, 0);
  EXPECT_EQ(run.begin, Millis(1'000'000 + offset));
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1);
  const auto causes = Causes("a", CauseKind::kStarted);
  ASSERT_EQ(causes.size(), 1U);
  EXPECT_THAT(causes[0].text, HasSubstr("event 'go' at offset " + std::to_string(offset)));
}

TEST_F(TaskActionsTest, Rule09StartOnALiveTaskIsIgnoredAndRecordedByDefault) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  const Offset second = Send("go");  // QUEUED is alive
  Report("a", S::kRunning);
  const Offset third = Send("go");
  EXPECT_EQ(Runs("a"), 1);
  const auto ignored = Causes("a", CauseKind::kIgnored);
  ASSERT_EQ(ignored.size(), 2U);
  EXPECT_EQ(ignored[0].offset, second);
  EXPECT_EQ(ignored[1].offset, third);
  EXPECT_THAT(ignored[1].text, HasSubstr("event 'go' at offset " + std::to_string(third)));
}

TEST_F(TaskActionsTest, Rule09QueueKeepsOneRunPerCausingEventInOrder) {
  RunDriven(OnAlive::kQueue);
  std::vector<Offset> events;
  for (int i = 0; i < 4; ++i) events.push_back(Send("go"));
  EXPECT_EQ(Runs("a"), 1);
  EXPECT_EQ(Causes("a", CauseKind::kQueued).size(), 3U);
  for (int64_t sequence = 1; sequence <= 4; ++sequence) {
    EXPECT_EQ(TaskState("a").current, sequence);
    EXPECT_EQ(RunOf("a", sequence).cause_offset, events[static_cast<size_t>(sequence - 1)]);
    Succeed("a");
  }
  EXPECT_EQ(Runs("a"), 4);
  EXPECT_EQ(TaskState("a").current, 0);
}

TEST_F(TaskActionsTest, Rule09QueueGoesOnAfterAFailedRun) {
  RunDriven(OnAlive::kQueue);
  Send("go");
  Send("go");
  Report("a", S::kFailed);
  EXPECT_EQ(TaskState("a").current, 2);
}

TEST_F(TaskActionsTest, Rule09QueueOverflowFailsVisibly) {
  RunDriven(OnAlive::kQueue, /*max_pending=*/2);
  for (int i = 0; i < 3; ++i) Send("go");
  const Offset over = Send("go");
  const auto dropped = Causes("a", CauseKind::kDropped);
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].offset, over);
  EXPECT_THAT(dropped[0].text, HasSubstr("max_pending_starts"));
  const ReplyRow reply = Request(StartTaskExecution{last_, "a"});
  EXPECT_EQ(reply.code, static_cast<int>(Code::kResourceExhausted));
  for (int i = 0; i < 3; ++i) Succeed("a");
  EXPECT_EQ(Runs("a"), 3);
}

TEST_F(TaskActionsTest, Rule09OnAliveRestartStopsCurrentAndMakesASuccessor) {
  RunDriven(OnAlive::kRestart);
  Send("go");
  Report("a", S::kRunning);
  Send("go");
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
  EXPECT_EQ(RunOf("a", 2).status, S::kInit);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 0);
  Report("a", S::kStopped);
  EXPECT_EQ(RunOf("a", 2).status, S::kQueued);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1);
  EXPECT_EQ(TaskState("a").latest, 2);
}

TEST_F(TaskActionsTest, Rule09RestartOfAnIdleTaskStartsIt) {
  RunDriven(OnAlive::kIgnore);
  Send("again");
  EXPECT_EQ(RunOf("a", 1).status, S::kQueued);
}

TEST_F(TaskActionsTest, Rule09FurtherRestartsAreCoalescedIntoTheSuccessor) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Report("a", S::kRunning);
  const Offset first = Send("again");
  const Offset second = Send("again");
  const Offset third = Send("again");
  EXPECT_EQ(Runs("a"), 2);
  EXPECT_EQ(RunOf("a", 2).coalesced, 2);
  EXPECT_EQ(RunOf("a", 2).cause_offset, third);
  const auto coalesced = Causes("a", CauseKind::kCoalesced);
  ASSERT_EQ(coalesced.size(), 2U);
  EXPECT_EQ(coalesced[0].offset, second);
  EXPECT_THAT(coalesced[0].text, HasSubstr("offset " + std::to_string(first)));
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1) << "stopped once only";
  Report("a", S::kStopped);
  EXPECT_EQ(TaskState("a").current, 2);
  Succeed("a");
  EXPECT_EQ(Runs("a"), 2);
}

TEST_F(TaskActionsTest, Rule09StartWhileStoppingMakesASuccessorNeverAnOverlap) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Report("a", S::kRunning);
  Send("stop");
  Send("go");
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
  EXPECT_EQ(RunOf("a", 2).status, S::kInit);
  Send("go");
  EXPECT_EQ(RunOf("a", 2).coalesced, 1);
  Report("a", S::kStopped);
  EXPECT_EQ(RunOf("a", 2).status, S::kQueued);
}

TEST_F(TaskActionsTest, Rule09StartWhileStoppingLosesNothingOfAQueue) {
  RunDriven(OnAlive::kQueue);
  Send("go");
  Report("a", S::kRunning);
  Send("stop");
  const Offset first = Send("go");
  const Offset second = Send("go");
  Report("a", S::kStopped);
  EXPECT_EQ(RunOf("a", 2).cause_offset, first);
  Succeed("a");
  EXPECT_EQ(RunOf("a", 3).cause_offset, second);
}

TEST_F(TaskActionsTest, Rule09StopCancelsTheSuccessorWhichNeverRuns) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Report("a", S::kRunning);
  Send("again");
  Send("stop");
  EXPECT_EQ(RunOf("a", 2).status, S::kStopped);
  EXPECT_EQ(RunOf("a", 1).stop_cause, StopCause::kRule) << "a stop weighs more than a restart";
  EXPECT_THAT(Announced(), ElementsAre("a RUNNING", "a STOPPED"));
  Report("a", S::kStopped);
  EXPECT_EQ(TaskState("a").current, 0);
  EXPECT_EQ(Latest("a"), S::kStopped);
  EXPECT_EQ(TaskState("a").latest, 1);
}

TEST_F(TaskActionsTest, Rule09SuccessorStartsAlsoWhenCurrentEndsByItself) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Report("a", S::kRunning);
  Send("again");
  Report("a", S::kSuccess);  // before the stop reached it
  EXPECT_EQ(RunOf("a", 1).status, S::kSuccess);
  EXPECT_EQ(RunOf("a", 2).status, S::kQueued);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 0);
}

TEST_F(TaskActionsTest, Rule09StopCancelsKeptStartsAndNamesTheirEvents) {
  RunDriven(OnAlive::kQueue);
  Send("go");
  const Offset kept = Send("go");
  Send("stop");
  const auto dropped = Causes("a", CauseKind::kDropped);
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_THAT(dropped[0].text, HasSubstr("at offsets " + std::to_string(kept)));
  Report("a", S::kStopped);
  EXPECT_EQ(TaskState("a").current, 0);
}

TEST_F(TaskActionsTest, Rule09RestartOfAQueuedRunNeverLetsTwoRun) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Send("again");  // the first is not claimed yet
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
  EXPECT_EQ(RunOf("a", 2).status, S::kInit);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1) << "that of the first; its stop follows";
  Report("a", S::kStopped);
  EXPECT_EQ(TaskState("a").current, 2);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1);
}

TEST_F(TaskActionsTest, Rule09RestartWhileStoppingMakesASuccessor) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Report("a", S::kRunning);
  Send("stop");
  Send("again");
  EXPECT_EQ(RunOf("a", 2).status, S::kInit);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1) << "it is stopping already";
  EXPECT_EQ(RunOf("a", 1).stop_cause, StopCause::kRule);
  Report("a", S::kStopped);
  EXPECT_EQ(TaskState("a").current, 2);
}

TEST_F(TaskActionsTest, Rule09StartWhileStoppingIsTheSameForAnOnAliveOfRestart) {
  RunDriven(OnAlive::kRestart);
  Send("go");
  Report("a", S::kRunning);
  Send("stop");
  Send("go");
  const Offset last = Send("go");
  EXPECT_EQ(Runs("a"), 2);
  EXPECT_EQ(RunOf("a", 2).coalesced, 1);
  EXPECT_EQ(RunOf("a", 2).cause_offset, last);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
}

TEST_F(TaskActionsTest, Rule09ASuccessorGoesBeforeTheKeptStartsOfAQueue) {
  RunDriven(OnAlive::kQueue);
  Send("go");
  const Offset kept = Send("go");
  const Offset again = Send("again");
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
  Report("a", S::kStopped);
  EXPECT_EQ(RunOf("a", 2).cause_offset, again);
  Succeed("a");
  EXPECT_EQ(RunOf("a", 3).cause_offset, kept) << "a restart loses no kept start";
  Succeed("a");
  EXPECT_EQ(Runs("a"), 3);
}

TEST_F(TaskActionsTest, Rule09AStopWhileStoppingCancelsWhatCameInBetween) {
  RunDriven(OnAlive::kQueue);
  Send("go");
  Report("a", S::kRunning);
  Send("stop");
  Send("go");  // the successor
  Send("go");  // kept
  Send("stop");
  EXPECT_EQ(RunOf("a", 2).status, S::kStopped);
  Report("a", S::kSuccess);  // it ended by itself first, and nothing follows
  EXPECT_EQ(RunOf("a", 1).status, S::kSuccess);
  EXPECT_EQ(TaskState("a").current, 0);
  EXPECT_EQ(Runs("a"), 2);
  Send("go");
  EXPECT_EQ(TaskState("a").current, 3) << "later starts are new ones";
}

TEST_F(TaskActionsTest, Rule09SuccessorStartsAlsoWhenCurrentFailsByItself) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Report("a", S::kRunning);
  Send("again");
  Report("a", S::kFailed);
  EXPECT_EQ(RunOf("a", 1).status, S::kFailed);
  EXPECT_EQ(TaskState("a").current, 2);
}

TEST_F(TaskActionsTest, Rule10StopOfAQueuedRunLeavesTheDecisionToTheClaim) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Send("stop");
  EXPECT_EQ(Latest("a"), S::kStopping);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
  Report("a", S::kStopped);
  EXPECT_EQ(Latest("a"), S::kStopped);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 0);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 0);
}

TEST_F(TaskActionsTest, Rule10StoppingTwiceSendsOneStop) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Send("stop");
  Send("stop");
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
}

TEST_F(TaskActionsTest, StopRuleOnATaskThatNeverRanDoesNothing) {
  RunDriven(OnAlive::kIgnore);
  Send("stop");
  EXPECT_EQ(Runs("a"), 0);
  EXPECT_EQ(Status(), ExecutionStatus::kRunning);
}

TEST_F(TaskActionsTest, SequenceNumbersAreNeverReused) {
  RunDriven(OnAlive::kIgnore);
  Send("go");
  Send("again");
  Send("stop");  // cancels run 2
  Report("a", S::kStopped);
  Send("go");
  EXPECT_EQ(TaskState("a").current, 3);
}

TEST_F(TaskActionsTest, ATaskMayRestartItselfAfterAFailure) {
  Run({Task("a", {Restart(OnStatus("a", S::kFailed))})});
  Report("a", S::kFailed);
  EXPECT_EQ(TaskState("a").current, 2);
  EXPECT_EQ(Status(), ExecutionStatus::kRunning);
  Succeed("a");
  EXPECT_EQ(Status(), ExecutionStatus::kSuccess);
}

}  // namespace
}  // namespace aiflow::test
