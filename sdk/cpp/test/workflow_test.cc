#include "aiflow/workflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

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
      .EnvFile("a.env")
      .EnvFile("/b.env")
      .StopGrace(Millis(5'000))
      .MaxPendingStarts(7);
  b.StartOn(Condition::AnyOf({Condition::Event("y"), Condition::Event("z")}));

  const Result<WorkflowSpec> parsed = ParseWorkflowSpec(FormatWorkflowSpec(flow.spec()));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(*parsed, flow.spec());
}

TEST(CppWorkflowTest, EveryOptionReachesTheSpecification) {
  Workflow flow("w");
  flow.ExecutionTimeout(Millis(1))
      .MaxActiveExecutions(2)
      .Concurrency(3)
      .TimeZone("Europe/Berlin")
      .StringParam("text", "a\"b")
      .StringParam("must")
      .IntegerParam("rows", 7)
      .NumberParam("ratio", 0.5)
      .BooleanParam("dry", false)
      .JsonParam("places", R"(["eu"])")
      .Hook({.on_success = true, .url = "http://a"})
      .Hook({.command = "mail"});
  const EmptyTask meet(flow, "meet");
  BashTask task(flow, "task", "true");
  task.Retries(3, Millis(4))
      .RetryBackoff(Millis(5))
      .ExecutionTimeout(Millis(6))
      .QueueTimeout(Millis(7))
      .StartTimeout(Millis(8))
      .StopGrace(Millis(9))
      .Periodic("interval@0 0 1 0", Overlap::kQueue, CatchUp::kAll)
      .Executor("farm")
      .Pool("gpu", 2)
      .Priority(-1);

  const WorkflowSpec& spec = flow.spec();
  EXPECT_EQ(spec.execution_timeout, Millis(1));
  EXPECT_EQ(spec.max_active_executions, 2);
  EXPECT_EQ(spec.concurrency, 3);
  EXPECT_EQ(spec.timezone, "Europe/Berlin");
  const std::vector<ParamSpec> params = {
      {"text", ParamType::kString, R"("a\"b")"}, {"must"},
      {"rows", ParamType::kInteger, "7"},        {"ratio", ParamType::kNumber, "0.5"},
      {"dry", ParamType::kBoolean, "false"},     {"places", ParamType::kJson, R"(["eu"])"}};
  EXPECT_EQ(spec.params, params);
  const std::vector<HookSpec> hooks = {{true, true, "", "http://a"}, {true, false, "mail", ""}};
  EXPECT_EQ(spec.hooks, hooks);
  EXPECT_EQ(spec.tasks.at(0).op, OperatorKind::kEmpty);
  const TaskSpec& made = spec.tasks.at(1);
  EXPECT_EQ(made.retry, (RetrySpec{3, Millis(4), true, Millis(5)}));
  EXPECT_EQ(made.execution_timeout, Millis(6));
  EXPECT_EQ(made.queue_timeout, Millis(7));
  EXPECT_EQ(made.start_timeout, Millis(8));
  EXPECT_EQ(made.stop_grace, Millis(9));
  EXPECT_EQ(made.periodic, "interval@0 0 1 0");
  EXPECT_EQ(made.overlap, Overlap::kQueue);
  EXPECT_EQ(made.catchup, CatchUp::kAll);
  EXPECT_EQ(made.pool, "gpu");
  EXPECT_EQ(made.executor, "farm");
  EXPECT_EQ(made.pool_slots, 2);
  EXPECT_EQ(made.priority, -1);
  EXPECT_TRUE(ValidateWorkflowSpec(spec, nullptr).ok());
  const Result<WorkflowSpec> parsed = ParseWorkflowSpec(FormatWorkflowSpec(spec));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(*parsed, spec);
}

TEST(CppWorkflowTest, OnlyOperatorTasksHaveAnOperator) {
  class Nothing : public Operator {
    int Start(TaskContext&) override { return 0; }
  };
  Workflow flow("w");
  const EmptyTask empty(flow, "empty");
  const auto nothing = std::make_shared<Nothing>();
  const OperatorTask task(flow, "operator", nothing);
  EXPECT_EQ(flow.task_operator("operator"), nothing.get());
  EXPECT_EQ(flow.task_operator("empty"), nullptr);
  EXPECT_EQ(flow.task_operator("unknown"), nullptr);
  EXPECT_EQ(flow.function("operator"), nullptr);
  EXPECT_EQ(flow.spec().tasks.at(1).op, OperatorKind::kHost);
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
