#include "api/waits_for.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aiflow::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ConditionSpec OnEvent(std::string key) {
  ConditionSpec condition;
  condition.key = std::move(key);
  return condition;
}

ConditionSpec OnStatus(std::string task, TaskStatus status, std::string workflow = "w") {
  ConditionSpec condition;
  condition.kind = ConditionKind::kTaskStatus;
  condition.ns = "default";
  condition.workflow = std::move(workflow);
  condition.task = std::move(task);
  condition.status = status;
  return condition;
}

ConditionSpec Of(ConditionKind kind, std::vector<ConditionSpec> children) {
  ConditionSpec condition;
  condition.kind = kind;
  condition.name = "c";
  condition.children = std::move(children);
  return condition;
}

class WaitsForTest : public testing::Test {
 protected:
  WaitsForTest() {
    spec_.name = "w";
    for (const char* name : {"a", "b", "c"}) {
      TaskSpec task;
      task.name = name;
      spec_.tasks.push_back(task);
    }
    latest_.resize(3);
  }

  void Rule(ConditionSpec condition, TaskAction action = TaskAction::kStart) {
    spec_.tasks[2].rules.push_back({action, std::move(condition)});
  }
  void Ran(TaskIndex task, TaskStatus status) {
    latest_[static_cast<size_t>(task)] = LatestRun{status, 1};
  }
  void Slots(std::vector<uint8_t> slots) {
    RuleStateRow row;
    row.task = 2;
    row.slots = std::move(slots);
    states_.push_back(row);
  }
  std::vector<std::string> Lines() const { return WaitsFor({spec_, latest_, states_}, 2); }

  WorkflowSpec spec_;
  std::vector<std::optional<LatestRun>> latest_;
  std::vector<RuleStateRow> states_;
};

TEST_F(WaitsForTest, SingleEventIsNamed) {
  Rule(OnEvent("hour_complete"));
  EXPECT_THAT(Lines(), ElementsAre("event hour_complete"));
}

TEST_F(WaitsForTest, StatusLeafTellsTheStatusNow) {
  Rule(OnStatus("a", TaskStatus::kSuccess));
  EXPECT_THAT(Lines(), ElementsAre("a SUCCESS (never ran)"));
  Ran(0, TaskStatus::kRunning);
  EXPECT_THAT(Lines(), ElementsAre("a SUCCESS (now RUNNING)"));
  Ran(0, TaskStatus::kSuccess);
  EXPECT_THAT(Lines(), ElementsAre("a SUCCESS again"));
}

TEST_F(WaitsForTest, JoinNamesOnlyWhatIsMissing) {
  Rule(Of(ConditionKind::kAllTaskStatus,
          {OnStatus("a", TaskStatus::kSuccess), OnStatus("b", TaskStatus::kSuccess)}));
  Ran(0, TaskStatus::kSuccess);
  Ran(1, TaskStatus::kRunning);
  EXPECT_THAT(Lines(), ElementsAre("b SUCCESS (now RUNNING)"));
}

TEST_F(WaitsForTest, JoinThatHoldsWaitsForANewRun) {
  Rule(Of(ConditionKind::kAllTaskStatus,
          {OnStatus("a", TaskStatus::kSuccess), OnStatus("b", TaskStatus::kSuccess)}));
  Ran(0, TaskStatus::kSuccess);
  Ran(1, TaskStatus::kSuccess);
  EXPECT_THAT(Lines(), ElementsAre("a new run of a or b"));
}

TEST_F(WaitsForTest, AllOfSkipsMetSlotsInDepthFirstOrder) {
  // Slots: x, then the foreign status, then y; the local status has none.
  Rule(Of(ConditionKind::kAllOf, {OnEvent("x"), OnStatus("a", TaskStatus::kFailed),
                                  OnStatus("t", TaskStatus::kSuccess, "v"), OnEvent("y")}));
  Ran(0, TaskStatus::kFailed);
  Slots({0, 1, 0});
  EXPECT_THAT(Lines(), ElementsAre("event x and event y"));
}

TEST_F(WaitsForTest, AnyOfInsideAllOfIsGrouped) {
  Rule(Of(ConditionKind::kAllOf,
          {Of(ConditionKind::kAnyOf, {OnEvent("x"), OnEvent("y")}), OnEvent("z")}));
  EXPECT_THAT(Lines(), ElementsAre("(event x or event y) and event z"));
  Slots({0, 1, 0});
  EXPECT_THAT(Lines(), ElementsAre("event z"));
}

TEST_F(WaitsForTest, RulesAreAlternativesAndStopRulesDoNotCount) {
  Rule(OnEvent("x"));
  Rule(OnEvent("stop"), TaskAction::kStop);
  Rule(OnStatus("t", TaskStatus::kSuccess, "other"), TaskAction::kRestart);
  EXPECT_THAT(Lines(), ElementsAre("event x", "default.other.t SUCCESS"));
}

ConditionSpec Custom(std::string name, std::vector<std::string> keys) {
  ConditionSpec condition;
  condition.kind = ConditionKind::kCustom;
  condition.name = std::move(name);
  condition.event_keys = std::move(keys);
  return condition;
}

TEST_F(WaitsForTest, FiltersAndScopeAreTold) {
  ConditionSpec filtered = OnEvent("temperature");
  filtered.scope = EventScope::kExecution;
  FilterSpec range;
  range.pointer = "/celsius";
  range.min = 30;
  range.max = 40.5;
  FilterSpec sender;
  sender.field = FilterField::kSender;
  sender.one_of = {R"("probe")"};
  filtered.filters = {range, sender};
  Rule(filtered);
  FilterSpec many;
  many.field = FilterField::kContext;
  many.pointer = "/n";
  many.one_of = {"1", "2", "3", "4", "5", "6"};
  ConditionSpec listed = OnEvent("x");
  listed.filters = {many};
  Rule(listed);
  EXPECT_THAT(Lines(),
              ElementsAre("event temperature (of an execution and value /celsius >= 30 and <= 40.5 "
                          "and sender = \"probe\")",
                          "event x (context /n in (1, 2, 3, 4, 5, ...))"));
}

TEST_F(WaitsForTest, UserWrittenLeavesTakeASlotToo) {
  Rule(Of(ConditionKind::kAllOf, {Custom("fresh", {"a", "b"}), OnEvent("x"), OnEvent("y")}));
  EXPECT_THAT(Lines(), ElementsAre("condition fresh on event a or b and event x and event y"));
  Slots({1, 0, 1});
  EXPECT_THAT(Lines(), ElementsAre("event x"));
}

TEST_F(WaitsForTest, APendingEvaluationNamesTheConditionsThatAreAsked) {
  Rule(Of(ConditionKind::kAnyOf, {Custom("fresh", {"a"}), Custom("late", {"b"})}));
  Rule(Custom("complete", {"b", "a"}));
  EvaluationRow row;
  row.task = 2;
  row.offset = 40;
  row.event.key = "a";
  EXPECT_EQ(EvaluationWaitsFor(spec_, row),
            "an answer of condition fresh or complete about event a #40");
  EXPECT_EQ(QuestionName(spec_.tasks[2].rules[0].condition, 1), "late");
  EXPECT_EQ(QuestionName(spec_.tasks[2].rules[0].condition, 2), "");
}

TEST(RunWaitsFor, TellsWhyALiveRunDoesNotRun) {
  TaskExecutionRow run;
  EXPECT_EQ(RunWaitsFor(run), "the end of the run before it");
  run.status = TaskStatus::kQueued;
  EXPECT_EQ(RunWaitsFor(run), "a slot");
  run.reason = "waits for a slot: pool gpu has none of its 2 free";
  EXPECT_EQ(RunWaitsFor(run), "a slot: pool gpu has none of its 2 free");
  run.has_slot = true;
  EXPECT_EQ(RunWaitsFor(run), "");
  run.status = TaskStatus::kRetrying;
  run.deadline = Millis(1'769'847'300'123);
  EXPECT_EQ(RunWaitsFor(run), "its next try at 2026-01-31T08:15:00.123Z");
  EXPECT_EQ(DeadlineText(run), "the next try");
  run.status = TaskStatus::kRunning;
  EXPECT_EQ(RunWaitsFor(run), "");
  EXPECT_EQ(DeadlineText(run), "execution_timeout");
  run.deadline = Millis(0);
  EXPECT_EQ(DeadlineText(run), "");
}

TEST(ExecutionWaitsFor, OnlyOneThatHasNotBegunWaits) {
  ExecutionRow execution;
  EXPECT_EQ(ExecutionWaitsFor(execution), "the end of another execution");
  execution.reason = "waits: 2 of 2 active executions of default.w (max_active_executions)";
  EXPECT_EQ(ExecutionWaitsFor(execution),
            "the end of another execution: 2 of 2 active executions of default.w "
            "(max_active_executions)");
  execution.status = ExecutionStatus::kRunning;
  EXPECT_EQ(ExecutionWaitsFor(execution), "");
}

TEST_F(WaitsForTest, TaskWithoutRulesWaitsForNothing) { EXPECT_THAT(Lines(), IsEmpty()); }

TEST_F(WaitsForTest, UpstreamNamesEachSourceOnce) {
  Rule(OnEvent("x"));
  Rule(Of(ConditionKind::kAllOf, {OnEvent("x"), OnStatus("a", TaskStatus::kSuccess),
                                  OnStatus("t", TaskStatus::kSuccess, "v")}));
  EXPECT_THAT(Upstream(spec_, 2), ElementsAre("x", "a", "default.v.t"));
}

}  // namespace
}  // namespace aiflow::api
