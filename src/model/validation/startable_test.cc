#include "model/validation/startable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/event_keys.h"
#include "model/spec_problems.h"
#include "model/validation/spec_testing.h"

namespace aiflow::validation {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

bool IsAccepted(const WorkflowSpec& spec) { return ValidateWorkflowSpec(spec, nullptr).ok(); }

ConditionSpec Custom(std::vector<std::string> keys) {
  ConditionSpec condition;
  condition.kind = ConditionKind::kCustom;
  condition.name = "mine";
  condition.event_keys = std::move(keys);
  return condition;
}

WorkflowSpec Hosted(std::vector<TaskSpec> tasks) {
  WorkflowSpec spec = Workflow(std::move(tasks));
  spec.host = {"cpp", "w"};
  return spec;
}

TEST(StartableTest, ACycleIsNamed) {
  const std::string text =
      Refusal(Workflow({Task("ok"), Task("a", {After("c")}), Task("b", {After("a")}),
                        Task("c", {After("b")}), Task("d", {After("a")})}));
  EXPECT_THAT(text, HasSubstr("never start: 'a', 'b', 'c', 'd'"));
  EXPECT_THAT(text, HasSubstr("cycle: 'a' waits for 'c' waits for 'b' waits for 'a'"));
}

TEST(StartableTest, TheCycleIsNamedWithoutThoseThatOnlyLeadToIt) {
  const std::string text = Refusal(
      Workflow({Task("z", {After("a")}), Task("a", {After("b")}), Task("b", {After("a")})}));
  EXPECT_THAT(text, HasSubstr("cycle: 'a' waits for 'b' waits for 'a'"));
}

TEST(StartableTest, ATaskThatWaitsForItselfNeverStarts) {
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnStatus("a")})})), HasSubstr("'a' waits for 'a'"));
}

TEST(StartableTest, ACycleWithAnotherWayInIsFine) {
  EXPECT_TRUE(
      IsAccepted(Workflow({Task("a", {After("b"), OnEvent("k")}), Task("b", {After("a")})})));
  TaskSpec restarted = Task("a", {After("b")});
  restarted.rules.push_back({TaskAction::kRestart, OnEvent("k")});
  EXPECT_TRUE(IsAccepted(Workflow({restarted, Task("b", {After("a")})})));
}

TEST(StartableTest, ACycleIsToldTogetherWithOtherProblems) {
  TaskSpec bad = Task("c");
  bad.retry.retries = -1;
  const std::string text =
      Refusal(Workflow({Task("a", {After("b")}), Task("b", {After("a")}), bad,
                        Task("d", {After("nobody")}), Task("e", {After("d")})}));
  EXPECT_THAT(text, HasSubstr("retries -1"));
  EXPECT_THAT(text, HasSubstr("names the task 'nobody'"));
  // Whether the task that is meant can start is not known.
  EXPECT_THAT(text, HasSubstr("never start: 'a', 'b'; cycle: 'a' waits for 'b' waits for 'a'"));
}

TEST(StartableTest, ProblemsTellTheirTaskAndRule) {
  TaskSpec bad = Task("a", {OnEvent("k"), After("nobody")});
  bad.retry.retries = -1;
  const std::vector<SpecProblem> problems =
      FindSpecProblems(Workflow({Task("x"), bad, Task("b", {After("b")})}));
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_THAT(problems[0].text, HasSubstr("retries -1"));
  EXPECT_EQ(problems[0].task, 1U);
  EXPECT_EQ(problems[0].rule, std::nullopt);
  EXPECT_THAT(problems[1].text, HasSubstr("'nobody'"));
  EXPECT_EQ(problems[1].task, 1U);
  EXPECT_EQ(problems[1].rule, 1U);
  EXPECT_THAT(problems[2].text, HasSubstr("never start: 'b'"));
  EXPECT_EQ(problems[2].task, 2U);
}

TEST(StartableTest, StuckTasksAreFoundInWhatIsWrongOtherwise) {
  EXPECT_TRUE(FindStuckTasks(Workflow({Task("a", {After("nobody")})})).empty());
  EXPECT_TRUE(
      FindStuckTasks(Workflow({Task("a", {Compose(ConditionKind::kAllTaskStatus, {})})})).empty());
  EXPECT_EQ(FindStuckTasks(Workflow({Task("a", {After("a")})})).size(), 1U);
}

TEST(StartableTest, AStopRuleOpensNoCycle) {
  TaskSpec stopped = Task("a", {After("b")});
  stopped.rules.push_back({TaskAction::kStop, OnEvent("k")});
  EXPECT_THAT(Refusal(Workflow({stopped, Task("b", {After("a")})})), HasSubstr("cycle"));
}

TEST(StartableTest, APeriodicTaskStartsByItself) {
  TaskSpec periodic = Task("a", {After("b")});
  periodic.periodic = "interval@0 0 1 0";
  EXPECT_TRUE(IsAccepted(Workflow({periodic, Task("b", {After("a")})})));
}

TEST(StartableTest, AnyOfNeedsOnePartAndAllOfEveryPart) {
  const std::vector<ConditionSpec> parts = {OnStatus("b"), OnEvent("k")};
  EXPECT_TRUE(IsAccepted(
      Workflow({Task("a", {Compose(ConditionKind::kAnyOf, parts)}), Task("b", {After("a")})})));
  EXPECT_FALSE(IsAccepted(
      Workflow({Task("a", {Compose(ConditionKind::kAllOf, parts)}), Task("b", {After("a")})})));
}

TEST(StartableTest, ACustomConditionNeedsOneOfItsKeys) {
  const std::string status = StatusChangedKey("default", "w", "b");
  EXPECT_TRUE(IsAccepted(Hosted({Task("a", {Custom({"k"})})})));
  EXPECT_TRUE(IsAccepted(Hosted({Task("a", {Custom({status, "k"})}), Task("b", {After("a")})})));
  EXPECT_TRUE(IsAccepted(Hosted({Task("a", {Custom({status})}), Task("b")})));
  EXPECT_THAT(Refusal(Hosted({Task("a", {Custom({status})}), Task("b", {After("a")})})),
              HasSubstr("'a' waits for 'b' waits for 'a'"));
}

TEST(StartableTest, TheStatusKeyOfAnOwnTaskNeedsThatTask) {
  const ConditionSpec leaf = OnEvent(StatusChangedKey("default", "w", "b"));
  EXPECT_TRUE(IsAccepted(Workflow({Task("a", {leaf}), Task("b")})));
  EXPECT_FALSE(IsAccepted(Workflow({Task("a", {leaf}), Task("b", {After("a")})})));
}

TEST(StartableTest, RetryingNeverComesWithoutRetries) {
  TaskSpec upstream = Task("b");
  const TaskSpec task = Task("a", {OnStatus("b", TaskStatus::kRetrying)});
  EXPECT_THAT(Refusal(Workflow({task, upstream})),
              HasSubstr("'a'; 'a' waits for 'b' being RETRYING, but 'b' has no retries"));
  upstream.retry.retries = 1;
  EXPECT_TRUE(IsAccepted(Workflow({task, upstream})));
}

TEST(StartableTest, LongListsAreCut) {
  std::vector<TaskSpec> tasks;
  for (int i = 0; i < 100; ++i) {
    tasks.push_back(Task("t" + std::to_string(i), {After("t" + std::to_string((i + 1) % 100))}));
  }
  const std::string text = Refusal(Workflow(std::move(tasks)));
  EXPECT_THAT(text, HasSubstr("'t19' and 80 more; cycle: 't0' waits for"));
  EXPECT_THAT(text, HasSubstr("... (100 tasks) ... 't0'"));
  EXPECT_THAT(text, Not(HasSubstr("'t50'")));
}

TEST(StartableTest, ALongChainDefinedBackwardsIsCheckedInOnePass) {
  std::vector<TaskSpec> tasks;
  for (int i = 10'000; i > 0; --i) {
    tasks.push_back(Task("t" + std::to_string(i), {After("t" + std::to_string(i - 1))}));
  }
  tasks.push_back(Task("t0"));
  EXPECT_TRUE(IsAccepted(Workflow(std::move(tasks))));
}

// With a look at the whole join for each of its inputs this takes minutes.
TEST(StartableTest, JoinsOfManyInputsAreCheckedInOnePass) {
  constexpr int kInputs = 10'000;
  std::vector<ConditionSpec> inputs;
  std::vector<TaskSpec> tasks;
  for (int i = 0; i < kInputs; ++i) {
    inputs.push_back(OnStatus("t" + std::to_string(i)));
    tasks.push_back(Task("t" + std::to_string(i), {After("source")}));
  }
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(
        Task("join" + std::to_string(i), {Compose(ConditionKind::kAllTaskStatus, inputs)}));
  }
  tasks.push_back(Task("source"));
  EXPECT_TRUE(IsAccepted(Workflow(std::move(tasks))));
}

}  // namespace
}  // namespace aiflow::validation
