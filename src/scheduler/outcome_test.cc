#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using E = ExecutionStatus;
using S = TaskStatus;

using OutcomeTest = SchedulerTest;

TEST_F(OutcomeTest, AnExecutionRunsFromItsStartOn) {
  Run({Task("a"), Task("b", {Start(OnEvent("k"))})});
  EXPECT_EQ(Status(), E::kRunning);
  EXPECT_EQ(Execution().begin, Millis(1'000'000 + offset_));
  EXPECT_EQ(Execution().created_offset, offset_);
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_EQ(RunOf("a", 1).cause_rule, -1);
  EXPECT_EQ(Latest("b"), std::nullopt);
}

TEST_F(OutcomeTest, Rule29SuccessWhenAllTasksSucceeded) {
  Run({Task("a"), Task("b")});
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Execution().end, Millis(1'000'000 + offset_));
}

TEST_F(OutcomeTest, Rule29AFailedUpstreamEndsTheExecutionWithItsDownstreamNeverStarted) {
  Run({Task("a"), Task("b", {Start(After({"a"}))}), Task("c", {Start(After({"b"}))})});
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kFailed);
  EXPECT_THAT(Execution().reason, HasSubstr("task 'a' failed: exit code 1"));
  EXPECT_EQ(Runs("b"), 0);
}

TEST_F(OutcomeTest, Rule29AFailureWaitsForTheTasksThatStillRun) {
  Run({Task("a"), Task("b")});
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("b");
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(OutcomeTest, Rule29TheOutcomeDoesNotDependOnTheOrderOfDefinition) {
  for (const bool failing_first : {true, false}) {
    Run({Task(failing_first ? "bad" : "good"), Task(failing_first ? "good" : "bad")});
    Succeed("good");
    Report("bad", S::kFailed);
    EXPECT_EQ(Status(), E::kFailed);
  }
}

TEST_F(OutcomeTest, Rule29AHandledFailureIsStillTheOutcomeOfThatTask) {
  Run({Task("a"), Task("cleanup", {Start(OnStatus("a", S::kFailed))})});
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("cleanup");
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(OutcomeTest, Rule29OnlyTheLatestRunOfATaskCounts) {
  Run({Task("a", {Restart(OnEvent("again"))}), Task("b")});
  Report("a", S::kFailed);
  Send("again");
  Succeed("b");
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29ATaskThatWaitsForAnEventHoldsItOpen) {
  Run({Task("a"), Task("b", {Start(OnEvent("k"))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
  Send("k");
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29ATaskThatRanAndMayRunAgainDoesNotHoldItOpen) {
  Run({Task("b", {Start(OnEvent("k"))})});
  Send("k");
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29OptionalTasksDoNotHoldItOpen) {
  Run({Task("a"), Optional(Task("b", {Start(OnEvent("k"))})),
       Task("c", {Start(AllOf({OnStatus("b"), OnStatus("a")}))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess) << "c can start after the optional b only";
}

TEST_F(OutcomeTest, Rule29AnOptionalTaskThatRunsIsWaitedFor) {
  Run({Task("a"), Optional(Task("b", {Start(OnEvent("k"))}))});
  Send("k");
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29KeepOpenEndsOnlyByStop) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.keep_open = true;
  Upload(spec);
  StartExecution();
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
  Request(StopWorkflowExecution{last_});
  EXPECT_EQ(Status(), E::kStopped);
}

TEST_F(OutcomeTest, Rule29AllOfIsPossibleWhenEachPartIs) {
  Run({Task("a"), Task("b", {Start(AllOf({OnStatus("a"), OnEvent("k")}))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning) << "a holds, k may come";
}

TEST_F(OutcomeTest, Rule29AllOfIsImpossibleWhenOnePartIs) {
  Run({Task("a"), Task("b", {Start(AllOf({OnStatus("a"), OnEvent("k")}))})});
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(OutcomeTest, Rule29AnyOfIsPossibleWhenOnePartIs) {
  Run({Task("a"), Task("b", {Start(AnyOf({OnStatus("a"), OnEvent("k")}))})});
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kRunning);
}

TEST_F(OutcomeTest, Rule29AForeignStatusMayAlwaysCome) {
  Run({Task("a"), Task("b", {Start(OnStatus("up", S::kSuccess, "other"))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
}

TEST_F(OutcomeTest, Rule29WhatAnEventMayStartMayStartOthers) {
  Run({Task("a"), Task("b", {Start(OnEvent("k"))}), Task("c", {Start(After({"b"}))})});
  Succeed("a");
  Send("k");
  Report("b", S::kFailed);
  EXPECT_EQ(Status(), E::kRunning) << "another k may start b again, and c after it";
}

TEST_F(OutcomeTest, Rule29TasksThatOnlyWaitForEachOtherDoNotHoldItOpen) {
  // b has another way in, which is closed once a has succeeded: the least fixpoint has neither.
  Run({Task("a"), Task("b", {Start(OnStatus("a", S::kFailed)), Start(OnStatus("c"))}),
       Task("c", {Start(After({"b"}))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Runs("b"), 0);
}

TEST_F(OutcomeTest, Rule29AStopRuleStartsNothing) {
  Run({Task("a"), Task("b", {Start(OnStatus("a", S::kFailed)), Stop(OnEvent("k"))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29ASuccessorIsWaitedFor) {
  Run({Task("a", {Restart(OnEvent("again"))})});
  Report("a", S::kRunning);
  Send("again");
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess) << "the stop for the restart is not the outcome";
}

TEST_F(OutcomeTest, Rule29KeptStartsAreWaitedFor) {
  Run({Task("q", {Start(OnEvent("go"))}, OnAlive::kQueue)});
  Send("go");
  Send("go");
  Succeed("q");
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("q");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29KeepOpenIsNotEndedByAFailure) {
  WorkflowSpec spec = Workflow({Task("a", {Restart(OnEvent("again"))})});
  spec.keep_open = true;
  Upload(spec);
  StartExecution();
  Send("again");
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kRunning);
  Send("again");
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
}

TEST_F(OutcomeTest, Rule29AFailedOptionalTaskIsAFailure) {
  Run({Task("a"), Optional(Task("b"))});
  Succeed("a");
  Report("b", S::kFailed);
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(OutcomeTest, Rule29ItIsDecidedOnceAndNothingFlipsItLater) {
  Run({Task("a", {Stop(OnEvent("stop"))}), Task("b", {Start(OnEvent("k"))})});
  Report("a", S::kFailed);
  Send("k");
  Succeed("b");
  ASSERT_EQ(Status(), E::kFailed);
  const ExecutionRow ended = Execution();
  Send("stop");
  Send("k", last_);
  Report("a", S::kSuccess, 1);
  Request(StopWorkflowExecution{last_});
  EXPECT_EQ(Execution(), ended);
}

TEST_F(OutcomeTest, Rule29ARestartRuleMayStartWhatNeverRan) {
  Run({Task("a"), Task("b", {Start(OnStatus("a", S::kFailed)), Restart(OnEvent("k"))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kRunning);
  Send("k");
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29AStatusThatHoldsStartsNobodyWithoutAnEventToCome) {
  // The STOP rule won the only SUCCESS that a will have.
  Run({Task("a"), Task("b", {Stop(OnStatus("a")), Start(OnStatus("a"))})});
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(OutcomeTest, Rule29NothingStartedAndNothingCanIsAFailure) {
  Run({Optional(Task("a", {Start(OnEvent("k"))}))});
  EXPECT_EQ(Status(), E::kFailed);
  EXPECT_THAT(Execution().reason, HasSubstr("none can"));
}

TEST_F(OutcomeTest, AnExecutionWhoseTasksAllWaitStaysRunning) {
  Run({Task("a", {Start(OnEvent("k"))})});
  EXPECT_EQ(Status(), E::kRunning);
  EXPECT_TRUE(rows_.tasks.empty());
}

TEST_F(OutcomeTest, Rule29AStreamStoppedByARuleOfItsWorkflowIsASuccess) {
  Run({Task("stream", {Stop(OnStatus("train"))}), Task("train")});
  Report("stream", S::kRunning);
  Succeed("train");
  EXPECT_EQ(Status(), E::kRunning);
  Report("stream", S::kStopped);
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(RunOf("stream", 1).stop_cause, StopCause::kRule);
}

TEST_F(OutcomeTest, Rule29ATaskStoppedByAPersonMakesItStopped) {
  Run({Task("stream"), Task("train")});
  Request(StopTaskExecution{last_, "stream", 0});
  Report("stream", S::kStopped);
  Succeed("train");
  EXPECT_EQ(Status(), E::kStopped);
  EXPECT_EQ(Execution().stop_cause, StopCause::kRequest);
}

TEST_F(OutcomeTest, Rule29AFailureWeighsMoreThanAStop) {
  Run({Task("stream"), Task("train")});
  Request(StopTaskExecution{last_, "stream", 0});
  Report("stream", S::kStopped);
  Report("train", S::kFailed);
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(OutcomeTest, StoppingAnExecutionWaitsForItsTasks) {
  Run({Task("a"), Task("b"), Task("c", {Start(OnStatus("a", S::kStopped))})});
  Report("a", S::kRunning);
  Request(StopWorkflowExecution{last_});
  EXPECT_EQ(Status(), E::kStopping);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "a"), 1);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "b"), 1);
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), E::kStopping);
  EXPECT_EQ(Runs("c"), 0) << "a stopping execution starts nothing";
  Report("b", S::kStopped);
  EXPECT_EQ(Status(), E::kStopped);
}

TEST_F(OutcomeTest, StoppingCancelsSuccessorsAndKeptStarts) {
  Run({Task("a", {Restart(OnEvent("again"))}), Task("q", {Start(OnEvent("go"))}, OnAlive::kQueue)});
  Send("again");
  Send("go");
  Send("go");
  Request(StopWorkflowExecution{last_});
  EXPECT_EQ(RunOf("a", 2).status, S::kStopped);
  EXPECT_EQ(Causes("q", CauseKind::kDropped).size(), 1U);
  Report("a", S::kStopped);
  Report("q", S::kSuccess);  // ended by itself
  EXPECT_EQ(Status(), E::kStopped);
  EXPECT_EQ(Runs("a"), 2);
  EXPECT_EQ(Runs("q"), 1);
}

TEST_F(OutcomeTest, AFailureWhileStoppingIsStillStopped) {
  Run({Task("a")});
  Request(StopWorkflowExecution{last_});
  Report("a", S::kFailed);
  EXPECT_EQ(Status(), E::kStopped);
}

TEST_F(OutcomeTest, TheQuickstartEndsAsTheReferenceDoes) {
  Run({Task("task1"), Task("task2"), Task("task3", {Start(After({"task1", "task2"}))}),
       Task("task4", {Start(OnEvent("key"))})});
  Succeed("task1");
  Succeed("task2");
  Report("task3", S::kRunning);
  Send("key", last_);
  EXPECT_EQ(Latest("task4"), S::kQueued);
  Succeed("task4");
  EXPECT_EQ(Status(), E::kRunning);
  Report("task3", S::kSuccess);
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Announced().size(), 8U);
}

}  // namespace
}  // namespace aiflow::test
