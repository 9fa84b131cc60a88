#include <gmock/gmock.h>

#include "model/limits.h"
#include "scheduler/evaluations.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using S = TaskStatus;

/// Triggers of workflow `w`, id 1, with user-written leaves.
class TriggerEvaluationsTest : public SchedulerTest {
 protected:
  void SetUp() override { Upload(Workflow({Task("a")})); }

  int64_t Add(const ConditionSpec& condition) {
    AddTrigger add;
    add.ns = "default";
    add.name = "w";
    add.condition_json = FormatCondition(condition);
    HostSpec host;
    host.language = "python";
    add.host_json = FormatHost(host);
    add.pickled_digest = "rule";
    const ReplyRow reply = Request(add);
    EXPECT_EQ(reply.code, 0) << reply.message;
    return reply.id;
  }

  /// Of the workflow's triggers; null when none is in flight.
  [[nodiscard]] const OutboxRow* Question() const {
    for (const auto& [id, row] : rows_.outbox) {
      if (row.kind == OutboxKind::kEvaluate && row.trigger.valid()) return &row;
    }
    return nullptr;
  }
  /// "trigger question: event" of the question in flight; empty when there is none.
  [[nodiscard]] std::string AskedOf() const {
    const OutboxRow* row = Question();
    if (row == nullptr) return "";
    const std::optional<QuestionInFlight> found = FindQuestion(state_, *row);
    if (!found.has_value()) return "a question about nothing";
    return std::to_string(row->trigger.value()) + " " + std::to_string(found->leaf.question) +
           ": " + found->entry->event.key;
  }
  [[nodiscard]] EvaluationAnswer AnswerOf(bool met) const {
    EvaluationAnswer answer;
    const OutboxRow* row = Question();
    if (row == nullptr) {
      ADD_FAILURE() << "nothing is asked";
      return answer;
    }
    answer.trigger_id = row->trigger.value();
    answer.offset = row->offset;
    answer.ordinal = row->ordinal;
    answer.generation = row->generation;
    answer.met = met;
    return answer;
  }
  Offset Say(bool met, const std::string& states = "", const std::string& error = "") {
    EvaluationAnswer answer = AnswerOf(met);
    answer.states_json = states;
    answer.error = error;
    return Deliver(FormatRequest(answer));
  }
  size_t Executions() const { return rows_.executions.size(); }
};

TEST_F(TriggerEvaluationsTest, AnEventStartsAnExecutionOnceItsTriggerHasItsAnswer) {
  Add(Custom({"k"}));
  const Offset event = Send("k");
  EXPECT_EQ(AskedOf(), "1 0: k");
  EXPECT_EQ(Executions(), 0U);
  const Offset answer = Say(true);
  ASSERT_EQ(Executions(), 1U);
  EXPECT_EQ(Execution(1).created_offset, event);
  EXPECT_EQ(Execution(1).event_offset, answer) << "it sees what comes after its start";
  EXPECT_EQ(RunOf("a", 1, 1).cause_offset, event) << "but its tasks are told of the event";
  EXPECT_EQ(AskedOf(), "");
  EXPECT_THAT(rows_.evaluations, IsEmpty());
}

TEST_F(TriggerEvaluationsTest, NotMetStartsNothing) {
  Add(Custom({"k"}));
  Send("k");
  Say(false);
  EXPECT_EQ(Executions(), 0U);
}

TEST_F(TriggerEvaluationsTest, Rule21OneQuestionAtATimePerWorkflowInTheOrderOfEvents) {
  Add(Custom({"k", "j"}));
  Add(AnyOf({Custom({"k"}), Custom({"k"})}));
  Send("k");
  Send("j");
  std::vector<std::string> asked;
  while (!AskedOf().empty()) {
    asked.push_back(AskedOf());
    Say(false);
  }
  EXPECT_THAT(asked, ElementsAre("1 0: k", "2 0: k", "2 1: k", "1 0: j"));
}

TEST_F(TriggerEvaluationsTest, Rule21TwoTriggersThatAreMetStartOneExecution) {
  Add(Custom({"k"}));
  Add(Custom({"k"}));
  Send("k");
  Say(true);
  EXPECT_EQ(Executions(), 1U);
  Say(true);
  EXPECT_EQ(Executions(), 1U);
  Send("k");
  Say(false);
  Say(true);
  EXPECT_EQ(Executions(), 2U) << "the second may be the one";
}

TEST_F(TriggerEvaluationsTest, Rule21ATriggerThatAnswersLaterStartsNoSecondExecution) {
  Add(AllOf({Custom({"k"}), OnEvent("p")}));
  Add(OnEvent("k"));
  Send("p");
  Send("k");
  EXPECT_EQ(Executions(), 1U) << "the plain trigger does not wait";
  Say(true);
  EXPECT_EQ(Executions(), 1U);
  Send("p");
  EXPECT_EQ(Executions(), 2U) << "the trigger that lost has observed k";
}

TEST_F(TriggerEvaluationsTest, Rule21LaterEventsOfTheTriggerWaitAlsoWhenTheyAskNothing) {
  Add(AnyOf({Custom({"k"}), OnEvent("p")}));
  Send("k");
  const Offset second = Send("p");
  EXPECT_EQ(Executions(), 0U);
  Say(true);
  ASSERT_EQ(Executions(), 2U);
  EXPECT_EQ(RunOf("a", 1, 2).cause_offset, second);
}

TEST_F(TriggerEvaluationsTest, OtherTriggersDoNotWait) {
  Add(Custom({"k"}));
  Add(OnEvent("p"));
  Send("k");
  Send("p");
  EXPECT_EQ(Executions(), 1U);
}

TEST_F(TriggerEvaluationsTest, StatesAreTheWorkflows) {
  Add(Custom({"k"}));
  Send("k");
  Say(false, R"({"count": "MQ=="})");
  EXPECT_EQ(rows_.states.at({0, 1, "count"}).value, "1");
  Send("k");
  Say(false, R"({"count": null})");
  EXPECT_THAT(rows_.states, IsEmpty());
}

TEST_F(TriggerEvaluationsTest, TheParametersComeFromTheEventThatWaited) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = {{"day", ParamType::kString, "", ""}};
  Upload(spec);
  AddTrigger add;
  add.ns = "default";
  add.name = "w";
  add.condition_json = FormatCondition(Custom({"k"}));
  HostSpec host;
  host.language = "python";
  add.host_json = FormatHost(host);
  add.pickled_digest = "rule";
  add.params_json = R"({"day": {"field": "value"}})";
  ASSERT_EQ(Request(add).code, 0);
  Event event;
  event.key = "k";
  event.value = "monday";
  Deliver(event);
  Say(true);
  EXPECT_EQ(Execution(1).params_json, R"({"day":"monday"})");
}

TEST_F(TriggerEvaluationsTest, APausedTriggerDoesNotFireWhenItsAnswerComes) {
  Add(AllOf({Custom({"k"}), OnEvent("p")}));
  Send("p");
  Send("k");
  Request(SetTriggerPaused{1, true});
  Say(true);
  EXPECT_EQ(Executions(), 0U);
  Request(SetTriggerPaused{1, false});
  Send("p");
  EXPECT_EQ(Executions(), 1U) << "it has observed the answer";
}

TEST_F(TriggerEvaluationsTest, ADisabledWorkflowStartsNothingWhenTheAnswerComes) {
  Add(Custom({"k"}));
  Send("k");
  Request(SetWorkflowEnabled{"default", "w", false});
  Say(true);
  EXPECT_EQ(Executions(), 0U);
  EXPECT_THAT(rows_.triggers.at(1).reason, HasSubstr("disabled"));
}

TEST_F(TriggerEvaluationsTest, Rule21ADeletedTriggerIsAskedNothingAndTheNextOneIs) {
  Add(Custom({"k"}));
  Add(Custom({"k"}));
  Send("k");
  Send("k");
  const EvaluationAnswer answer = AnswerOf(true);
  Request(DeleteTrigger{1});
  EXPECT_EQ(AskedOf(), "2 0: k");
  EXPECT_EQ(rows_.evaluations.size(), 2U);
  Deliver(FormatRequest(answer));
  EXPECT_TRUE(decision_.changes.empty());
  Request(DeleteTriggers{"default", "w"});
  EXPECT_EQ(AskedOf(), "");
}

TEST_F(TriggerEvaluationsTest, ADeletedWorkflowTakesItsEvaluationsWithIt) {
  Add(Custom({"k"}));
  Send("k");
  Request(DeleteWorkflow{"default", "w"});
  EXPECT_EQ(AskedOf(), "");
  EXPECT_THAT(rows_.evaluations, IsEmpty());
}

TEST_F(TriggerEvaluationsTest, AnEventThatComesAgainAsksNothing) {
  Add(Custom({"k"}));
  Event event;
  event.key = "k";
  event.ns = "default";
  event.offset = Send("k");
  EXPECT_TRUE(Decide(state_, {event, nullptr, {}}).changes.empty());
}

TEST_F(TriggerEvaluationsTest, AnErrorIsADeadLetterThatCanBeAskedAgain) {
  Add(Custom({"k"}));
  const Offset event = Send("k");
  Say(false, "", "RuntimeError: no");
  ASSERT_EQ(rows_.dead_letters.size(), 1U);
  EXPECT_EQ(rows_.dead_letters.at(1).trigger_id, TriggerId(1));
  EXPECT_EQ(rows_.dead_letters.at(1).workflow_id, WorkflowId(1));
  EXPECT_EQ(Request(RetryDeadLetter{1}).code, 0);
  EXPECT_EQ(AskedOf(), "1 0: k");
  Say(true);
  ASSERT_EQ(Executions(), 1U);
  EXPECT_EQ(RunOf("a", 1, 1).cause_offset, event);
}

TEST_F(TriggerEvaluationsTest, OnlyTheLeafSeesTheEventOfADeadLetterAgain) {
  Add(AnyOf({OnEvent("k"), Custom({"k"})}));
  Send("k");
  Say(false, "", "RuntimeError: no");
  EXPECT_EQ(Executions(), 1U);
  Request(RetryDeadLetter{1});
  Say(false);
  EXPECT_EQ(Executions(), 1U);
}

TEST_F(TriggerEvaluationsTest, Rule21ADeadLetterOfAnEventThatHasStartedAnExecutionStartsNoOther) {
  Add(OnEvent("k"));
  Add(Custom({"k"}));
  Send("k");
  EXPECT_EQ(Executions(), 1U);
  Say(false, "", "RuntimeError: no");
  Request(RetryDeadLetter{1});
  Say(true);
  EXPECT_EQ(Executions(), 1U);
}

TEST_F(TriggerEvaluationsTest, Rule21AStartDecidesTheDeadLettersOfItsEventToo) {
  Add(Custom({"k"}));
  Add(Custom({"k"}));
  Send("k");
  Say(false, "", "RuntimeError: no");
  Say(true);
  EXPECT_EQ(Executions(), 1U);
  Request(RetryDeadLetter{1});
  Say(true);
  EXPECT_EQ(Executions(), 1U);
}

TEST_F(TriggerEvaluationsTest, Rule21AStartDecidesWhatIsAskedAgainAboutItsEventToo) {
  Add(Custom({"k"}));
  Add(Custom({"k"}));
  Send("k");
  Say(false, "", "RuntimeError: no");
  Request(RetryDeadLetter{1});
  Say(true);
  EXPECT_EQ(Executions(), 1U);
  Say(true);
  EXPECT_EQ(Executions(), 1U);
  EXPECT_THAT(rows_.evaluations, IsEmpty());
}

TEST_F(TriggerEvaluationsTest, ADeadLetterOfATriggerThatCannotFireStays) {
  Add(Custom({"k"}));
  Send("k");
  Say(false, "", "RuntimeError: no");
  Request(SetTriggerPaused{1, true});
  EXPECT_EQ(Request(RetryDeadLetter{1}).message,
            "failed event 1 cannot be asked again: trigger 1 is paused; resume it first");
  Request(DeleteTrigger{1});
  EXPECT_EQ(Request(RetryDeadLetter{1}).message,
            "failed event 1 cannot be asked again: trigger 1 was deleted");
  EXPECT_EQ(Request(DropDeadLetter{1}).code, 0);
}

TEST_F(TriggerEvaluationsTest, WhatIsTooMuchToWaitBecomesADeadLetter) {
  Add(AnyOf({Custom({"k"}), OnEvent("p")}));
  Send("k");
  EvaluationRow entry = rows_.evaluations.begin()->second;
  ++entry.offset;
  entry.event.value.assign(limits::kMaxPendingEvaluationBytes - 1'500, 'x');
  const std::vector<Change> rows = {entry};
  offset_ = entry.offset;
  state_.Apply(rows);
  rows_.Apply(rows);
  Send("p");
  ASSERT_EQ(rows_.dead_letters.size(), 1U);
  EXPECT_THAT(rows_.dead_letters.at(1).error, HasSubstr("too many events wait"));
  EXPECT_EQ(Request(RetryDeadLetter{1}).code, static_cast<int>(Code::kResourceExhausted));
  Say(false);
  Say(false);
  EXPECT_EQ(Request(RetryDeadLetter{1}).code, 0);
  EXPECT_EQ(Executions(), 1U) << "p was seen at last, and asks nothing";
  EXPECT_THAT(rows_.evaluations, IsEmpty());
}

}  // namespace
}  // namespace aiflow::test
