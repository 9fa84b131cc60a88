#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using S = TaskStatus;

using ReportsTest = SchedulerTest;

TEST_F(ReportsTest, Rule07RunningIsAcknowledgedAndAnnounced) {
  Run({Task("a")});
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 1);
  Report("a", S::kRunning);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 0);
  EXPECT_EQ(RunOf("a", 1).pid, 42);
  EXPECT_THAT(Announced(), ElementsAre("a RUNNING"));
}

TEST_F(ReportsTest, Rule07TheAnnouncementIsTheContractsAndItsKeyIsDeterministic) {
  Run({Task("a")});
  Report("a", S::kRunning);
  const Event& event = rows_.outbox.rbegin()->second.publish;
  EXPECT_EQ(event.kind, EventKind::kStatusChanged);
  EXPECT_EQ(event.key, "[task_status_change].default.w.a");
  EXPECT_EQ(event.value, "TASK_STATUS_CHANGED");
  EXPECT_EQ(event.ns, "default");
  EXPECT_EQ(event.sender, "task_manager");
  EXPECT_EQ(event.id, StatusChangedEventId({ExecutionId(last_), 0, 1, 1}, S::kRunning));
  const auto context = nlohmann::json::parse(event.context);
  EXPECT_EQ(context, (nlohmann::json{{"namespace", "default"},
                                     {"workflow_execution_id", last_},
                                     {"workflow_name", "w"},
                                     {"task_name", "a"},
                                     {"task_status", "RUNNING"},
                                     {"sequence_number", 1},
                                     {"try_number", 1}}));
}

TEST_F(ReportsTest, StoppedIsAnnouncedInTheNameOfTheExecutor) {
  Run({Task("a", {Stop(OnEvent("stop"))})});
  Send("stop");
  Report("a", S::kStopped);
  EXPECT_EQ(rows_.outbox.rbegin()->second.publish.sender, "task_executor");
}

TEST_F(ReportsTest, Rule07RulesOfTheSameExecutionFireInTheStepOfTheReport) {
  Run({Task("a"), Task("b", {Start(After({"a"}))})});
  Succeed("a");
  EXPECT_EQ(Latest("b"), S::kQueued);
}

TEST_F(ReportsTest, Rule07TheAnnouncementIsNotEvaluatedAgainForItsOwnExecution) {
  Run({Task("a"), Task("b", {Start(OnStatus("a"))}), Task("stream")});
  Succeed("a");
  Succeed("b");
  const size_t causes = rows_.causes.size();
  DeliverAnnouncements();
  EXPECT_EQ(Runs("b"), 1);
  EXPECT_EQ(rows_.causes.size(), causes);
}

TEST_F(ReportsTest, Rule07EveryStatusIsAnnouncedOnce) {
  Run({Task("a")});
  Succeed("a");
  EXPECT_THAT(Announced(), ElementsAre("a RUNNING", "a SUCCESS"));
}

TEST_F(ReportsTest, SuccessOfAQueuedRunAnnouncesRunningFirst) {
  Run({Task("a"), Task("b", {Start(OnStatus("a", S::kRunning))})});
  Report("a", S::kSuccess);
  EXPECT_THAT(Announced(), ElementsAre("a RUNNING", "a SUCCESS"));
  EXPECT_EQ(Latest("b"), S::kQueued) << "rules saw the RUNNING too";
}

TEST_F(ReportsTest, FailureBeforeRunningIsAFailure) {
  Run({Task("a")});
  Report("a", S::kFailed);
  EXPECT_THAT(Announced(), ElementsAre("a FAILED"));
  EXPECT_EQ(Status(), ExecutionStatus::kFailed);
  EXPECT_EQ(RunOf("a", 1).reason, "exit code 1");
}

TEST_F(ReportsTest, TheRealOutcomeWinsOverAStop) {
  Run({Task("a", {Stop(OnEvent("stop"))}), Task("b", {Start(OnStatus("a"))})});
  Report("a", S::kRunning);
  Send("stop");
  Report("a", S::kSuccess);
  EXPECT_EQ(Latest("a"), S::kSuccess);
  EXPECT_EQ(Latest("b"), S::kQueued);
}

TEST_F(ReportsTest, RunningDoesNotOverwriteStopping) {
  Run({Task("a", {Stop(OnEvent("stop"))})});
  Send("stop");
  Report("a", S::kRunning);
  EXPECT_EQ(Latest("a"), S::kStopping);
  EXPECT_THAT(Announced(), IsEmpty());
  EXPECT_EQ(Causes("a", CauseKind::kRejected).size(), 1U);
}

TEST_F(ReportsTest, Rule08ALateReportChangesNothingAndIsRecordedOnce) {
  Run({Task("a", {Restart(OnEvent("again"))}), Task("stream")});
  Succeed("a");
  Send("again");
  const TaskRow before = TaskState("a");
  Report("a", S::kFailed, /*sequence=*/1);
  EXPECT_EQ(TaskState("a"), before);
  EXPECT_EQ(RunOf("a", 1).status, S::kSuccess);
  ASSERT_EQ(decision_.changes.size(), 1U) << "one cause and nothing else";
  EXPECT_EQ(std::get<CauseRow>(decision_.changes[0]).kind, CauseKind::kRejected);
}

TEST_F(ReportsTest, ReportsOfFinishedExecutionsAreIgnored) {
  Run({Task("a")});
  Succeed("a");
  Report("a", S::kFailed, 1);
  EXPECT_THAT(decision_.changes, IsEmpty());
}

TEST_F(ReportsTest, ReportsThatNameNothingKnownAreRejected) {
  Run({Task("a")});
  const auto rejects = [this](AttemptKey attempt, const std::string& name, S status) {
    TaskStatusReport sent;
    sent.attempt = attempt;
    sent.task_name = name;
    sent.status = status;
    Deliver(FormatRequest(sent));
    return decision_.changes.size() == 1 &&
           std::holds_alternative<CauseRow>(decision_.changes.front());
  };
  const ExecutionId id(last_);
  EXPECT_TRUE(rejects({id, 7, 1, 1}, "a", S::kRunning)) << "no such task";
  EXPECT_TRUE(rejects({id, -1, 1, 1}, "a", S::kRunning));
  EXPECT_TRUE(rejects({id, 0, 1, 1}, "b", S::kRunning)) << "another task's name";
  EXPECT_TRUE(rejects({id, 0, 2, 1}, "a", S::kRunning)) << "a run that never was";
  EXPECT_TRUE(rejects({id, 0, 1, 2}, "a", S::kRunning)) << "another try";
  EXPECT_TRUE(rejects({id, 0, 1, 1}, "a", S::kRetrying)) << "not for an attempt to say";
  EXPECT_TRUE(rejects({id, 0, 1, 1}, "a", S::kQueued));
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_FALSE(rejects({id, 0, 1, 1}, "a", S::kRunning));
}

TEST_F(ReportsTest, Rule06AReportIsTakenFromReportEventsOnly) {
  Run({Task("a")});
  TaskStatusReport report;
  report.attempt = {ExecutionId(last_), 0, 1, 1};
  report.status = S::kFailed;
  for (const EventKind kind : {EventKind::kUser, EventKind::kScheduling, EventKind::kInternal}) {
    Event event = FormatRequest(report);
    event.kind = kind;
    Deliver(event);
    EXPECT_EQ(Latest("a"), S::kQueued);
  }
}

TEST_F(ReportsTest, ARunStoppedByNobodyHereCountsAsStoppedFromOutside) {
  Run({Task("a")});
  Report("a", S::kRunning);
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), ExecutionStatus::kStopped);
}

}  // namespace
}  // namespace aiflow::test
