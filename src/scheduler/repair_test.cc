#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using E = ExecutionStatus;
using S = TaskStatus;

class RepairTest : public SchedulerTest {
 protected:
  Code Ask(const aiflow::Request& request) {
    last_reply_ = Request(request);
    return static_cast<Code>(last_reply_.code);
  }
  const std::string& Message() const { return last_reply_.message; }
  Code Mark(const std::string& task, S status, const std::string& note = "", int64_t id = 1) {
    return Ask(MarkTask{.execution_id = id, .task = task, .status = status, .note = note});
  }
  /// Causes of the execution itself.
  std::vector<std::string> Reopenings(int64_t id = 1) const {
    std::vector<std::string> texts;
    for (const auto& [key, cause] : rows_.causes) {
      if (cause.execution_id == ExecutionId(id) && cause.kind == CauseKind::kReopened) {
        EXPECT_EQ(cause.task, -1);
        texts.push_back(cause.text);
      }
    }
    return texts;
  }
  /// A refusal writes its reply and nothing else.
  void ExpectNothingElse() const {
    ASSERT_THAT(decision_.changes, SizeIs(1));
    EXPECT_TRUE(std::holds_alternative<ReplyRow>(decision_.changes[0]));
  }
  /// a -> b -> c, where a has failed.
  void RunFailedChain() {
    Run({Task("a"), Task("b", {Start(After({"a"}))}), Task("c", {Start(After({"b"}))})});
    Report("a", S::kFailed);
    ASSERT_EQ(Status(), E::kFailed);
  }

  ReplyRow last_reply_;
};

// ---- Reopening ---------------------------------------------------------------------------------

TEST_F(RepairTest, Rule30AFailedExecutionGoesOnFromTheFailedTaskWithItsDownstream) {
  RunFailedChain();
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 1);
  EXPECT_EQ(last_reply_.detail, "{\"reopened\":true}");
  EXPECT_THAT(Message(), HasSubstr("'a'"));
  EXPECT_EQ(Status(), E::kRunning);
  EXPECT_EQ(Execution().end, Millis(0));
  EXPECT_EQ(Execution().reason, "");
  EXPECT_EQ(Execution().event_offset, offset_);
  EXPECT_THAT(Reopenings(), ElementsAre(HasSubstr("FAILED: task 'a' failed: exit code 1")));
  Succeed("a");
  Succeed("b");
  Succeed("c");
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Runs("a"), 2);
  EXPECT_EQ(RunOf("a", 1).status, S::kFailed) << "what has happened stays";
}

TEST_F(RepairTest, Rule30ATaskThatSucceededRunsAgainAndSoDoesItsDownstream) {
  Run({Task("a"), Task("x"), Task("b", {Start(After({"a", "x"}))})});
  Succeed("a");
  Succeed("x");
  Succeed("b");
  ASSERT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kOk);
  Succeed("a");
  EXPECT_EQ(Runs("b"), 2) << "the run of a that b's join looks at is another one";
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Runs("x"), 1);
}

TEST_F(RepairTest, Rule30ReopeningAloneFiresNoJoinAgain) {
  Run({Task("a"), Task("b", {Start(After({"a"}))}), Task("c", {Start(After({"a"}))})});
  Succeed("a");
  Succeed("b");
  Report("c", S::kFailed);
  ASSERT_EQ(Status(), E::kFailed);
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kOk);
  Succeed("c");
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Runs("a") + Runs("b"), 2);
}

TEST_F(RepairTest, Rule30EventsThatWaitedForOthersAreForgotten) {
  Run({Task("a"), Optional(Task("b", {Start(AllOf({OnEvent("k"), OnEvent("l")}))}))});
  Send("k");
  Succeed("a");
  ASSERT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kOk);
  Send("l");
  EXPECT_EQ(Runs("b"), 0);
  Send("k");
  EXPECT_EQ(Runs("b"), 1);
}

TEST_F(RepairTest, Rule30TheLastKnownStatusOfAnotherWorkflowIsKept) {
  Upload(Workflow({Task("t")}, "other"));
  Run({Task("a"),
       Optional(Task("b", {Start(AllOf({OnStatus("t", S::kSuccess, "other"), OnEvent("k")}))}))});
  const int64_t watching = last_;
  StartExecution("other");
  Succeed("t");
  DeliverAnnouncements();
  last_ = watching;
  Succeed("a");
  ASSERT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Ask(RerunTasks{watching, {"a"}}), Code::kOk);
  Send("k");
  EXPECT_EQ(Runs("b"), 1);
}

TEST_F(RepairTest, Rule30WhatHappenedInBetweenIsNotDelivered) {
  Run({Task("a"), Optional(Task("b", {Start(OnEvent("k"))}))});
  Succeed("a");
  Send("k");
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kOk);
  EXPECT_EQ(Runs("b"), 0);
  Send("k");
  EXPECT_EQ(Runs("b"), 1);
}

TEST_F(RepairTest, Rule30ATaskOfAFinishedExecutionIsStartedByHand) {
  RunFailedChain();
  EXPECT_EQ(Ask(StartTaskExecution{1, "b"}), Code::kOk);
  EXPECT_EQ(last_reply_.detail, "{\"sequence\":1}");
  EXPECT_EQ(Status(), E::kRunning);
  EXPECT_THAT(Reopenings(), ElementsAre(HasSubstr("START_TASK_EXECUTION")));
  Succeed("b");
  Succeed("c");
  EXPECT_EQ(Status(), E::kFailed) << "a's latest run is still FAILED";
  EXPECT_EQ(Ask(RestartTaskExecution{1, "a"}), Code::kOk);
  Succeed("a");
  Succeed("b");
  Succeed("c");
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_THAT(Reopenings(), SizeIs(2));
}

TEST_F(RepairTest, Rule30TheWireMayReopenToo) {
  RunFailedChain();
  const ReplyRow reply = Request(StartTaskExecution{1, "a"}, nullptr, EventKind::kScheduling);
  EXPECT_EQ(reply.code, 0) << reply.message;
  EXPECT_EQ(Status(), E::kRunning);
  Report("a", S::kFailed);
  EXPECT_EQ(Request(RerunTasks{1, {}}, nullptr, EventKind::kScheduling).code,
            static_cast<int>(Code::kPermissionDenied));
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(RepairTest, Rule30AStoppedExecutionCountsAnewAfterReopening) {
  Run({Task("a"), Task("b")});
  Request(StopWorkflowExecution{1});
  Report("a", S::kStopped);
  Report("b", S::kStopped);
  ASSERT_EQ(Status(), E::kStopped);
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kOk);
  EXPECT_EQ(Execution().stop_cause, StopCause::kNone);
  Succeed("a");
  EXPECT_EQ(Status(), E::kStopped) << "b was stopped by a person";
  EXPECT_EQ(Ask(RerunTasks{1, {"b"}}), Code::kOk);
  Succeed("b");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(RepairTest, Rule30TheTimeLimitOfAReopenedExecutionBeginsAnew) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.execution_timeout = Millis(60'000);
  Upload(spec);
  StartExecution();
  Report("a", S::kFailed);
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kOk);
  EXPECT_EQ(Execution().deadline, now_ + Millis(60'000));
}

TEST_F(RepairTest, Rule30PeriodicTasksOfAReopenedExecutionTickFromNowOn) {
  TaskSpec tick = Task("tick");
  tick.periodic = "interval@0 0 1 0";
  Run({tick, Task("a", {Start(OnEvent("k"))})});
  Succeed("tick");
  Request(StopWorkflowExecution{1});
  ASSERT_EQ(Status(), E::kStopped);
  EXPECT_EQ(Pass(Millis(150'000)), 0);
  EXPECT_EQ(Ask(StartTaskExecution{1, "a"}), Code::kOk);
  EXPECT_EQ(TaskState("tick").next_tick, now_ + Millis(60'000));
  Report("a", S::kRunning);
  EXPECT_EQ(Pass(Millis(60'000)), 1);
  EXPECT_EQ(Runs("tick"), 2) << "those in between are not caught up";
}

TEST_F(RepairTest, AReopenedExecutionIsReopenedOnlyOnce) {
  RunFailedChain();
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kOk);
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kFailedPrecondition) << "asked twice: a is alive now";
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kFailedPrecondition);
  EXPECT_EQ(Runs("a"), 2);
  EXPECT_THAT(Reopenings(), SizeIs(1));
}

TEST_F(RepairTest, AReopenedExecutionIsStoppedAndDeletedAsAnyOther) {
  RunFailedChain();
  Ask(RerunTasks{1, {}});
  EXPECT_EQ(Ask(DeleteWorkflowExecution{1}), Code::kFailedPrecondition);
  EXPECT_EQ(Ask(DeleteWorkflow{"default", "w"}), Code::kFailedPrecondition);
  Ask(StopWorkflowExecution{1});
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), E::kStopped);
  EXPECT_EQ(Ask(DeleteWorkflowExecution{1}), Code::kOk);
  EXPECT_TRUE(rows_.runs.empty());
}

// ---- Rerun -------------------------------------------------------------------------------------

TEST_F(RepairTest, ARerunInARunningExecutionNeedsNoReopening) {
  Run({Task("a"), Task("long")});
  Report("a", S::kFailed);
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kOk);
  EXPECT_EQ(last_reply_.detail, "{\"reopened\":false}");
  EXPECT_THAT(Reopenings(), IsEmpty());
  EXPECT_EQ(Runs("a"), 2);
  EXPECT_EQ(Runs("long"), 1);
}

TEST_F(RepairTest, WithoutNamesEveryFailedTaskRunsAgain) {
  Run({Task("a"), Task("b"), Task("c")});
  Report("a", S::kFailed);
  Succeed("b");
  Report("c", S::kFailed);
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 2);
  EXPECT_EQ(Runs("b"), 1);
  EXPECT_EQ(RunOf("a", 2).cause_offset, offset_);
  EXPECT_EQ(RunOf("c", 2).cause_rule, -1);
}

TEST_F(RepairTest, ATaskNamedTwiceRunsOnce) {
  RunFailedChain();
  EXPECT_EQ(Ask(RerunTasks{1, {"a", "a"}}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 1);
  EXPECT_EQ(Runs("a"), 2);
}

TEST_F(RepairTest, ARerunThatCannotBeChangesNothing) {
  Run({Task("a"), Task("b")});
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("no task's latest run has failed"));
  ExpectNothingElse();
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("task 'a' is alive; stop it first"));
  ExpectNothingElse();
  Succeed("a");
  EXPECT_EQ(Ask(RerunTasks{1, {"a", "x"}}), Code::kNotFound);
  EXPECT_THAT(Message(), HasSubstr("Workflow execution 1 has no task 'x'"));
  ExpectNothingElse();
  EXPECT_EQ(Ask(RerunTasks{7, {}}), Code::kNotFound);
  EXPECT_THAT(Message(), HasSubstr("Workflow execution 7 not exists"));
  ExpectNothingElse();
  Ask(StopWorkflowExecution{1});
  EXPECT_EQ(Ask(RerunTasks{1, {"a"}}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("Workflow execution 1 is stopping"));
  ExpectNothingElse();
  Report("b", S::kStopped);
  EXPECT_EQ(Ask(RerunTasks{1, {"x"}}), Code::kNotFound);
  EXPECT_EQ(Status(), E::kStopped) << "not reopened by a refusal";
  ExpectNothingElse();
}

TEST_F(RepairTest, Rule30WhatWasDeletedIsNotReopened) {
  RunFailedChain();
  Upload(Workflow({Task("a")}));
  StartExecution();
  Report("a", S::kFailed);
  ASSERT_EQ(Ask(DeleteWorkflowExecution{2}), Code::kOk);
  EXPECT_EQ(Ask(RerunTasks{2, {}}), Code::kNotFound);
  EXPECT_THAT(Message(), HasSubstr("Workflow execution 2 not exists: it was deleted"));
  EXPECT_EQ(Ask(StartTaskExecution{2, "a"}), Code::kNotFound);
  EXPECT_THAT(Message(), HasSubstr("Start task execution failed."));
  rows_.snapshots.erase(1);  // as an older version let it be deleted
  const std::vector<Change> erased = {EraseSnapshot{SnapshotId(1)}};
  state_.Apply(erased);
  EXPECT_EQ(Ask(RerunTasks{1, {}}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("its snapshot 1 was deleted"));
}

// ---- Mark --------------------------------------------------------------------------------------

TEST_F(RepairTest, AMarkedTaskCountsAsARunWithoutAProcess) {
  Run({Task("a", {Start(OnEvent("never"))}), Task("b", {Start(After({"a"}))}), Task("c")});
  EXPECT_EQ(Mark("a", S::kSuccess, "done by the night shift"), Code::kOk);
  EXPECT_EQ(last_reply_.detail, "{\"sequence\":1}");
  EXPECT_EQ(last_reply_.id, RunOf("a", 1).id.value());
  EXPECT_EQ(RunOf("a", 1).status, S::kSuccess);
  EXPECT_EQ(RunOf("a", 1).begin, RunOf("a", 1).end);
  EXPECT_EQ(RunOf("a", 1).pid, 0);
  EXPECT_EQ(RunOf("a", 1).output, "");
  EXPECT_THAT(RunOf("a", 1).reason, HasSubstr("set by hand: done by the night shift"));
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 0);
  EXPECT_THAT(Announced(), ElementsAre("a SUCCESS"));
  const std::vector<CauseRow> causes = Causes("a", CauseKind::kMarked);
  ASSERT_THAT(causes, SizeIs(1));
  EXPECT_EQ(causes[0].sequence, 1);
  EXPECT_THAT(causes[0].text, HasSubstr("done by the night shift"));
  EXPECT_EQ(Latest("b"), S::kQueued) << "its downstream goes on";
}

TEST_F(RepairTest, WhoMarkedItIsRecorded) {
  RunFailedChain();
  Event event =
      FormatRequest(MarkTask{.execution_id = 1, .task = "a", .status = S::kSuccess, .note = ""});
  event.sender = "ada";
  Deliver(event);
  EXPECT_THAT(Causes("a", CauseKind::kMarked)[0].text, HasSubstr("by ada"));
}

TEST_F(RepairTest, MarkingTheOnlyFailureTurnsTheExecutionIntoASuccess) {
  Run({Task("a"), Task("b")});
  Succeed("b");
  Report("a", S::kFailed);
  ASSERT_EQ(Status(), E::kFailed);
  EXPECT_EQ(Mark("a", S::kSuccess), Code::kOk);
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Execution().reason, "");
  EXPECT_EQ(Execution().end, now_);
  EXPECT_THAT(Reopenings(), ElementsAre(HasSubstr("marks task 'a' SUCCESS")));
}

TEST_F(RepairTest, MarkingAFailureStartsItsDownstream) {
  RunFailedChain();
  EXPECT_EQ(Mark("a", S::kSuccess), Code::kOk);
  EXPECT_EQ(Status(), E::kRunning);
  Succeed("b");
  Succeed("c");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(RepairTest, ASuccessIsMarkedFailed) {
  Run({Task("a"), Task("cleanup", {Start(OnStatus("a", S::kFailed))})});
  Succeed("a");
  ASSERT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Mark("a", S::kFailed, "the numbers are wrong"), Code::kOk);
  Succeed("cleanup");
  EXPECT_EQ(Status(), E::kFailed);
  EXPECT_THAT(Execution().reason, HasSubstr("the numbers are wrong"));
}

TEST_F(RepairTest, AMarkThatCannotBeChangesNothing) {
  Run({Task("a"), Task("b")});
  EXPECT_EQ(Mark("a", S::kSuccess), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("task 'a' of workflow execution 1 is alive; stop it first"));
  ExpectNothingElse();
  Succeed("a");
  EXPECT_EQ(Mark("a", S::kStopped), Code::kInvalidArgument);
  EXPECT_THAT(Message(), HasSubstr("SUCCESS or FAILED, not STOPPED"));
  ExpectNothingElse();
  EXPECT_EQ(Mark("a", S::kSuccess, std::string(4097, 'x')), Code::kInvalidArgument);
  EXPECT_EQ(Mark("x", S::kSuccess), Code::kNotFound);
  EXPECT_EQ(Mark("a", S::kSuccess, "", 4), Code::kNotFound);
  Ask(StopWorkflowExecution{1});
  EXPECT_EQ(Mark("a", S::kFailed), Code::kFailedPrecondition);
  ExpectNothingElse();
  Report("b", S::kStopped);
  EXPECT_EQ(Mark("x", S::kSuccess), Code::kNotFound);
  EXPECT_EQ(Status(), E::kStopped);
  ExpectNothingElse();
}

TEST_F(RepairTest, Rule9AStartWaitsForNothingAfterAMark) {
  Run({Task("a", {Restart(OnStatus("a", S::kFailed))}), Task("b")});
  Succeed("a");
  EXPECT_EQ(Mark("a", S::kFailed), Code::kOk);
  EXPECT_EQ(TaskState("a").current, 3) << "its own rule ran it again";
  EXPECT_EQ(TaskState("a").latest, 3);
}

}  // namespace
}  // namespace aiflow::test
