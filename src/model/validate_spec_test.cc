#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"
#include "model/spec_json.h"
#include "model/validation/spec_testing.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using validation::After;
using validation::Compose;
using validation::OnEvent;
using validation::OnStatus;
using validation::Refusal;
using validation::Task;
using validation::Workflow;

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

}  // namespace
}  // namespace aiflow
