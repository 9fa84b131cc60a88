#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using E = ExecutionStatus;
using S = TaskStatus;

/// How executions start, and how they wait for max_active_executions.
class StartsTest : public SchedulerTest {
 protected:
  ReplyRow Start(const std::string& params = "") {
    StartWorkflowExecution request{"default", "w"};
    request.params_json = params;
    return Request(request);
  }
  WorkflowSpec Limited(int64_t limit) {
    WorkflowSpec spec = Workflow({Task("a"), Task("b", {aiflow::test::Start(OnEvent("k"))})});
    spec.max_active_executions = limit;
    return spec;
  }
  /// Ends the execution.
  void Finish(int64_t id) {
    Report("a", S::kRunning, 0, id);
    Report("a", S::kFailed, 0, id);
    Request(StopWorkflowExecution{id});
  }
  std::vector<std::string> Causes(int64_t id) {
    std::vector<std::string> texts;
    for (const auto& [key, cause] : rows_.causes) {
      if (cause.execution_id.value() == id && cause.task == -1) texts.push_back(cause.text);
    }
    return texts;
  }
};

TEST_F(StartsTest, AStartIsRecordedForTheExecutionAndItsTasks) {
  Upload(Workflow({Task("a")}));
  const int64_t id = Start().id;
  EXPECT_THAT(Causes(id), ElementsAre("request START_WORKFLOW_EXECUTION at offset 2"));
  EXPECT_THAT(SchedulerTest::Causes("a", CauseKind::kStarted, id).front().text,
              HasSubstr("start of workflow execution 1: request START_WORKFLOW_EXECUTION"));
}

TEST_F(StartsTest, TheDeadlineOfAnExecutionCountsFromItsStart) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.execution_timeout = Millis(5'000);
  Upload(spec);
  const int64_t id = Start().id;
  EXPECT_EQ(Execution(id).deadline, Execution(id).begin + Millis(5'000));
  EXPECT_EQ(Execution(id).begin, now_);
}

TEST_F(StartsTest, ParametersAreResolvedOrTheStartIsRefused) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = {{"date", ParamType::kString, "", ""}, {"rows", ParamType::kInteger, "10", ""}};
  Upload(spec);
  const ReplyRow started = Start(R"({"date": "today"})");
  EXPECT_EQ(started.code, 0) << started.message;
  EXPECT_EQ(Execution(started.id).params_json, R"({"date":"today","rows":10})");
  const ReplyRow missing = Start();
  EXPECT_EQ(missing.code, static_cast<int>(Code::kInvalidArgument));
  EXPECT_EQ(missing.message,
            "Start workflow execution failed. Workflow default.w: no value is given for the "
            "parameters without default: 'date'");
  EXPECT_THAT(Start(R"({"dat": "x"})").message, HasSubstr("did you mean 'date'?"));
  EXPECT_EQ(rows_.executions.size(), 1U);
}

TEST_F(StartsTest, AnExecutionOverTheLimitWaitsAndSaysForWhat) {
  Upload(Limited(2));
  Start();
  EXPECT_EQ(Start().message, "workflow execution 2 started");
  const ReplyRow third = Start();
  EXPECT_EQ(third.code, 0);
  EXPECT_EQ(third.message,
            "workflow execution 3 waits: 2 of 2 active executions of default.w "
            "(max_active_executions)");
  EXPECT_EQ(Status(3), E::kInit);
  EXPECT_EQ(Execution(3).reason, third.message.substr(std::string("workflow execution 3 ").size()));
  EXPECT_EQ(Execution(3).begin, Millis(0));
  EXPECT_THAT(Causes(3), ElementsAre(HasSubstr("offset 4; waits: 2 of 2")));
  EXPECT_EQ(Runs("a", 3), 0);
}

TEST_F(StartsTest, WhoWaitsSeesNoEventsAndTakesNoTasks) {
  Upload(Limited(1));
  Start();
  Start();
  Send("k");
  Send("k", 2);
  EXPECT_EQ(Runs("b", 1), 1);
  EXPECT_EQ(Runs("b", 2), 0);
  const ReplyRow task = Request(StartTaskExecution{2, "b"});
  EXPECT_EQ(task.code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_THAT(task.message, HasSubstr("has not begun"));
  EXPECT_EQ(Request(StopTaskExecution{2, "a"}).message, "nothing to stop");
}

TEST_F(StartsTest, WaitingExecutionsBeginInTheOrderOfTheirIds) {
  WorkflowSpec spec = Limited(2);
  spec.execution_timeout = Millis(60'000);
  Upload(spec);
  for (int i = 0; i < 5; ++i) Start();
  Pass(Millis(1'000));
  Finish(2);
  EXPECT_EQ(Status(3), E::kRunning);
  EXPECT_EQ(Status(4), E::kInit);
  EXPECT_EQ(Execution(3).begin, now_);
  EXPECT_EQ(Execution(3).deadline, now_ + Millis(60'000));
  EXPECT_EQ(Execution(3).reason, "");
  EXPECT_EQ(Execution(3).created_offset, 4) << "as before";
  EXPECT_EQ(Execution(3).event_offset, offset_);
  EXPECT_EQ(RunOf("a", 1, 3).cause_offset, 4) << "the start, not what made room for it";
  EXPECT_THAT(Causes(3), ElementsAre(HasSubstr("offset 4; waits"),
                                     HasSubstr("offset 4; waited for max_active_executions")));
  Finish(3);
  EXPECT_EQ(Status(4), E::kRunning);
  Finish(1);
  EXPECT_EQ(Status(5), E::kRunning);
  EXPECT_THAT(Start().message, HasSubstr("workflow execution 6 waits: 2 of 2"));
}

TEST_F(StartsTest, AStoppingExecutionIsActiveUntilItHasEnded) {
  Upload(Limited(1));
  Start();
  Start();
  Request(StopWorkflowExecution{1});
  EXPECT_EQ(Status(1), E::kStopping);
  EXPECT_EQ(Status(2), E::kInit);
  Report("a", S::kStopped, 0, 1);
  EXPECT_EQ(Status(2), E::kRunning);
}

TEST_F(StartsTest, AStopOfAWaitingExecutionEndsItAtOnceAndTheNextIsPromotedLater) {
  Upload(Limited(1));
  for (int i = 0; i < 3; ++i) Start();
  EXPECT_EQ(Request(StopWorkflowExecution{2}).code, 0);
  EXPECT_EQ(Status(2), E::kStopped);
  EXPECT_EQ(Execution(2).stop_cause, StopCause::kRequest);
  EXPECT_EQ(Execution(2).end, now_);
  EXPECT_EQ(Runs("a", 2), 0);
  EXPECT_EQ(Status(3), E::kInit);
  Finish(1);
  EXPECT_EQ(Status(3), E::kRunning);
  EXPECT_EQ(Status(2), E::kStopped);
}

TEST_F(StartsTest, Rule30AnExecutionThatNeverBeganBeginsWhenItIsReopened) {
  Upload(Limited(1));
  Start();
  Start();
  Request(StopWorkflowExecution{2});
  const ReplyRow reply = Request(StartTaskExecution{2, "b"});
  EXPECT_EQ(reply.code, 0) << reply.message;
  EXPECT_EQ(Status(2), E::kRunning);
  EXPECT_EQ(Execution(2).begin, now_);
}

TEST_F(StartsTest, StopAllEndsThoseThatWaitToo) {
  Upload(Limited(1));
  for (int i = 0; i < 3; ++i) Start();
  EXPECT_EQ(Request(StopWorkflowExecutions{"default", "w"}).id, 3);
  EXPECT_EQ(Status(1), E::kStopping);
  EXPECT_EQ(Status(2), E::kStopped);
  EXPECT_EQ(Status(3), E::kStopped);
}

TEST_F(StartsTest, AnUploadThatRaisesTheLimitPromotes) {
  Upload(Limited(1));
  for (int i = 0; i < 5; ++i) Start();
  EXPECT_EQ(Upload(Limited(3)).code, 0);
  EXPECT_EQ(Status(2), E::kRunning);
  EXPECT_EQ(Status(3), E::kRunning);
  EXPECT_EQ(Status(4), E::kInit);
  EXPECT_EQ(Execution(2).snapshot_id, SnapshotId(1)) << "it stays on its own snapshot";
  Upload(Limited(0));
  EXPECT_EQ(Status(5), E::kRunning);
}

TEST_F(StartsTest, ALowerLimitStopsNobodyAndHoldsForTheNext) {
  Upload(Limited(3));
  for (int i = 0; i < 4; ++i) Start();
  Upload(Limited(1));
  for (const int64_t id : {1, 2, 3}) EXPECT_EQ(Status(id), E::kRunning);
  Finish(1);
  Finish(2);
  EXPECT_EQ(Status(4), E::kInit);
  Finish(3);
  EXPECT_EQ(Status(4), E::kRunning);
}

TEST_F(StartsTest, TheLimitOfALatestSnapshotWithoutSpecificationIsThatOfTheExecution) {
  Upload(Limited(1));
  Start();
  Start();
  EXPECT_EQ(Request(AddSnapshot{1, "/blob/w.zip", "md5"}).code, 0);
  EXPECT_EQ(Status(2), E::kInit);
  Request(DeleteSnapshot{2});
  EXPECT_EQ(Status(2), E::kInit);
  Finish(1);
  EXPECT_EQ(Status(2), E::kRunning);
}

TEST_F(StartsTest, ADisabledWorkflowStartsThoseThatItAccepted) {
  Upload(Limited(1));
  Start();
  Start();
  Request(SetWorkflowEnabled{"default", "w", false});
  Finish(1);
  EXPECT_EQ(Status(2), E::kRunning);
}

TEST_F(StartsTest, NothingThatWaitsIsDeletedNorItsWorkflow) {
  Upload(Limited(1));
  Start();
  Start();
  EXPECT_EQ(Request(DeleteWorkflowExecution{2}).code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_EQ(Request(DeleteWorkflow{"default", "w"}).code,
            static_cast<int>(Code::kFailedPrecondition));
  EXPECT_EQ(Request(DeleteSnapshot{1}).code, static_cast<int>(Code::kFailedPrecondition));
}

TEST_F(StartsTest, AnExecutionThatEndsAsItBeginsMakesRoomForTheNext) {
  // No task of these can ever start: an optional one does not count.
  WorkflowSpec spec = Workflow({Optional(Task("b", {aiflow::test::Start(OnEvent("k"))}))});
  spec.max_active_executions = 1;
  WorkflowSpec open = spec;
  open.keep_open = true;
  Upload(open);
  Start();
  Upload(spec);
  Start();
  Start();
  EXPECT_EQ(Status(2), E::kInit);
  Request(StopWorkflowExecution{1});
  EXPECT_EQ(Status(1), E::kStopped);
  EXPECT_EQ(Status(2), E::kFailed);
  EXPECT_EQ(Status(3), E::kFailed);
}

}  // namespace
}  // namespace aiflow::test
