// Events that take the server down again and again, and whom they suspend (rule 22).
#include "scheduler/quarantine.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "model/event_keys.h"
#include "scheduler/scenario.h"
#include "scheduler/state_rep.h"
#include "scheduler/suspensions.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using E = ExecutionStatus;
using S = TaskStatus;

class QuarantineTest : public SchedulerTest {
 protected:
  Offset Poison(const std::string& key, int64_t execution = 0) {
    treatment_ = Treatment::kQuarantine;
    return Send(key, execution);
  }
  [[nodiscard]] int64_t Letter() const {
    EXPECT_EQ(rows_.dead_letters.size(), 1U);
    return rows_.dead_letters.empty() ? 0 : rows_.dead_letters.begin()->first;
  }
  ReplyRow Retry() { return Request(RetryDeadLetter{Letter()}); }
  ReplyRow Drop() { return Request(DropDeadLetter{Letter()}); }
  /// Takes one published event out of the outbox and delivers it, as the log would. False: there
  /// was none of this kind.
  bool DeliverPublished(const std::string& value) {
    for (const auto& [id, row] : rows_.outbox) {
      if (row.kind != OutboxKind::kPublish || row.publish.value != value) continue;
      const Event event = row.publish;
      const std::vector<Change> acknowledged = {EraseOutbox{row.id}};
      state_.Apply(acknowledged);
      rows_.Apply(acknowledged);
      Deliver(event);
      return true;
    }
    return false;
  }
  int Replay() {
    int replayed = 0;
    while (DeliverPublished("REPLAY_HELD")) ++replayed;
    return replayed;
  }
  void AddTrigger(const std::string& key) {
    aiflow::AddTrigger add;
    add.ns = "default";
    add.name = "w";
    add.condition_json = FormatCondition(OnEvent(key));
    EXPECT_EQ(Request(add).code, 0);
  }
  void AddScheduleOfTenSeconds() {
    AddSchedule add;
    add.ns = "default";
    add.name = "w";
    add.expression = "interval@0 0 0 10";
    ASSERT_EQ(Request(add).code, 0);
  }
  /// The next timer comes due, and its firing is decided like this.
  TimerFired FireFirst(Treatment treatment) {
    const TimerFired timer = state_.rep().timers.begin()->second;
    now_ = Millis(timer.due_ms);
    treatment_ = treatment;
    Deliver(FormatRequest(timer));
    return timer;
  }
  [[nodiscard]] std::vector<Offset> Held() const {
    std::vector<Offset> offsets;
    for (const auto& [key, row] : rows_.held_events) offsets.push_back(row.offset);
    return offsets;
  }
  [[nodiscard]] Offset CauseOf(const std::string& task, int64_t id = 0) const {
    return RunOf(task, 1, id).cause_offset;
  }
};

TEST_F(QuarantineTest, Rule22AQuarantinedEventSuspendsItsReceiversAndNobodyElse) {
  Upload(Workflow({Task("a", {Start(OnEvent("go"))}), Task("b", {Start(OnEvent("more"))})}));
  Upload(Workflow({Task("c", {Start(OnEvent("more"))})}, "v"));
  const int64_t receiver = StartExecution("w");
  const int64_t other = StartExecution("v");
  const Offset go = Poison("go");
  EXPECT_EQ(Runs("a", receiver), 0);
  EXPECT_THAT(Execution(receiver).reason, StartsWith("suspended: the server died"));
  EXPECT_EQ(Execution(other).reason, "");
  const DeadLetterRow& letter = rows_.dead_letters.at(Letter());
  EXPECT_EQ(letter.event.offset, go);
  EXPECT_THAT(letter.error, HasSubstr("suspended: workflow execution 1"));

  const Offset more = Send("more");
  EXPECT_EQ(Runs("b", receiver), 0) << "a suspended execution takes no events";
  EXPECT_EQ(Runs("c", other), 1);
  EXPECT_THAT(Held(), ElementsAre(go, more));
}

TEST_F(QuarantineTest, Rule22ARetriedEventAndThoseBehindItComeOnceInTheirOrder) {
  const int64_t id = Run({Task("a", {Start(OnEvent("go"))}), Task("b", {Start(OnEvent("more"))})});
  const Offset go = Poison("go");
  const Offset more = Send("more");
  EXPECT_THAT(Retry().message, HasSubstr("1 executions and workflows are suspended no more"));
  EXPECT_EQ(Runs("a"), 0) << "each comes by an event of its own";
  const Offset late = Send("more");
  EXPECT_THAT(Held(), ElementsAre(go, more, late)) << "later ones go to the end";
  EXPECT_EQ(Replay(), 3);
  EXPECT_EQ(CauseOf("a"), go);
  EXPECT_EQ(CauseOf("b"), more);
  EXPECT_LT(RunOf("a", 1).id, RunOf("b", 1).id);
  EXPECT_EQ(Causes("b", CauseKind::kIgnored).size(), 1U) << "the last one finds it alive";
  EXPECT_EQ(Execution(id).reason, "");
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  EXPECT_THAT(rows_.dead_letters, IsEmpty());
  Send("more");
  EXPECT_EQ(Causes("b", CauseKind::kIgnored).size(), 2U) << "events come directly again";
}

TEST_F(QuarantineTest, Rule22ADroppedEventNeverComesButThoseBehindItDo) {
  Run({Task("a", {Start(OnEvent("go"))}), Task("b", {Start(OnEvent("more"))})});
  Poison("go");
  Send("more");
  EXPECT_EQ(Drop().code, 0);
  EXPECT_EQ(Replay(), 1);
  EXPECT_EQ(Runs("a"), 0);
  EXPECT_EQ(Runs("b"), 1);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
}

TEST_F(QuarantineTest, DroppingAnEventWithNothingBehindItEndsTheSuspension) {
  Run({Task("a", {Start(OnEvent("go"))})});
  Poison("go");
  EXPECT_EQ(Drop().code, 0);
  Replay();
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  Send("go");
  EXPECT_EQ(Runs("a"), 1);
}

TEST_F(QuarantineTest, Rule22ReportsOfASuspendedExecutionAreHeldToo) {
  Run({Task("base"), Task("a", {Start(OnEvent("go"))})});
  Poison("go");
  Succeed("base");
  EXPECT_EQ(Latest("base"), S::kQueued);
  Retry();
  EXPECT_EQ(Replay(), 3);
  EXPECT_EQ(Latest("base"), S::kSuccess);
  Succeed("a");
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(QuarantineTest, Rule22ADroppedReportOfAnEndCountsAsAFailure) {
  TaskSpec base = Task("base");
  base.retry.retries = 3;
  Run({base});
  Report("base", S::kRunning);
  treatment_ = Treatment::kQuarantine;
  Report("base", S::kSuccess);
  EXPECT_EQ(Drop().code, 0);
  Replay();
  EXPECT_EQ(Latest("base"), S::kFailed) << "else it would run for ever";
  EXPECT_THAT(RunOf("base", 1).reason, HasSubstr("dropped by hand"));
  EXPECT_EQ(Status(), E::kFailed);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
}

TEST_F(QuarantineTest, ADroppedReportOfABeginningIsNotMissed) {
  Run({Task("base")});
  treatment_ = Treatment::kQuarantine;
  Report("base", S::kRunning);
  EXPECT_EQ(Drop().code, 0);
  Replay();
  EXPECT_EQ(Latest("base"), S::kQueued);
  Report("base", S::kSuccess);
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(QuarantineTest, ADroppedAnswerCountsAsNotMetAndIsAFailedEventOfItsOwn) {
  Run({Task("a", {Start(Custom({"x"}))})});
  Send("x");
  treatment_ = Treatment::kQuarantine;
  Deliver(FormatRequest(AnswerTo(true)));
  EXPECT_EQ(Drop().code, 0);
  Replay();
  EXPECT_EQ(Runs("a"), 0);
  EXPECT_EQ(Asked(), "");
  EXPECT_EQ(rows_.dead_letters.at(Letter()).error, "the answer was dropped by hand");
  Retry();
  Answer(true);
  EXPECT_EQ(Runs("a"), 1);
}

TEST_F(QuarantineTest, ASuspensionGoesWithTheExecutionThatEndsInItsReplay) {
  Run({Task("base")});
  Report("base", S::kRunning);
  treatment_ = Treatment::kQuarantine;
  Report("base", S::kSuccess);
  Report("base", S::kFailed);  // late, and of no effect
  Retry();
  EXPECT_TRUE(DeliverPublished("REPLAY_HELD"));
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  EXPECT_THAT(rows_.held_events, IsEmpty());
  Replay();
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(QuarantineTest, Rule22RequestsToASuspendedExecutionAreRefusedAndWireRequestsHeld) {
  const int64_t id = Run({Task("a", {Start(OnEvent("go"))}), Task("b", {Start(OnEvent("more"))})});
  Poison("go");
  const ReplyRow stop = Request(StopWorkflowExecution{id});
  EXPECT_EQ(stop.code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_THAT(stop.message, HasSubstr("'aiflow event failed retry 1' or 'drop 1' ends it"));
  EXPECT_EQ(Request(MarkTask{id, "b", S::kSuccess, ""}).code,
            static_cast<int>(Code::kFailedPrecondition));
  Event start = FormatRequest(StartTaskExecution{id, "b"});
  start.kind = EventKind::kScheduling;
  Deliver(start);
  EXPECT_EQ(Runs("b"), 0);
  const ReplyRow all = Request(StopWorkflowExecutions{"default", "w"});
  EXPECT_THAT(all.message, HasSubstr("1 suspended ones are not"));
  Retry();
  Replay();
  EXPECT_EQ(Runs("a"), 1);
  EXPECT_EQ(Runs("b"), 1);
  EXPECT_EQ(Request(StopWorkflowExecution{id}).code, 0);
}

TEST_F(QuarantineTest, TimersOfASuspendedExecutionWaitForItsEnd) {
  TaskSpec failing = Task("a");
  failing.retry.retries = 1;
  failing.retry.delay = Millis(1000);
  Run({failing, Task("b", {Start(OnEvent("go"))})});
  Report("a", S::kRunning);
  Report("a", S::kFailed);
  EXPECT_EQ(Latest("a"), S::kRetrying);
  Poison("go");
  EXPECT_EQ(Pass(Millis(5000)), 0);
  Retry();
  Replay();
  EXPECT_EQ(Pass(Millis(1)), 1);
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_EQ(RunOf("a", 1).try_number, 2);
}

TEST_F(QuarantineTest, AFiringThatWasOnItsWayIsHeldAndComesOnce) {
  TaskSpec failing = Task("a");
  failing.retry.retries = 1;
  failing.retry.delay = Millis(1000);
  Run({failing, Task("b", {Start(OnEvent("go"))})});
  Report("a", S::kRunning);
  Report("a", S::kFailed);
  const TimerFired timer = state_.rep().timers.begin()->second;
  Poison("go");
  now_ += Millis(2000);
  Deliver(FormatRequest(timer));
  EXPECT_EQ(Latest("a"), S::kRetrying);
  Retry();
  EXPECT_EQ(Replay(), 2);
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_EQ(Pass(Millis(5000)), 0);
}

TEST_F(QuarantineTest, Rule22AQuarantinedTickSuspendsItsExecutionAndMayBeDroppedAlone) {
  TaskSpec ticking = Task("tick");
  ticking.periodic = "interval@0 0 0 10";
  Run({ticking});
  Succeed("tick");  // the run that it begins with
  const TimerFired first = FireFirst(Treatment::kQuarantine);
  EXPECT_EQ(Runs("tick"), 1);
  EXPECT_EQ(Pass(Millis(5'000)), 0);
  EXPECT_EQ(Drop().code, 0);
  Replay();
  ASSERT_FALSE(state_.rep().timers.empty());
  EXPECT_EQ(state_.rep().timers.begin()->second.due_ms, first.due_ms + 10'000);
  Pass(Millis(10'000));
  EXPECT_EQ(Runs("tick"), 2) << "the due times after it come";
}

TEST_F(QuarantineTest, AQuarantinedTickThatIsRetriedFiresOnce) {
  TaskSpec ticking = Task("tick");
  ticking.periodic = "interval@0 0 0 10";
  Run({ticking});
  Succeed("tick");
  const TimerFired first = FireFirst(Treatment::kQuarantine);
  Retry();
  EXPECT_EQ(Replay(), 1);
  EXPECT_EQ(Runs("tick"), 2);
  EXPECT_GT(state_.rep().timers.begin()->second.due_ms, first.due_ms);
}

TEST_F(QuarantineTest, ADroppedFiringOfAScheduleStartsNothingAndTheNextOneDoes) {
  Upload(Workflow({Task("a")}));
  ASSERT_NO_FATAL_FAILURE(AddScheduleOfTenSeconds());
  const TimerFired first = FireFirst(Treatment::kQuarantine);
  EXPECT_THAT(rows_.schedules.begin()->second.reason, StartsWith("suspended"));
  EXPECT_EQ(Pass(Millis(1000)), 0);
  EXPECT_THAT(rows_.executions, IsEmpty());
  Drop();
  Replay();
  EXPECT_EQ(rows_.schedules.begin()->second.next_due.count(), first.due_ms + 10'000);
  Pass(Millis(10'000));
  EXPECT_EQ(rows_.executions.size(), 1U);
}

TEST_F(QuarantineTest, Rule22TriggersOfASuspendedWorkflowStartOneExecutionPerEventInTheEnd) {
  Upload(Workflow({Task("a")}));
  AddTrigger("go");
  const Offset first = Poison("go");
  const Offset second = Send("go");
  EXPECT_THAT(rows_.executions, IsEmpty());
  EXPECT_THAT(rows_.triggers.begin()->second.reason, StartsWith("suspended"));
  EXPECT_THAT(rows_.dead_letters.at(Letter()).error,
              HasSubstr("triggers and schedules of workflow default.w"));
  const int64_t by_hand = StartExecution("w");
  EXPECT_EQ(Status(by_hand), E::kRunning);
  Retry();
  EXPECT_EQ(Replay(), 2);
  ASSERT_EQ(rows_.executions.size(), 3U);
  EXPECT_EQ(rows_.executions.at(2).created_offset, first);
  EXPECT_EQ(rows_.executions.at(3).created_offset, second);
  EXPECT_EQ(rows_.triggers.begin()->second.reason, "");
  EXPECT_GE(rows_.workflows.begin()->second.event_offset, Execution(by_hand).created_offset)
      << "a replay does not turn the workflow's clock back";
}

TEST_F(QuarantineTest, AReplayForOneReceiverIsSeenByNobodyElse) {
  Upload(Workflow({Task("a", {Start(OnEvent("go"))})}));
  AddTrigger("go");
  const int64_t id = StartExecution("w");
  Poison("go");
  Retry();
  EXPECT_EQ(Replay(), 2);
  EXPECT_EQ(Runs("a", id), 1);
  ASSERT_EQ(rows_.executions.size(), 2U) << "the trigger's replay is the trigger's alone";
  EXPECT_EQ(Runs("a", 2), 0);
}

TEST_F(QuarantineTest, Rule22AQuarantinedRequestIsAnsweredAndMayBeSentAgain) {
  Upload(Workflow({Task("a")}));
  treatment_ = Treatment::kQuarantine;
  const ReplyRow reply = Request(StartWorkflowExecution{.ns = "default", .name = "w"});
  EXPECT_EQ(reply.code, static_cast<int>(Code::kInternal));
  EXPECT_THAT(reply.message, HasSubstr("set aside as failed event 1"));
  EXPECT_THAT(rows_.executions, IsEmpty());
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  EXPECT_THAT(Retry().message, HasSubstr("is sent again"));
  EXPECT_TRUE(DeliverPublished("START_WORKFLOW_EXECUTION"));
  EXPECT_EQ(rows_.executions.size(), 1U);
}

TEST_F(QuarantineTest, AnEventWhoseReceiversCannotBeFoundIsKeptFromEverybody) {
  Run({Task("a", {Start(OnEvent("go"))})});
  treatment_ = Treatment::kSetAside;
  Send("go");
  EXPECT_EQ(Runs("a"), 0);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  Send("go");
  EXPECT_EQ(Runs("a"), 1);
  const std::string sent = rows_.dead_letters.at(Letter()).event.value;
  Retry();
  EXPECT_TRUE(DeliverPublished(sent));
  EXPECT_EQ(Causes("a", CauseKind::kIgnored).size(), 1U) << "it comes as a later event";
}

TEST_F(QuarantineTest, Rule22ABroadcastIsQuarantinedAndReleasedInParts) {
  max_executions_ = 3;
  reload_between_parts_ = true;
  Upload(Workflow({Task("a", {Start(OnEvent("go"))})}));
  for (int i = 0; i < 7; ++i) StartExecution();
  Poison("go");
  EXPECT_EQ(parts_, 3);
  EXPECT_EQ(rows_.suspensions.size(), 7U);
  EXPECT_EQ(rows_.dead_letters.size(), 1U);
  Retry();
  EXPECT_EQ(parts_, 3);
  EXPECT_EQ(Replay(), 7);
  for (int64_t id = 1; id <= 7; ++id) EXPECT_EQ(Runs("a", id), 1);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
}

TEST_F(QuarantineTest, Rule22OnlyWhatIsLeftOfADecisionIsQuarantined) {
  max_executions_ = 3;
  reload_between_parts_ = true;
  Upload(Workflow({Task("a", {Start(OnEvent("go"))})}));
  for (int i = 0; i < 7; ++i) StartExecution();
  after_part_ = [this] {
    if (parts_ == 1) treatment_ = Treatment::kQuarantine;
  };
  Send("go");
  after_part_ = nullptr;
  EXPECT_EQ(rows_.suspensions.size(), 4U);
  for (int64_t id = 1; id <= 7; ++id) EXPECT_EQ(Runs("a", id), id <= 3 ? 1 : 0);
  Retry();
  EXPECT_EQ(Replay(), 4);
  for (int64_t id = 1; id <= 7; ++id) EXPECT_EQ(Runs("a", id), 1);
}

TEST_F(QuarantineTest, Rule22AReplayThatTakesTheServerDownIsQuarantinedLikeAnyEvent) {
  Run({Task("a", {Start(OnEvent("go"))}), Task("b", {Start(OnEvent("more"))})});
  const Offset go = Poison("go");
  Send("more");
  Retry();
  treatment_ = Treatment::kQuarantine;
  EXPECT_TRUE(DeliverPublished("REPLAY_HELD"));
  EXPECT_EQ(rows_.dead_letters.at(Letter()).event.offset, go);
  EXPECT_THAT(Execution().reason, HasSubstr("failed event 2"));
  Replay();  // those of the first retry come too late
  EXPECT_EQ(Runs("b"), 0);
  Drop();
  Replay();
  EXPECT_EQ(Runs("a"), 0);
  EXPECT_EQ(Runs("b"), 1);
  EXPECT_EQ(Execution().reason, "");
  EXPECT_THAT(rows_.suspensions, IsEmpty());
}

TEST_F(QuarantineTest, RunsOfASuspendedExecutionWaitForTheirSlots) {
  ASSERT_EQ(Request(SetPool{kExecutorPool, 1, ""}).code, 0);
  Upload(Workflow({Task("busy")}, "v"));
  Upload(Workflow({Task("waits"), Task("b", {Start(OnEvent("go"))})}));
  const int64_t other = StartExecution("v");
  const int64_t id = StartExecution("w");
  EXPECT_FALSE(RunOf("waits", 1, id).has_slot);
  Poison("go");
  Report("busy", S::kRunning, 0, other);
  Report("busy", S::kSuccess, 0, other);
  EXPECT_FALSE(RunOf("waits", 1, id).has_slot);
  Retry();
  Replay();
  EXPECT_TRUE(RunOf("waits", 1, id).has_slot);
}

TEST_F(QuarantineTest, AnswersForASuspendedExecutionAreHeld) {
  Run({Task("a", {Start(Custom({"x"}))}), Task("b", {Start(OnEvent("go"))})});
  Send("x");
  const EvaluationAnswer answer = AnswerTo(true);
  Poison("go");
  Deliver(FormatRequest(answer));
  EXPECT_EQ(Runs("a"), 0);
  Retry();
  EXPECT_EQ(Replay(), 2);
  EXPECT_EQ(Runs("a"), 1);
}

TEST_F(QuarantineTest, MoreEventsThanMayBeHeldFailTheExecutionAndSaySo) {
  const int64_t id = Run({Task("a", {Start(OnEvent("go"))})});
  Poison("go");
  std::vector<Change> held;
  for (size_t i = 1; i < limits::kMaxHeldEvents; ++i) {
    HeldEventRow row{ExecutionId(id), {}, ++offset_, {}};
    row.event.offset = row.offset;
    row.event.key = "nobody listens";
    held.emplace_back(row);
  }
  state_.Apply(held);
  rows_.Apply(held);
  Send("go");
  EXPECT_EQ(rows_.suspensions.begin()->second.lost, 1);
  // Ends it without the thousands of replays.
  std::vector<Change> gone;
  for (const auto& [key, row] : rows_.held_events) {
    if (row.event.key != "go") gone.emplace_back(EraseHeldEvent{ExecutionId(id), {}, row.offset});
  }
  state_.Apply(gone);
  rows_.Apply(gone);
  Retry();
  Replay();
  EXPECT_THAT(Execution().reason, HasSubstr("1 events came while it was suspended"));
  EXPECT_EQ(Status(), E::kStopping);
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), E::kFailed);
}

TEST_F(QuarantineTest, Rule22ReportsAreHeldAlsoWhenThereIsNoRoomForEvents) {
  const int64_t id = Run({Task("base"), Task("a", {Start(OnEvent("go"))})});
  Report("base", S::kRunning);
  Poison("go");
  std::vector<Change> full;
  HeldEventRow row{ExecutionId(id), {}, ++offset_, {}};
  row.event.offset = row.offset;
  row.event.value = std::string(limits::kMaxHeldBytes, 'x');
  full.emplace_back(std::move(row));
  state_.Apply(full);
  rows_.Apply(full);
  Send("go");
  Report("base", S::kSuccess);
  EXPECT_EQ(rows_.suspensions.begin()->second.lost, 1);
  EXPECT_EQ(rows_.held_events.size(), 3U);
  const std::vector<Change> gone = {EraseHeldEvent{ExecutionId(id), {}, offset_ - 2}};
  state_.Apply(gone);
  rows_.Apply(gone);
  Retry();
  Replay();
  EXPECT_EQ(Latest("base"), S::kSuccess) << "nothing else would ever tell of its end";
}

TEST_F(QuarantineTest, AWireRequestHeldBehindTheEndOfItsExecutionReopensIt) {
  const int64_t id = Run({Task("base"), Optional(Task("b", {Start(OnEvent("more"))}))});
  Report("base", S::kRunning);
  treatment_ = Treatment::kQuarantine;
  Report("base", S::kSuccess);
  Event start = FormatRequest(StartTaskExecution{id, "b"});
  start.kind = EventKind::kScheduling;
  Deliver(start);
  Retry();
  Replay();
  EXPECT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Runs("b"), 0);
  EXPECT_TRUE(DeliverPublished("START_TASK_EXECUTION"));
  EXPECT_EQ(Runs("b"), 1);
  EXPECT_EQ(Status(), E::kRunning);
}

TEST_F(QuarantineTest, ADroppedRetryIsTheFailureOfItsRun) {
  TaskSpec failing = Task("a");
  failing.retry.retries = 1;
  failing.retry.delay = Millis(1000);
  Run({failing});
  Report("a", S::kRunning);
  Report("a", S::kFailed);
  FireFirst(Treatment::kQuarantine);
  Drop();
  EXPECT_EQ(Latest("a"), S::kFailed);
  EXPECT_EQ(Status(), E::kFailed);
  EXPECT_THAT(rows_.suspensions, IsEmpty()) << "it goes with the execution";
  Replay();
}

TEST_F(QuarantineTest, ADroppedReportOfABeginningLeavesItsStartTimeoutBehind) {
  TaskSpec slow = Task("base");
  slow.start_timeout = Millis(1000);
  Run({slow});
  treatment_ = Treatment::kQuarantine;
  Report("base", S::kRunning);
  Drop();
  Replay();
  EXPECT_EQ(Pass(Millis(100'000)), 0) << "it runs, only nobody was told";
  EXPECT_EQ(Latest("base"), S::kQueued);
}

TEST_F(QuarantineTest, ASetAsideFiringThatIsDroppedIsPassedOver) {
  Upload(Workflow({Task("a")}));
  ASSERT_NO_FATAL_FAILURE(AddScheduleOfTenSeconds());
  const TimerFired first = FireFirst(Treatment::kSetAside);
  Drop();
  EXPECT_EQ(rows_.schedules.begin()->second.next_due.count(), first.due_ms + 10'000);
}

TEST_F(QuarantineTest, ADroppedEventIsDroppedAlsoWhereAnotherOneSuspends) {
  Run({Task("a", {Start(OnEvent("go"))}), Task("b", {Start(OnEvent("more"))})});
  Poison("go");
  treatment_ = Treatment::kQuarantine;
  Send("more");
  ASSERT_EQ(rows_.dead_letters.size(), 2U);
  EXPECT_EQ(Request(DropDeadLetter{2}).code, 0);
  EXPECT_EQ(Request(RetryDeadLetter{1}).code, 0);
  Replay();
  EXPECT_EQ(Runs("a"), 1);
  EXPECT_EQ(Runs("b"), 0);
}

TEST_F(QuarantineTest, Rule22WhatIsLeftWhenEverybodyHasReceivedItIsPassedOver) {
  max_executions_ = 2;
  ASSERT_EQ(Request(SetPool{kExecutorPool, 1, ""}).code, 0);
  Upload(Workflow({Task("a")}));
  for (int i = 0; i < 6; ++i) StartExecution();
  bool poisoned = false;
  after_part_ = [&] {
    if (!state_.rep().cursor.handled || poisoned) return;
    poisoned = true;
    treatment_ = Treatment::kQuarantine;
  };
  EXPECT_EQ(Request(SetPool{kExecutorPool, 100, ""}).code, 0);
  after_part_ = nullptr;
  EXPECT_TRUE(poisoned);
  EXPECT_EQ(parts_, 2) << "nobody is promoted or started in the part that kills";
  EXPECT_THAT(rows_.dead_letters.at(Letter()).error, HasSubstr("after everybody had received it"));
  Report("a", S::kRunning, 0, 1);
  Report("a", S::kSuccess, 0, 1);
  for (int64_t id = 2; id <= 6; ++id) EXPECT_TRUE(RunOf("a", 1, id).has_slot) << id;
}

TEST_F(QuarantineTest, TriggersThatAreCutHoldAnEventOnce) {
  max_executions_ = 1;
  for (const char* name : {"w", "v", "u"}) {
    Upload(Workflow({Task("a")}, name));
    aiflow::AddTrigger add;
    add.ns = "default";
    add.name = name;
    add.condition_json = FormatCondition(OnEvent("go"));
    EXPECT_EQ(Request(add).code, 0);
  }
  treatment_ = Treatment::kQuarantine;
  const Offset first = Send("go");
  EXPECT_EQ(parts_, 3);
  const Offset second = Send("go");
  EXPECT_THAT(Held(), ElementsAre(first, second, first, second, first, second));
  EXPECT_THAT(rows_.executions, IsEmpty());
  Retry();
  Replay();
  EXPECT_EQ(rows_.executions.size(), 6U);
}

TEST_F(QuarantineTest, ADeletedWorkflowTakesItsSuspensionWithIt) {
  Upload(Workflow({Task("a")}));
  AddTrigger("go");
  Poison("go");
  EXPECT_EQ(Request(DeleteWorkflow{"default", "w"}).code, 0);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  EXPECT_THAT(rows_.held_events, IsEmpty());
  EXPECT_EQ(state_.rep().held_bytes, 0U);
  EXPECT_EQ(Retry().code, 0);
  EXPECT_EQ(Replay(), 0);
}

/// The same workflow in two namespaces sees the same events and reports; in one of them events are
/// quarantined and retried again and again.
class QuarantineRandomTest : public QuarantineTest, public ::testing::WithParamInterface<int> {
 protected:
  int64_t Begin(const std::string& ns) {
    WorkflowSpec spec = Workflow({
        Task("base"),
        Task("a", {Start(OnEvent("x")), Stop(OnEvent("y"))}, OnAlive::kQueue),
        Task("b", {Restart(OnEvent("y"))}),
        Task("c", {Start(After({"a", "b"}))}, OnAlive::kQueue),
        Task("d", {Start(AllOf({OnEvent("x"), OnEvent("z")}))}),
    });
    spec.ns = ns;
    for (TaskSpec& task : spec.tasks) {
      for (RuleSpec& rule : task.rules) {
        for (ConditionSpec& leaf : rule.condition.children) leaf.ns = ns;
      }
    }
    spec.keep_open = true;
    Upload(std::move(spec));
    return Request(StartWorkflowExecution{.ns = ns, .name = "w"}).id;
  }
  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  /// A report that the run may make now; nothing when no run is alive.
  std::optional<TaskStatusReport> SomeReport(int64_t id) {
    std::vector<TaskStatusReport> possible;
    for (const auto& [key, run] : rows_.runs) {
      if (run.execution_id.value() != id || IsFinished(run.status) || !run.has_slot) continue;
      TaskStatusReport report;
      report.attempt = run.attempt();
      report.task_name = run.task_name;
      if (run.status == S::kStopping) {
        report.status = S::kStopped;
      } else if (run.status == S::kQueued) {
        report.status = S::kRunning;
      } else {
        report.status = Below(3) == 0 ? S::kFailed : S::kSuccess;
      }
      possible.push_back(report);
    }
    if (possible.empty()) return std::nullopt;
    return possible[static_cast<size_t>(Below(static_cast<int>(possible.size())))];
  }
  void DeliverReport(TaskStatusReport report, int64_t id) {
    report.attempt.execution = ExecutionId(id);
    Deliver(FormatRequest(report));
  }
  [[nodiscard]] std::vector<std::string> History(int64_t id) const {
    std::vector<std::string> history;
    for (const auto& [key, run] : rows_.runs) {
      if (run.execution_id.value() != id) continue;
      history.push_back(run.task_name + " " + std::to_string(run.sequence) + " " +
                        std::string(TaskStatusName(run.status)) + " coalesced " +
                        std::to_string(run.coalesced));
    }
    for (const auto& [key, task] : rows_.tasks) {
      if (task.execution_id.value() != id) continue;
      history.push_back(std::to_string(task.task) + ": " +
                        std::to_string(task.pending_starts.size()) + " starts are pending");
    }
    for (const auto& [key, rule] : rows_.rules) {
      if (rule.execution_id.value() != id) continue;
      std::string text = std::to_string(rule.task) + "/" + std::to_string(rule.rule) + ":";
      for (const uint8_t slot : rule.slots) text += " " + std::to_string(slot);
      history.push_back(text);
    }
    return history;
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
};

TEST_P(QuarantineRandomTest, Rule22NothingIsLostOrDoneTwiceByQuarantineAndRetry) {
  const int64_t troubled = Begin("default");
  ASSERT_EQ(Request(AddNamespace{"calm", "{}"}).code, 0);
  const int64_t calm = Begin("calm");
  int quarantined = 0;
  const auto maybe_quarantine = [&] {
    if (!rows_.suspensions.empty() || Below(4) != 0) return;
    treatment_ = Treatment::kQuarantine;
    ++quarantined;
  };
  for (int step = 0; step < 120; ++step) {
    const int what = Below(10);
    if (what < 4) {
      const std::string key(1, static_cast<char>('x' + Below(3)));
      Send(key, 0, "calm");
      maybe_quarantine();
      Send(key, 0, "default");
    } else if (what < 8) {
      const auto report = SomeReport(calm);
      if (!report.has_value()) continue;
      DeliverReport(*report, calm);
      maybe_quarantine();
      DeliverReport(*report, troubled);
    } else if (what == 8 && !rows_.dead_letters.empty()) {
      Retry();
    } else {
      DeliverPublished("REPLAY_HELD");
    }
    treatment_ = Treatment::kDecide;
  }
  if (!rows_.dead_letters.empty()) Retry();
  Replay();
  EXPECT_GT(quarantined, 0);
  EXPECT_THAT(rows_.suspensions, IsEmpty());
  EXPECT_EQ(History(troubled), History(calm));
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuarantineRandomTest, ::testing::Range(0, 40));

}  // namespace
}  // namespace aiflow::test
