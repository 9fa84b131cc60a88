#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/event_keys.h"
#include "model/limits.h"
#include "model/spec_json.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

ConditionSpec OnEvent(std::string key) {
  ConditionSpec condition;
  condition.key = std::move(key);
  return condition;
}
ConditionSpec OnStatus(std::string task, TaskStatus status = TaskStatus::kSuccess,
                       std::string workflow = "w") {
  ConditionSpec condition;
  condition.kind = ConditionKind::kTaskStatus;
  condition.ns = "default";
  condition.workflow = std::move(workflow);
  condition.task = std::move(task);
  condition.status = status;
  return condition;
}
ConditionSpec Compose(ConditionKind kind, std::vector<ConditionSpec> children) {
  ConditionSpec condition;
  condition.kind = kind;
  condition.children = std::move(children);
  return condition;
}
TaskSpec Task(std::string name, std::vector<ConditionSpec> starts = {}) {
  TaskSpec task;
  task.name = std::move(name);
  task.command = "true";
  for (ConditionSpec& condition : starts) {
    task.rules.push_back({TaskAction::kStart, std::move(condition)});
  }
  return task;
}
ConditionSpec After(const std::string& task) {
  return Compose(ConditionKind::kAllTaskStatus, {OnStatus(task)});
}
WorkflowSpec Workflow(std::vector<TaskSpec> tasks) {
  WorkflowSpec spec;
  spec.name = "w";
  spec.tasks = std::move(tasks);
  return spec;
}
std::string Refusal(const WorkflowSpec& spec) {
  const Status status = ValidateWorkflowSpec(spec, nullptr);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  return status.message();
}

TEST(ValidateSpecTest, AcceptsAWorkflowOfEveryCondition) {
  std::vector<std::string> warnings;
  const Status status = ValidateWorkflowSpec(
      Workflow(
          {Task("a"),
           Task("b", {Compose(ConditionKind::kAllOf,
                              {OnEvent("k"),
                               Compose(ConditionKind::kAnyOf, {OnStatus("a"), OnEvent("j")})})}),
           Task("c", {After("a")}), Task("d", {OnStatus("x", TaskStatus::kSuccess, "elsewhere")})}),
      &warnings);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(warnings, IsEmpty());
}

TEST(ValidateSpecTest, AWorkflowNeedsATask) {
  EXPECT_THAT(Refusal(Workflow({})), HasSubstr("no task"));
}

TEST(ValidateSpecTest, OneErrorNamesEveryProblem) {
  WorkflowSpec spec =
      Workflow({Task("a"), Task("a"), Task("b/c"), Task("d", {OnStatus("nobody")})});
  const std::string text = Refusal(spec);
  EXPECT_THAT(text, HasSubstr("task name 'a' is used more than once"));
  EXPECT_THAT(text, HasSubstr("'b/c'"));
  EXPECT_THAT(text, HasSubstr("the task 'nobody', which this workflow does not have"));
}

TEST(ValidateSpecTest, NamesFollowTheContract) {
  for (const char* good : {"a", "A b", "x.y-z_0", "größe", "任务", "задача1", "नमस्ते"}) {
    EXPECT_TRUE(ValidateName("name", good).ok()) << good;
  }
  for (const char* bad :
       {"", " a", "a ", ".a", "a.", "a/b", "..", "a\nb", "a\x7f", "\xff", "\xc0\xaf",
        "a\xe2\x80\xae"
        "b",
        "\xed\xa0\x80", "😀", "a\xc2\x80", "a$"}) {
    EXPECT_FALSE(ValidateName("name", bad).ok()) << bad;
  }
  EXPECT_TRUE(ValidateName("name", std::string(limits::kMaxNameBytes, 'a')).ok());
  EXPECT_FALSE(ValidateName("name", std::string(limits::kMaxNameBytes + 1, 'a')).ok());
}

TEST(ValidateSpecTest, TheDefaultConstantIsReserved) {
  EXPECT_FALSE(IsReservedNamespace("default"));
  EXPECT_TRUE(IsReservedNamespace("DEFAULT"));
  EXPECT_TRUE(IsReservedNamespace("Default"));
  EXPECT_FALSE(IsReservedNamespace("defaults"));
  WorkflowSpec spec = Workflow({Task("a")});
  spec.ns = "DEFAULT";
  EXPECT_THAT(Refusal(spec), HasSubstr("reserved"));
}

TEST(ValidateSpecTest, Rule07OnlyAnnouncedStatusesMayBeWaitedFor) {
  for (const TaskStatus status : {TaskStatus::kInit, TaskStatus::kQueued, TaskStatus::kStopping}) {
    EXPECT_THAT(Refusal(Workflow({Task("a"), Task("b", {OnStatus("a", status)})})),
                HasSubstr("never announced"));
  }
}

TEST(ValidateSpecTest, ACycleIsNamed) {
  const std::string text =
      Refusal(Workflow({Task("ok"), Task("a", {After("c")}), Task("b", {After("a")}),
                        Task("c", {After("b")}), Task("d", {After("a")})}));
  EXPECT_THAT(text, HasSubstr("never start: 'a', 'b', 'c', 'd'"));
  EXPECT_THAT(text, HasSubstr("'a' waits for 'c' waits for 'b' waits for 'a'"));
}

TEST(ValidateSpecTest, ATaskThatWaitsForItselfNeverStarts) {
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnStatus("a")})})), HasSubstr("'a' waits for 'a'"));
}

TEST(ValidateSpecTest, ACycleWithAnotherWayInIsFine) {
  EXPECT_TRUE(
      ValidateWorkflowSpec(
          Workflow({Task("a", {After("b"), OnEvent("k")}), Task("b", {After("a")})}), nullptr)
          .ok());
  TaskSpec restarted = Task("a", {After("b")});
  restarted.rules.push_back({TaskAction::kRestart, OnEvent("k")});
  EXPECT_TRUE(ValidateWorkflowSpec(Workflow({restarted, Task("b", {After("a")})}), nullptr).ok());
}

TEST(ValidateSpecTest, ALongChainDefinedBackwardsIsCheckedQuickly) {
  std::vector<TaskSpec> tasks;
  for (int i = 5000; i > 0; --i) {
    tasks.push_back(Task("t" + std::to_string(i), {After("t" + std::to_string(i - 1))}));
  }
  tasks.push_back(Task("t0"));
  EXPECT_TRUE(ValidateWorkflowSpec(Workflow(std::move(tasks)), nullptr).ok());
}

TEST(ValidateSpecTest, TwoStartAftersAreAWarning) {
  std::vector<std::string> warnings;
  EXPECT_TRUE(ValidateWorkflowSpec(
                  Workflow({Task("a"), Task("b"), Task("c", {After("a"), After("b")})}), &warnings)
                  .ok());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("any one of them"));
}

TEST(ValidateSpecTest, CustomConditionsAreNotSupportedYet) {
  ConditionSpec custom;
  custom.kind = ConditionKind::kCustom;
  custom.name = "mine";
  const Status status = ValidateWorkflowSpec(Workflow({Task("a", {custom})}), nullptr);
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("'mine': custom conditions are not supported"));
}

TEST(ValidateSpecTest, HostTasksNeedAHostAndBashTasksACommand) {
  TaskSpec hosted = Task("a");
  hosted.op = OperatorKind::kHost;
  WorkflowSpec spec = Workflow({hosted});
  EXPECT_THAT(Refusal(spec), HasSubstr("needs a host"));
  spec.host = {"python", "w.py"};
  EXPECT_TRUE(ValidateWorkflowSpec(spec, nullptr).ok());
  for (const char* file : {"", "/etc/passwd", "../w.py", "a/../../w.py"}) {
    spec.host.file = file;
    EXPECT_THAT(Refusal(spec), HasSubstr("relative path"));
  }
  spec.host = {"cobol", "w"};
  EXPECT_THAT(Refusal(spec), HasSubstr("cobol"));
  TaskSpec idle = Task("a");
  idle.command.clear();
  EXPECT_THAT(Refusal(Workflow({idle})), HasSubstr("no command"));
}

TEST(ValidateSpecTest, ConditionsAreWellFormed) {
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnEvent("")})})), HasSubstr("empty event key"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnEvent(std::string(kSchedulingEventKey))})})),
              HasSubstr("never reaches rules"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnEvent(std::string(1025, 'k'))})})),
              HasSubstr("1025 bytes"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {Compose(ConditionKind::kAllOf, {})})})),
              HasSubstr("without parts"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {Compose(ConditionKind::kAllTaskStatus,
                                                   {OnStatus("x", TaskStatus::kSuccess, "o")})})})),
              HasSubstr("all_task_status may have only"));
}

TEST(ValidateSpecTest, LimitsAreNamed) {
  TaskSpec task = Task("a");
  task.max_pending_starts = 0;
  EXPECT_THAT(Refusal(Workflow({task})), HasSubstr("max_pending_starts 0"));
  task.max_pending_starts = limits::kMaxPendingStarts + 1;
  EXPECT_THAT(Refusal(Workflow({task})), HasSubstr("max_pending_starts"));
  task = Task("a");
  task.stop_grace = Millis(-1);
  EXPECT_THAT(Refusal(Workflow({task})), HasSubstr("stop_grace_ms"));
  task = Task("a");
  task.env["A=B"] = "c";
  EXPECT_THAT(Refusal(Workflow({task})), HasSubstr("A=B"));
}

}  // namespace
}  // namespace aiflow
