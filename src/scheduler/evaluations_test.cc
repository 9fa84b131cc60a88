#include "scheduler/evaluations.h"

#include <gmock/gmock.h>

#include "model/base64.h"
#include "model/limits.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using E = ExecutionStatus;
using S = TaskStatus;

/// `x` is the task whose rules are under test; it keeps every start. A stream keeps the execution
/// open.
class EvaluationsTest : public SchedulerTest {
 protected:
  int64_t RunX(std::vector<RuleSpec> rules, std::vector<TaskSpec> others = {}) {
    std::vector<TaskSpec> tasks = std::move(others);
    tasks.push_back(Task("x", std::move(rules), OnAlive::kQueue));
    tasks.push_back(Task("stream"));
    return Run(std::move(tasks));
  }
  int64_t Starts(const std::string& task = "x") const {
    return static_cast<int64_t>(Causes(task, CauseKind::kStarted).size() +
                                Causes(task, CauseKind::kQueued).size());
  }
  size_t Waiting() const { return rows_.evaluations.size(); }
};

TEST_F(EvaluationsTest, AnEventWaitsForTheAnswer) {
  RunX({Start(Custom({"k"}))});
  const Offset event = Send("k");
  EXPECT_EQ(Asked(), "x 0 0: k");
  EXPECT_EQ(Starts(), 0);
  Answer(true);
  EXPECT_EQ(Starts(), 1);
  EXPECT_EQ(RunOf("x", 1).cause_offset, event) << "the task is told of the event, not the answer";
  EXPECT_EQ(RunOf("x", 1).cause_rule, 0);
  EXPECT_EQ(Asked(), "");
  EXPECT_EQ(Waiting(), 0U);
}

TEST_F(EvaluationsTest, AnotherEventAsksNothing) {
  RunX({Start(Custom({"k"}))});
  Send("other");
  EXPECT_EQ(Asked(), "");
}

TEST_F(EvaluationsTest, TheAnswerIsRecorded) {
  RunX({Start(Custom({"k"}, "Threshold"))});
  const Offset event = Send("k");
  Answer(false);
  EXPECT_EQ(Starts(), 0);
  const std::vector<CauseRow> causes = Causes("x", CauseKind::kEvaluated);
  ASSERT_EQ(causes.size(), 1U);
  EXPECT_EQ(causes[0].rule, 0);
  EXPECT_EQ(causes[0].text,
            "'Threshold' of rule 1: not met, event 'k' at offset " + std::to_string(event));
}

TEST_F(EvaluationsTest, Rule21OneQuestionAtATimeInTheOrderOfEvents) {
  RunX({Start(Custom({"k"}))}, {Task("a", {Start(Custom({"j", "k"}))})});
  Send("k");
  Send("j");
  std::vector<std::string> asked;
  while (!Asked().empty()) {
    asked.push_back(Asked());
    Answer(true);
  }
  EXPECT_THAT(asked, ElementsAre("a 0 0: k", "x 0 0: k", "a 0 0: j"));
}

TEST_F(EvaluationsTest, Rule21ExecutionsDoNotWaitForEachOther) {
  const int64_t first = RunX({Start(Custom({"k"}))});
  const int64_t second = StartExecution();
  Send("k");
  EXPECT_EQ(Asked(first), "x 0 0: k");
  EXPECT_EQ(Asked(second), "x 0 0: k");
}

TEST_F(EvaluationsTest, Rule18EveryRuleThatListensIsAskedThenTheFirstMetActs) {
  RunX({Start(Custom({"k"})), Start(AllOf({Custom({"k"}), OnEvent("p")}))});
  Send("k");
  EXPECT_EQ(Asked(), "x 0 0: k");
  Answer(true);
  EXPECT_EQ(Asked(), "x 1 0: k");
  EXPECT_EQ(Starts(), 0) << "the second rule has yet to observe";
  Answer(true);
  EXPECT_EQ(Starts(), 1);
  EXPECT_EQ(RunOf("x", 1).cause_rule, 0);
  Send("p");
  EXPECT_EQ(Starts(), 2) << "the rule that lost kept its slot";
}

TEST_F(EvaluationsTest, TheSecondRuleActsWhenTheFirstIsNotMet) {
  RunX({Start(Custom({"k"})), Start(Custom({"k"}))});
  Send("k");
  Answer(false);
  Answer(true);
  EXPECT_EQ(RunOf("x", 1).cause_rule, 1);
}

TEST_F(EvaluationsTest, LeavesOfOneRuleAreNumberedInOrder) {
  RunX({Start(AnyOf({Custom({"j"}), AllOf({OnEvent("p"), Custom({"k"})})}))});
  Send("k");
  EXPECT_EQ(Asked(), "x 0 1: k");
  Answer(true);
  Send("p");
  EXPECT_EQ(Starts(), 1);
  Send("j");
  EXPECT_EQ(Asked(), "x 0 0: j");
  Answer(true);
  EXPECT_EQ(Starts(), 2);
}

TEST_F(EvaluationsTest, EachAnswerOverwritesTheSlotOfItsLeaf) {
  RunX({Start(AllOf({Custom({"k"}), OnEvent("p")}))});
  Send("k");
  Answer(true);
  Send("k");
  Answer(false);
  Send("p");
  EXPECT_EQ(Starts(), 0);
  Send("k");
  Answer(true);
  EXPECT_EQ(Starts(), 1) << "p was remembered";
}

TEST_F(EvaluationsTest, Rule21StatusesAreThoseAsOfTheEvent) {
  RunX({Start(AllOf({Custom({"k"}), OnStatus("a")}))},
       {Task("a", {Restart(OnEvent("rerun"))}), Task("b")});
  Succeed("a");
  Send("k");
  Send("rerun");
  EXPECT_EQ(Latest("a"), S::kQueued);
  Answer(true);
  EXPECT_EQ(Starts(), 1) << "a was SUCCESS when the event came";
  Send("k");
  Succeed("a");  // waits behind k, as the rule listens to it
  Answer(true);
  EXPECT_EQ(Starts(), 2) << "k did not see the SUCCESS, which then meets the rule itself";
  EXPECT_EQ(rows_.tasks.at({last_, Index("x")}).pending_starts.back(), offset_ - 1);
}

TEST_F(EvaluationsTest, Rule19AJoinIsUsedUpWithTheRunsAsOfTheEvent) {
  RunX({Start(Join({OnStatus("a")})), Stop(Custom({StatusChangedKey("default", "w", "a")}))},
       {Task("a", {Restart(OnEvent("rerun"))})});
  RunX({Stop(Custom({StatusChangedKey("default", "w", "a")})), Start(Join({OnStatus("a")}))},
       {Task("a", {Restart(OnEvent("rerun"))})});
  Report("a", S::kSuccess);  // RUNNING and SUCCESS
  Send("rerun");
  EXPECT_EQ(TaskState("a").latest, 2);
  Answer(false);
  Answer(false);
  EXPECT_EQ(Starts(), 1);
  EXPECT_EQ(rows_.rules.at({last_, Index("x"), 1}).fired,
            (std::vector<std::pair<TaskIndex, int64_t>>{{0, 1}}));
}

TEST_F(EvaluationsTest, Rule21LaterEventsOfTheTaskWaitAlsoWhenTheyAskNothing) {
  RunX({Start(Custom({"k"})), Stop(OnEvent("s"))});
  const Offset start = Send("k");
  Send("s");
  Send("k");
  EXPECT_EQ(Waiting(), 3U);
  Answer(true);
  EXPECT_EQ(RunOf("x", 1).cause_offset, start);
  EXPECT_EQ(Latest("x"), S::kStopping) << "the stop follows in the same step";
  EXPECT_EQ(Waiting(), 1U);
  EXPECT_EQ(Asked(), "x 0 0: k");
}

TEST_F(EvaluationsTest, OtherTasksDoNotWait) {
  RunX({Start(Custom({"k"}))}, {Task("a", {Start(OnEvent("k"))})});
  Send("k");
  EXPECT_EQ(Starts("a"), 1);
}

TEST_F(EvaluationsTest, AnEntryThatAsksNothingWaitsForItsOwnTaskOnly) {
  RunX({Start(Custom({"k"})), Start(OnEvent("p"))}, {Task("a", {Start(Custom({"j"}))})});
  Send("k");
  Send("j");
  Send("p");
  Answer(false);
  EXPECT_EQ(Starts(), 1) << "p needs nothing of a";
  EXPECT_EQ(Asked(), "a 0 0: j");
}

TEST_F(EvaluationsTest, Rule21RulesDeclaredBeforeTheQuestionActAtOnce) {
  RunX({Start(OnEvent("k")), Start(Custom({"k"})), Start(AllOf({OnEvent("k"), OnEvent("p")}))});
  Send("k");
  EXPECT_EQ(Starts(), 1);
  EXPECT_EQ(RunOf("x", 1).cause_rule, 0);
  Answer(true);
  EXPECT_EQ(Starts(), 1) << "one event acts at most once per task";
  Send("p");
  EXPECT_EQ(Starts(), 2) << "the last rule has observed k";
}

TEST_F(EvaluationsTest, RulesBeforeTheQuestionAreUsedUpOnce) {
  RunX({Start(AllOf({OnEvent("k"), OnEvent("p")})), Start(Custom({"k"}))});
  Send("p");
  Send("k");
  EXPECT_EQ(Starts(), 1);
  Answer(true);
  Send("p");
  EXPECT_EQ(Starts(), 1) << "k was used up by the first rule, and is not seen a second time";
}

TEST_F(EvaluationsTest, Rule21RulesDeclaredAfterTheQuestionWait) {
  RunX({Start(Custom({"k"})), Start(OnEvent("k"))});
  Send("k");
  EXPECT_EQ(Starts(), 0);
  Answer(false);
  EXPECT_EQ(RunOf("x", 1).cause_rule, 1);
}

TEST_F(EvaluationsTest, Rule21CommandsDoNotWait) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  EXPECT_EQ(Request(StartTaskExecution{last_, "x"}).code, 0);
  EXPECT_EQ(Latest("x"), S::kQueued);
  EXPECT_EQ(Request(StopTaskExecution{last_, "x", 0}).code, 0);
  EXPECT_EQ(Latest("x"), S::kStopping);
  Answer(true);
  EXPECT_EQ(TaskState("x").successor, 2) << "the action meets the task as it is now";
}

TEST_F(EvaluationsTest, StatusesOfOwnTasksAreAskedAboutAsAnnouncements) {
  RunX({Start(Custom({StatusChangedKey("default", "w", "a")}))}, {Task("a")});
  Report("a", S::kSuccess);  // RUNNING was merged into it
  ASSERT_EQ(Waiting(), 2U);
  const EvaluationRow& running = rows_.evaluations.begin()->second;
  const EvaluationRow& success = std::next(rows_.evaluations.begin())->second;
  EXPECT_EQ(running.ordinal, 0);
  EXPECT_EQ(running.statuses[0], (TaskSnapshot{0, 1, S::kRunning}));
  EXPECT_THAT(running.event.context, HasSubstr("\"task_status\":\"RUNNING\""));
  EXPECT_EQ(running.event.offset, offset_);
  EXPECT_EQ(running.event.create_time, now_);
  EXPECT_EQ(success.ordinal, 1);
  EXPECT_EQ(success.statuses[0], (TaskSnapshot{0, 1, S::kSuccess}));
  Answer(false);
  Answer(true);
  EXPECT_EQ(Starts(), 1);
  EXPECT_THAT(Causes("x", CauseKind::kStarted).at(0).text,
              HasSubstr("START by rule 1: task 'a' SUCCESS (run 1) at offset"));
}

TEST_F(EvaluationsTest, StatusesOfOtherWorkflowsAreAskedAbout) {
  Upload(Workflow({Task("up")}, "other"));
  const int64_t waiting = RunX({Start(Custom({StatusChangedKey("default", "other", "up")}))});
  StartExecution("other");
  Report("up", S::kRunning);
  DeliverAnnouncements();
  last_ = waiting;
  EXPECT_EQ(Asked(), "x 0 0: [task_status_change].default.other.up");
  Answer(true);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(EvaluationsTest, FiltersOfAnEventThatWaitedAreStillLookedAt) {
  ConditionSpec filtered = OnEvent("k");
  filtered.filters.push_back({FilterField::kValue, std::nullopt, {"\"yes\""}, {}, {}});
  RunX({Start(Custom({"k"})), Start(filtered)});
  Event event;
  event.key = "k";
  event.value = "yes";
  Deliver(event);
  event.value = "no";
  Deliver(event);
  Answer(false);
  Answer(false);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(EvaluationsTest, AnswersWriteAndClearStates) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  Answer(false, R"({"count": "MQ==", "seen": ""})");
  EXPECT_EQ(rows_.states.at({last_, 0, "count"}).value, "1");
  EXPECT_EQ(rows_.states.at({last_, 0, "seen"}).value, "");
  Send("k");
  Answer(true, R"({"count": null})");
  EXPECT_FALSE(rows_.states.contains({last_, 0, "count"}));
  EXPECT_TRUE(rows_.states.contains({last_, 0, "seen"}));
  EXPECT_EQ(Starts(), 1);
}

TEST_F(EvaluationsTest, Rule21AnAnswerWithTooMuchStateIsAnError) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  const std::string large = Base64Encode(std::string(limits::kMaxStateBytes + 1, 'x'));
  Answer(true, "{\"small\": \"\", \"large\": \"" + large + "\"}");
  EXPECT_EQ(Starts(), 0);
  EXPECT_THAT(rows_.states, IsEmpty());
  ASSERT_EQ(rows_.dead_letters.size(), 1U);
  EXPECT_THAT(rows_.dead_letters.begin()->second.error, HasSubstr("over the limit of 1048576"));
}

TEST_F(EvaluationsTest, AnswersThatNobodyWaitsForChangeNothing) {
  RunX({Start(Custom({"k"})), Start(Custom({"k"}))});
  Send("k");
  const EvaluationAnswer first = AnswerTo(true);
  const auto ignored = [this](const EvaluationAnswer& answer) {
    Deliver(FormatRequest(answer));
    return decision_.changes.empty();
  };
  EvaluationAnswer wrong = first;
  ++wrong.generation;
  EXPECT_TRUE(ignored(wrong));
  wrong = first;
  ++wrong.ordinal;
  EXPECT_TRUE(ignored(wrong));
  wrong = first;
  wrong.task = Index("stream");
  EXPECT_TRUE(ignored(wrong));
  wrong = first;
  wrong.execution_id += 100;
  EXPECT_TRUE(ignored(wrong));
  wrong.execution_id = 0;
  wrong.trigger_id = 1;
  EXPECT_TRUE(ignored(wrong));
  Answer(false);
  EXPECT_TRUE(ignored(first)) << "the first question again, while the second is in flight";
  Answer(true);
  EXPECT_TRUE(ignored(first));
  EXPECT_EQ(RunOf("x", 1).cause_rule, 1);
}

TEST_F(EvaluationsTest, AnAnswerIsNotTakenFromTheWire) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  Event event = FormatRequest(AnswerTo(true));
  event.kind = EventKind::kScheduling;
  Deliver(event);
  EXPECT_EQ(rows_.replies.at(offset_).code, static_cast<int>(Code::kPermissionDenied));
  EXPECT_EQ(Asked(), "x 0 0: k");
}

TEST_F(EvaluationsTest, AnEventThatComesAgainAsksNothing) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  Event event;
  event.key = "k";
  event.ns = "default";
  event.offset = offset_;
  EXPECT_TRUE(Decide(state_, {event, nullptr, {}}).changes.empty());
}

TEST_F(EvaluationsTest, Rule21APendingEvaluationKeepsTheExecutionUnfinished) {
  Run({Task("a"), Optional(Task("x", {Start(Custom({StatusChangedKey("default", "w", "a")}))}))});
  Report("a", S::kSuccess);
  EXPECT_EQ(Status(), E::kRunning);
  Answer(false);
  EXPECT_EQ(Status(), E::kRunning);
  Answer(false);
  EXPECT_EQ(Status(), E::kSuccess);
}

TEST_F(EvaluationsTest, Rule21AnswersForAStoppedExecutionAreIgnored) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  Send("k");
  const EvaluationAnswer answer = AnswerTo(true);
  Request(StopWorkflowExecution{last_});
  EXPECT_EQ(Asked(), "");
  EXPECT_EQ(Waiting(), 0U);
  Deliver(FormatRequest(answer));
  EXPECT_TRUE(decision_.changes.empty()) << "while it is stopping";
  Report("stream", S::kStopped);
  ASSERT_EQ(Status(), E::kStopped);
  Deliver(FormatRequest(answer));
  EXPECT_TRUE(decision_.changes.empty()) << "when it is finished";
  Request(DeleteWorkflowExecution{last_});
  Deliver(FormatRequest(answer));
  EXPECT_TRUE(decision_.changes.empty()) << "when it is deleted";
}

TEST_F(EvaluationsTest, AStatusThatReopensAnExecutionIsAskedAbout) {
  Run({Task("a"), Optional(Task("x", {Start(Custom({StatusChangedKey("default", "w", "a")}))}))});
  Report("a", S::kFailed);
  Answer(false);
  ASSERT_EQ(Status(), E::kFailed);
  Request(MarkTask{last_, "a", S::kSuccess, ""});
  EXPECT_EQ(Asked(), "x 0 0: [task_status_change].default.w.a");
  Answer(true);
  EXPECT_EQ(Latest("x"), S::kQueued);
}

TEST_F(EvaluationsTest, TooManyWaitingEventsFailTheExecutionVisibly) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  std::vector<Change> rows;
  EvaluationRow entry = rows_.evaluations.begin()->second;
  for (size_t i = 1; i < limits::kMaxPendingEvaluations; ++i) {
    ++entry.offset;
    rows.emplace_back(entry);
  }
  offset_ = entry.offset;
  state_.Apply(rows);
  rows_.Apply(rows);
  ASSERT_EQ(Waiting(), limits::kMaxPendingEvaluations);
  Send("other");
  EXPECT_EQ(Status(), E::kRunning);
  Send("k");
  EXPECT_EQ(Status(), E::kStopping);
  EXPECT_EQ(Waiting(), 0U);
  Report("stream", S::kStopped);
  EXPECT_EQ(Status(), E::kFailed);
  EXPECT_THAT(Execution().reason, HasSubstr("too many events wait for the answers of its "
                                            "user-written conditions; the limits are 10000"));
}

TEST_F(EvaluationsTest, LargeWaitingEventsAreLimitedByTheirBytes) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  EvaluationRow entry = rows_.evaluations.begin()->second;
  ++entry.offset;
  entry.event.value.assign(limits::kMaxPendingEvaluationBytes - 10'000, 'x');
  const std::vector<Change> rows = {entry};
  offset_ = entry.offset;
  state_.Apply(rows);
  rows_.Apply(rows);
  Send("k");
  EXPECT_EQ(Status(), E::kRunning);
  Event event;
  event.key = "k";
  event.value.assign(10'000, 'x');
  Deliver(event);
  EXPECT_EQ(Status(), E::kStopping);
}

TEST_F(EvaluationsTest, Rule24AnAnswerIsNoEventFromOutside) {
  TaskSpec loop = Task(
      "loop", {Restart(Custom({StatusChangedKey("default", "w", "loop")})), Start(OnEvent("go"))});
  loop.op = OperatorKind::kEmpty;
  loop.command.clear();
  Run({loop, Task("stream")});
  Send("go");
  for (int i = 0; i < 3 * limits::kMaxCascade && Status() == E::kRunning; ++i) {
    DeliverAnnouncements();
    while (!Asked().empty()) Answer(true);
  }
  EXPECT_THAT(Execution().reason, HasSubstr("rule loop"));
}

}  // namespace
}  // namespace aiflow::test
