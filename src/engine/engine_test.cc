#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/engine_world.h"

namespace aiflow {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::Upload;
using engine_world::UserEvent;
using engine_world::World;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { EXPECT_TRUE(Boot().ok()); }

  /// A new server process over the same world.
  Status Boot() {
    engine_.reset();
    engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                       world_.planner, EngineOptions{});
    return engine_->Recover([this] { ++wakes_; });
  }

  /// Steps until there is nothing to do.
  void Run() {
    for (int i = 0; i < 50; ++i) {
      const Offset before = world_.log.head();
      const Result<bool> more = engine_->Step();
      ASSERT_TRUE(more.has_value()) << more.error();
      if (!*more && world_.log.head() == before && Outbox(OutboxKind::kPublish).empty()) return;
    }
    FAIL() << "the engine does not come to rest";
  }

  Offset Ask(const Request& request, const std::string& id = "") {
    Event event = FormatRequest(request);
    if (!id.empty()) event.id = RequestEventId(id);
    return world_.log.Append(std::move(event));
  }

  /// Uploads `flow` with one task `a` that starts on `go`, and starts it: execution 1.
  void StartExecution() {
    world_.log.Append(Upload(world_, {Task("a", "go")}));
    Ask(StartFlow());
    Run();
  }
  /// ... and starts its task: attempt 1-0-1-1, handed over but not reported.
  void StartAttempt() {
    StartExecution();
    world_.log.Append(UserEvent("go"));
    Run();
    ASSERT_THAT(world_.executor.started, SizeIs(1));
  }

  void Report(TaskStatus status, const std::string& token, const std::string& reason = "") {
    world_.executor.sink(
        {.key = kAttempt, .token = token, .status = status, .pid = 17, .reason = reason});
  }
  [[nodiscard]] std::string Token() const {
    return AttemptTokens(world_.store.Meta()->secret).TokenOf(kAttempt);
  }

  [[nodiscard]] std::vector<OutboxRow> Outbox(OutboxKind kind) const {
    std::vector<OutboxRow> rows = *world_.store.ListOutbox({});
    std::erase_if(rows, [&](const OutboxRow& row) { return row.kind != kind; });
    return rows;
  }
  [[nodiscard]] TaskExecutionRow RunRow() const {
    const auto rows = *world_.store.LatestTaskExecutions(ExecutionId(1), 0, 1);
    return rows.empty() ? TaskExecutionRow{} : rows.front();
  }
  [[nodiscard]] size_t JournalIndex(const std::string& entry) const {
    return static_cast<size_t>(std::ranges::find(world_.journal, entry) - world_.journal.begin());
  }

  const AttemptKey kAttempt{ExecutionId(1), 0, 1, 1};
  World world_;
  std::unique_ptr<Engine> engine_;
  int wakes_ = 0;
};

// ---- Rule 2: two stores, one binding; announcements leave through the outbox
// ---------------------

TEST_F(EngineTest, Rule2AnotherLogIsARefusal) {
  engine_.reset();
  engine_world::FakeLog other("log-2");
  Engine engine(other, world_.store, world_.blobs, world_.executor, world_.planner, {});
  const Status refused = engine.Recover([] {});
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.message(), AllOf(HasSubstr("log-1"), HasSubstr("log-2")));
  EXPECT_EQ(world_.store.Meta()->epoch, 1) << "a refused server must not take the lease";
}

TEST_F(EngineTest, Rule2AHeadBelowTheCommittedOffsetIsARefusal) {
  StartExecution();
  engine_.reset();
  engine_world::FakeLog shorter("log-1");
  shorter.Append(UserEvent("x"));
  Engine engine(shorter, world_.store, world_.blobs, world_.executor, world_.planner, {});
  const Status refused = engine.Recover([] {});
  EXPECT_EQ(refused.code(), Code::kFailedPrecondition);
  EXPECT_THAT(refused.message(), AllOf(HasSubstr("offset 1"), HasSubstr("offset 2")));
}

TEST_F(EngineTest, Rule2AnnouncementsLeaveThroughTheOutboxOnce) {
  StartAttempt();
  const std::string id = StatusChangedEventId(kAttempt, TaskStatus::kRunning);
  world_.log.refuse_internal = true;
  world_.log.Append(  // the report, as another door of the log would bring it
      [this] {
        Event event = FormatRequest(TaskStatusReport{.attempt = kAttempt, .task_name = "a"});
        event.id = StatusReportEventId(kAttempt, TaskStatus::kRunning);
        return event;
      }());
  ASSERT_TRUE(engine_->Step().has_value());
  EXPECT_EQ(RunRow().status, TaskStatus::kRunning);
  EXPECT_THAT(Outbox(OutboxKind::kPublish), SizeIs(1)) << "committed, not yet in the log";
  EXPECT_TRUE(engine_->has_refused());

  ASSERT_TRUE(Boot().ok());  // the refusing server dies
  world_.log.refuse_internal = false;
  ASSERT_TRUE(Boot().ok());
  Run();
  EXPECT_EQ(world_.log.CountId(id), 1);
  ASSERT_TRUE(Boot().ok());
  Run();
  EXPECT_EQ(world_.log.CountId(id), 1) << "deterministic key: published once for ever";
  EXPECT_THAT(Outbox(OutboxKind::kPublish), IsEmpty());
}

TEST_F(EngineTest, Rule2AnAnnouncementReadFromTheLogNeedsNoCommitOfItsOwn) {
  StartAttempt();
  Report(TaskStatus::kRunning, Token());
  const int64_t commits = engine_->stats().commits;
  Run();
  EXPECT_EQ(engine_->stats().commits, commits + 2)
      << "one for the report, one for its announcement";
  EXPECT_THAT(Outbox(OutboxKind::kPublish), IsEmpty());
}

// ---- Rule 3: read your writes ------------------------------------------------------------------

TEST_F(EngineTest, Rule3ARequestIsAnsweredAfterItsCommit) {
  world_.log.Append(Upload(world_, {Task("a", "go")}));
  const Offset offset = Ask(StartFlow());
  std::optional<ReplyRow> reply;
  bool visible = false;
  engine_->OnCommitted(offset, [&](const ReplyRow& row) {
    reply = row;
    visible = world_.store.GetExecution(ExecutionId(row.id))->has_value();
  });
  EXPECT_FALSE(reply.has_value());
  Run();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->code, 0) << reply->message;
  EXPECT_EQ(reply->id, 1);
  EXPECT_TRUE(visible) << "whoever has the answer must find its effect in the store";
}

TEST_F(EngineTest, Rule3AMissingOrBadSpecificationIsAnsweredAsAnError) {
  const Offset missing =
      Ask(UploadWorkflow{.ns = "default", .name = "flow", .spec_digest = std::string(64, 'a')});
  const Offset bad =
      Ask(UploadWorkflow{.ns = "default", .name = "flow", .spec_digest = *world_.blobs.Put("{")});
  const Offset invalid = world_.log.Append(Upload(world_, {}));
  Run();
  EXPECT_EQ((*world_.store.GetReply(missing))->code, static_cast<int>(Code::kNotFound));
  EXPECT_EQ((*world_.store.GetReply(bad))->code, static_cast<int>(Code::kInvalidArgument));
  EXPECT_EQ((*world_.store.GetReply(invalid))->code, static_cast<int>(Code::kInvalidArgument));
  EXPECT_FALSE(world_.store.FindWorkflow("default", "flow")->has_value());
}

// ---- Rule 12: fencing --------------------------------------------------------------------------

TEST_F(EngineTest, Rule12AServerWithoutTheLeaseCannotCommit) {
  StartExecution();
  ASSERT_TRUE(world_.store.TakeLease("server-b").has_value());
  world_.log.Append(UserEvent("go"));
  const Result<bool> step = engine_->Step();
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code(), Code::kAborted);
  EXPECT_THAT(step.error().message(), HasSubstr("lease lost to server-b (epoch 2 > 1)"));
  EXPECT_THAT(world_.executor.started, IsEmpty());
}

TEST_F(EngineTest, Rule12AServerWithoutTheLeaseStopsAlsoWhenItsPlaceInTheLogIsGone) {
  StartExecution();
  ASSERT_TRUE(world_.store.TakeLease("server-b").has_value());
  world_.log.Append(UserEvent("go"));
  world_.log.DropBefore(world_.log.head() + 1);
  EXPECT_EQ(engine_->Step().error().code(), Code::kOutOfRange);
  EXPECT_EQ(engine_->Step().error().code(), Code::kAborted);
}

TEST_F(EngineTest, Rule12ANewServerSendsUnacknowledgedCommandsUnderItsOwnEpoch) {
  StartAttempt();
  EXPECT_EQ(world_.executor.started[0].epoch, 1);
  ASSERT_TRUE(Boot().ok());
  ASSERT_THAT(world_.executor.expected, SizeIs(1));
  const ExpectedAttempt& expected = world_.executor.expected[0];
  EXPECT_EQ(expected.spec.key, kAttempt);
  EXPECT_EQ(expected.spec.epoch, 2);
  EXPECT_EQ(expected.spec.token, world_.executor.started[0].token)
      << "a new epoch never makes a claimed attempt invalid";
  EXPECT_EQ(expected.status, TaskStatus::kQueued);
}

// ---- Rule 28: request ids ----------------------------------------------------------------------

TEST_F(EngineTest, Rule28TheSameRequestIsDecidedOnceAndAnsweredAlike) {
  world_.log.Append(Upload(world_, {Task("a", "go")}));
  const Offset first = Ask(StartFlow(), "one");
  Run();
  ASSERT_TRUE(Boot().ok());
  const Offset again = Ask(StartFlow(), "one");
  Run();
  EXPECT_EQ(first, again);
  EXPECT_EQ((*world_.store.GetReply(again))->id, 1);
  EXPECT_THAT(*world_.store.ListExecutions(WorkflowId(1), {}), SizeIs(1));
  // This server did not decide it: the caller is to ask the store.
  std::optional<ReplyRow> reply;
  engine_->OnCommitted(again, [&](const ReplyRow& row) { reply = row; });
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->code, static_cast<int>(Code::kNotFound));
}

// ---- Rule 33: commit errors --------------------------------------------------------------------

TEST_F(EngineTest, Rule33NothingLeavesAfterARefusedCommit) {
  StartExecution();
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  world_.log.Append(UserEvent("go"));
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_THAT(world_.executor.started, IsEmpty());
  EXPECT_EQ(engine_->committed(), 2);
  world_.store.SetFaultHook(nullptr);
  Run();
  EXPECT_THAT(world_.executor.started, SizeIs(1)) << "decided again from the rebuilt state, once";
}

TEST_F(EngineTest, Rule33ACommitWhoseReplyWasLostIsActedOnOnce) {
  StartExecution();
  world_.store.SetFaultHook([] { return CommitFault::kLostReply; });
  const Offset go = world_.log.Append(UserEvent("go"));
  bool told = false;
  engine_->OnCommitted(go, [&](const ReplyRow& /*row*/) { told = true; });
  ASSERT_TRUE(engine_->Step().has_value());
  EXPECT_EQ(engine_->committed(), go);
  EXPECT_THAT(world_.executor.started, SizeIs(1));
  EXPECT_TRUE(told);
  world_.store.SetFaultHook(nullptr);
  Run();
  EXPECT_THAT(world_.executor.started, SizeIs(1));
}

TEST_F(EngineTest, Rule33AnUnknownCommitIsSettledBeforeAnythingElse) {
  StartExecution();
  world_.store.SetFaultHook([this] {
    world_.store.unreadable = true;
    return CommitFault::kLostReply;
  });
  world_.log.Append(UserEvent("go"));
  EXPECT_FALSE(engine_->Step().has_value());
  world_.log.Append(UserEvent("other"));
  EXPECT_FALSE(engine_->Step().has_value()) << "the store still cannot tell";
  EXPECT_THAT(world_.executor.started, IsEmpty());
  world_.store.SetFaultHook(nullptr);
  world_.store.unreadable = false;
  Run();
  EXPECT_THAT(world_.executor.started, SizeIs(1));
  EXPECT_EQ(engine_->committed(), world_.log.head());
}

TEST_F(EngineTest, Rule33ACommitThatArrivesLateIsTakenOver) {
  StartExecution();
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  world_.log.Append(UserEvent("go"));
  EXPECT_FALSE(engine_->Step().has_value());
  const CommitBatch late = world_.store.last;
  world_.store.SetFaultHook(nullptr);
  ASSERT_TRUE(world_.store.MemoryStore::Commit(late).ok());
  const Result<bool> step = engine_->Step();
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code(), Code::kUnavailable) << "the lease is not lost";
  Run();
  EXPECT_THAT(world_.executor.started, SizeIs(1));
  EXPECT_EQ(RunRow().sequence, 1);
}

// ---- Rule 35: recovery -------------------------------------------------------------------------

TEST_F(EngineTest, Rule35RecoveryTakesTheLeaseThenLoadsThenOpensTheExecutor) {
  StartAttempt();
  world_.journal.clear();
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(world_.journal, ElementsAre("lease", "load", "open epoch 2"));
  EXPECT_THAT(world_.executor.started, SizeIs(1)) << "starts go through Open, not through Start";
}

// E6: more than any queue of a forerunner held.
TEST_F(EngineTest, ManyLeftOverStartsAreHandedOverByTheNextServer) {
  constexpr int kTasks = 100;
  constexpr int kExecutions = 120;
  std::vector<TaskSpec> tasks;
  for (int i = 0; i < kTasks; ++i) tasks.push_back(Task("t" + std::to_string(i), "go"));
  world_.log.Append(Upload(world_, tasks));
  for (int i = 0; i < kExecutions; ++i) Ask(StartFlow());
  world_.log.Append(UserEvent("go"));
  Run();
  ASSERT_THAT(world_.executor.started, SizeIs(kTasks * kExecutions));
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(world_.executor.expected, SizeIs(kTasks * kExecutions));
}

TEST_F(EngineTest, Rule35RunningAttemptsAreExpectedWithTheirStop) {
  StartAttempt();
  Report(TaskStatus::kRunning, Token());
  Run();
  Ask(StopWorkflowExecution{.execution_id = 1});
  Run();
  ASSERT_THAT(world_.executor.stopped, SizeIs(1));
  EXPECT_EQ(world_.executor.stopped[0].token, Token());
  ASSERT_TRUE(Boot().ok());
  ASSERT_THAT(world_.executor.expected, SizeIs(1));
  EXPECT_EQ(world_.executor.expected[0].status, TaskStatus::kStopping);
  EXPECT_TRUE(world_.executor.expected[0].stop);
}

TEST_F(EngineTest, Rule35AnAttemptThatCannotBePlannedAnyMoreIsNeverStartedByRecovery) {
  StartAttempt();
  world_.planner.broken = true;
  ASSERT_TRUE(Boot().ok());
  ASSERT_THAT(world_.executor.expected, SizeIs(1));
  EXPECT_EQ(world_.executor.expected[0].status, TaskStatus::kRunning)
      << "adopted if it runs, else reported lost";
}

TEST_F(EngineTest, Rule35EventsThatCameWhileNobodyServedAreDecided) {
  StartExecution();
  engine_.reset();
  world_.log.Append(UserEvent("go"));
  ASSERT_TRUE(Boot().ok());
  Run();
  EXPECT_THAT(world_.executor.started, SizeIs(1));
  EXPECT_EQ(world_.executor.started[0].env.at("CAUSE"), "3 go");
}

TEST_F(EngineTest, Rule35ADamagedSpecificationIsARefusalThatNamesTheSnapshot) {
  StartExecution();
  world_.blobs.Corrupt((*world_.store.GetSnapshot(SnapshotId(1)))->spec_digest);
  const Status refused = Boot();
  EXPECT_EQ(refused.code(), Code::kDataLoss);
  EXPECT_THAT(refused.message(), HasSubstr("snapshot 1"));
}

// ---- Decide, commit, act -----------------------------------------------------------------------

TEST_F(EngineTest, AStartLeavesOnlyAfterItsCommit) {
  StartExecution();
  world_.journal.clear();
  world_.log.Append(UserEvent("go"));
  Run();
  EXPECT_LT(JournalIndex("commit 3"), JournalIndex("start 1-0-1-1"));
  EXPECT_LT(JournalIndex("start 1-0-1-1"), world_.journal.size());
}

TEST_F(EngineTest, ABatchOfEventsSharesOneCommit) {
  StartExecution();
  const int64_t commits = engine_->stats().commits;
  for (int i = 0; i < 20; ++i) world_.log.Append(UserEvent("unrelated"));
  ASSERT_TRUE(engine_->Step().has_value());
  EXPECT_EQ(engine_->stats().commits, commits + 1);
  EXPECT_EQ(engine_->committed(), world_.log.head());
}

TEST_F(EngineTest, TheReportOfAnAttemptEndsItAndItIsForgotten) {
  StartAttempt();
  Report(TaskStatus::kRunning, Token());
  Run();
  EXPECT_EQ(RunRow().status, TaskStatus::kRunning);
  EXPECT_EQ(RunRow().pid, 17);
  EXPECT_THAT(Outbox(OutboxKind::kStartAttempt), IsEmpty());
  Report(TaskStatus::kSuccess, Token());
  Run();
  EXPECT_EQ(RunRow().status, TaskStatus::kSuccess);
  EXPECT_LT(JournalIndex("forget 1-0-1-1"), world_.journal.size());
}

class EngineTimerTest : public EngineTest {
 protected:
  /// Execution 1 of `flow`, whose task waits for its second try since now.
  void StartRetrying() {
    TaskSpec task = Task("a");
    task.retry = {.retries = 3, .delay = Millis(60'000)};
    task.start_timeout = Millis(0);
    world_.log.Append(Upload(world_, {task}));
    Ask(StartFlow());
    Run();
    Report(TaskStatus::kRunning, Token());
    Report(TaskStatus::kFailed, Token());
    Run();
    ASSERT_EQ(RunRow().status, TaskStatus::kRetrying);
  }
  [[nodiscard]] int64_t Firings() const {
    return std::ranges::count_if(world_.log.Events(),
                                 [](const Event& event) { return event.value == "TIMER_FIRED"; });
  }
};

TEST_F(EngineTimerTest, Rule26ATimerIsFiredOnceWhenItIsDue) {
  StartRetrying();
  const Millis due = *engine_->NextDue();
  engine_->FireTimers(due - Millis(1));
  EXPECT_EQ(Firings(), 0);
  engine_->FireTimers(due);
  engine_->FireTimers(due + Millis(1));
  EXPECT_EQ(Firings(), 1);
  EXPECT_EQ(engine_->NextDue(), std::nullopt);
  Run();
  EXPECT_EQ(RunRow().status, TaskStatus::kQueued);
  EXPECT_EQ(RunRow().try_number, 2);
  ASSERT_THAT(world_.executor.started, SizeIs(2));
  EXPECT_EQ(world_.executor.started[1].key.ToString(), "1-0-1-2");
}

TEST_F(EngineTimerTest, Rule26ACrashAfterTheFiringRepeatsNothing) {
  StartRetrying();
  const Millis due = *engine_->NextDue();
  engine_->FireTimers(due);
  ASSERT_TRUE(Boot().ok());  // the event is in the log, and nobody has decided it
  engine_->FireTimers(due);
  Run();
  engine_->FireTimers(due + Millis(1'000));
  Run();
  EXPECT_EQ(Firings(), 1);
  EXPECT_THAT(world_.executor.started, SizeIs(2));
}

TEST_F(EngineTimerTest, Rule26ATimerOutlivesTheServerThatArmedIt) {
  StartRetrying();
  const std::optional<Millis> due = engine_->NextDue();
  ASSERT_TRUE(Boot().ok());
  EXPECT_EQ(engine_->NextDue(), due);
}

TEST_F(EngineTimerTest, AFiringThatTheLogRefusedIsTriedAgain) {
  StartRetrying();
  world_.log.refuse_internal = true;
  engine_->FireTimers(*engine_->NextDue());
  EXPECT_TRUE(engine_->has_refused());
  world_.log.refuse_internal = false;
  engine_->RetryRefused();
  EXPECT_EQ(Firings(), 1);
}

TEST_F(EngineTimerTest, Rule35ARunThatHasNothingAtTheExecutorIsNotExpectedThere) {
  StartRetrying();
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(world_.executor.expected, IsEmpty());
}

TEST_F(EngineTimerTest, ATryThatHasEndedIsForgottenAlsoWhenAnotherFollows) {
  StartRetrying();
  EXPECT_LT(JournalIndex("forget 1-0-1-1"), world_.journal.size());
}

TEST_F(EngineTest, OutputsOfUpstreamTasksReachTheAttempt) {
  TaskSpec downstream = Task("b");
  downstream.rules.push_back(
      {TaskAction::kStart,
       {.kind = ConditionKind::kTaskStatus, .ns = "default", .workflow = "flow", .task = "a"}});
  world_.log.Append(Upload(world_, {Task("a"), downstream}));
  Ask(StartFlow());
  Run();
  world_.executor.sink({.key = world_.executor.started[0].key,
                        .token = world_.executor.started[0].token,
                        .status = TaskStatus::kSuccess,
                        .output = "42"});
  Run();
  ASSERT_THAT(world_.executor.started, SizeIs(2));
  EXPECT_EQ(world_.executor.started[1].env.at("OUTPUT a"), "42");
}

TEST_F(EngineTest, AReportWithAWrongTokenIsDropped) {
  StartAttempt();
  const Offset head = world_.log.head();
  Report(TaskStatus::kSuccess, "forged");
  Report(TaskStatus::kSuccess, "");
  Run();
  EXPECT_EQ(world_.log.head(), head);
  EXPECT_EQ(RunRow().status, TaskStatus::kQueued);
  EXPECT_EQ(engine_->stats().dropped_reports, 2);
}

TEST_F(EngineTest, ARepeatedReportIsOneEvent) {
  StartAttempt();
  Report(TaskStatus::kFailed, Token(), "exit code 1");
  Report(TaskStatus::kFailed, Token(), "told again in other words");
  Run();
  EXPECT_EQ(world_.log.CountId(StatusReportEventId(kAttempt, TaskStatus::kFailed)), 1);
  EXPECT_EQ(RunRow().reason, "exit code 1");
  EXPECT_FALSE(engine_->has_refused());
}

TEST_F(EngineTest, ARefusedReportIsRetriedUntilItIsDurable) {
  StartAttempt();
  world_.log.refuse_internal = true;
  Report(TaskStatus::kRunning, Token());
  Report(TaskStatus::kSuccess, Token());
  EXPECT_TRUE(engine_->has_refused());
  world_.log.refuse_internal = false;
  engine_->RetryRefused();
  EXPECT_FALSE(engine_->has_refused());
  Run();
  EXPECT_EQ(RunRow().status, TaskStatus::kSuccess);
  EXPECT_EQ(world_.log.CountId(StatusChangedEventId(kAttempt, TaskStatus::kRunning)), 1)
      << "in order: RUNNING was not overtaken";
}

TEST_F(EngineTest, WhatCannotBePlannedYetWaitsAndHoldsNothingElseUp) {
  StartExecution();
  world_.planner.away = {"flow"};
  world_.log.Append(UserEvent("go"));
  Run();
  EXPECT_TRUE(engine_->has_refused()) << "it is to be tried again";
  world_.log.Append(Upload(world_, {Task("a", "go too")}, "other"));
  Ask(StartWorkflowExecution{.ns = "default", .name = "other"});
  world_.log.Append(UserEvent("go too"));
  Run();
  ASSERT_THAT(world_.executor.started, SizeIs(1));
  EXPECT_EQ(world_.executor.started[0].argv[1], "other");
  EXPECT_EQ(RunRow().status, TaskStatus::kQueued);
  engine_->RetryRefused();
  Run();
  EXPECT_THAT(world_.executor.started, SizeIs(1)) << "not yet";
  world_.planner.away.clear();
  engine_->RetryRefused();
  Run();
  ASSERT_THAT(world_.executor.started, SizeIs(2));
  EXPECT_EQ(world_.executor.started[1].key, kAttempt);
  EXPECT_FALSE(engine_->has_refused());
}

TEST_F(EngineTest, AStopOfWhatIsNotPlannedYetComesInstead) {
  StartExecution();
  world_.planner.away = {"flow"};
  world_.log.Append(UserEvent("go"));
  Run();
  Ask(StopWorkflowExecution{.execution_id = 1});
  Run();
  EXPECT_THAT(world_.journal, Contains("stop " + kAttempt.ToString()));
  world_.planner.away.clear();
  engine_->RetryRefused();
  Run();
  EXPECT_THAT(world_.executor.started, IsEmpty());
}

TEST_F(EngineTest, Rule35AStartThatCannotBePlannedYetIsNotGivenUpByRecovery) {
  StartExecution();
  world_.planner.away = {"flow"};
  world_.log.Append(UserEvent("go"));
  Run();
  EXPECT_EQ(Boot().code(), Code::kDeadlineExceeded);
  world_.planner.away.clear();
  ASSERT_TRUE(engine_->Recover([this] { ++wakes_; }).ok()) << "the same server tries again";
  ASSERT_THAT(world_.executor.expected, SizeIs(1));
  EXPECT_EQ(world_.executor.expected[0].status, TaskStatus::kQueued) << "to be started";
}

TEST_F(EngineTest, Rule13WhatCannotBePlannedIsLeftToTheClaimAndFailsWithTheReason) {
  StartExecution();
  world_.planner.broken = true;
  world_.log.Append(UserEvent("go"));
  Run();
  EXPECT_THAT(world_.executor.started, IsEmpty());
  EXPECT_THAT(world_.journal, Contains("refuse " + kAttempt.ToString()));
  EXPECT_EQ(RunRow().status, TaskStatus::kFailed);
  EXPECT_THAT(RunRow().reason, HasSubstr("python3.7 is gone"));
}

TEST_F(EngineTest, AnUnreadableLogDelaysAStartButDoesNotLoseIt) {
  // The second start waits in the queue, so that its cause lies behind when it leaves.
  TaskSpec queued = Task("a", "go");
  queued.on_alive = OnAlive::kQueue;
  world_.log.Append(Upload(world_, {queued}));
  Ask(StartFlow());
  world_.log.Append(UserEvent("go"));
  world_.log.Append(UserEvent("go"));
  Run();
  ASSERT_THAT(world_.executor.started, SizeIs(1));
  Report(TaskStatus::kSuccess, Token());
  world_.store.SetFaultHook([this] {
    world_.log.unreadable = true;
    return CommitFault::kNone;
  });
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_THAT(world_.executor.started, SizeIs(1));
  world_.store.SetFaultHook(nullptr);
  world_.log.unreadable = false;
  Run();
  ASSERT_THAT(world_.executor.started, SizeIs(2));
  EXPECT_EQ(world_.executor.started[1].env.at("CAUSE"), "4 go");
}

TEST_F(EngineTest, WatchersHearOfTheExecutionsThatACommitTouched) {
  StartExecution();
  std::vector<ExecutionId> heard;
  engine_->SetCommitListener([&](const CommitNews& news) { heard = news.touched; });
  world_.log.Append(UserEvent("unrelated"));
  Run();
  EXPECT_THAT(heard, IsEmpty());
  world_.log.Append(UserEvent("go"));
  Run();
  EXPECT_THAT(heard, ElementsAre(ExecutionId(1)));
}

TEST_F(EngineTest, TheHeadOfTheLogWakesTheEngine) {
  const int before = wakes_;
  world_.log.Append(UserEvent("x"));
  EXPECT_GT(wakes_, before);
  engine_.reset();
  const int after = wakes_;
  world_.log.Append(UserEvent("x"));
  EXPECT_EQ(wakes_, after) << "a destroyed engine is not called";
}

}  // namespace
}  // namespace aiflow
