#include "aiflow/workflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/spec_json.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;

TEST(CppWorkflowTest, RulesAreDeclaredInOrderOnTheirTask) {
  Workflow flow("w");
  BashTask first(flow, "first", "true");
  BashTask second(flow, "second", "echo hi");
  second.StartAfter({first}).StopOn("enough").RestartOn("again").OnAlive(OnAlive::kQueue);

  const TaskSpec& task = flow.spec().tasks.at(1);
  ASSERT_EQ(task.rules.size(), 3u);
  EXPECT_EQ(task.rules[0].action, TaskAction::kStart);
  EXPECT_EQ(task.rules[0].condition.kind, ConditionKind::kAllTaskStatus);
  EXPECT_EQ(task.rules[0].condition.children.at(0).task, "first");
  EXPECT_EQ(task.rules[0].condition.children.at(0).status, TaskStatus::kSuccess);
  EXPECT_EQ(task.rules[1].action, TaskAction::kStop);
  EXPECT_EQ(task.rules[1].condition.key, "enough");
  EXPECT_EQ(task.rules[2].action, TaskAction::kRestart);
  EXPECT_EQ(task.on_alive, OnAlive::kQueue);
}

TEST(CppWorkflowTest, CompiledSpecificationSurvivesJson) {
  Workflow flow("w", "team");
  flow.KeepOpen().Config("owner", "\"me\"");
  BashTask a(flow, "a", "true");
  BashTask b(flow, "b", "true");
  b.StartOn(Condition::AllOf("both",
                             {Condition::Event("x"), Condition::Status(a, TaskStatus::kRunning)}))
      .Optional()
      .Env("K", "v")
      .StopGrace(Millis(5'000))
      .MaxPendingStarts(7);
  b.StartOn(Condition::AnyOf({Condition::Event("y"), Condition::Event("z")}));

  const Result<WorkflowSpec> parsed = ParseWorkflowSpec(FormatWorkflowSpec(flow.spec()));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(*parsed, flow.spec());
}

TEST(CppWorkflowTest, OnlyFunctionTasksHaveAFunction) {
  Workflow flow("w");
  const BashTask bash(flow, "bash", "true");
  const FunctionTask function(flow, "function", [](TaskContext&) { return 0; });
  EXPECT_EQ(flow.function("bash"), nullptr);
  EXPECT_NE(flow.function("function"), nullptr);
  EXPECT_EQ(flow.function("unknown"), nullptr);
}

TEST(CppWorkflowTest, CyclesAreNamedWhenValidated) {
  Workflow flow("w");
  BashTask a(flow, "a", "true");
  BashTask b(flow, "b", "true");
  a.StartAfter({b});
  b.StartAfter({a});
  const Status status = ValidateWorkflowSpec(flow.spec(), nullptr);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("a"));
  EXPECT_THAT(status.message(), HasSubstr("b"));
}

}  // namespace
}  // namespace aiflow
