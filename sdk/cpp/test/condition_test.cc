#include "aiflow/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "aiflow/workflow.h"
#include "model/spec_json.h"

namespace aiflow {
namespace {

ConditionFunction Never() {
  return [](const ReceivedEvent&, ConditionContext&) { return false; };
}

TEST(CppConditionTest, DemandsBecomeFilters) {
  const OnEvent event = OnEvent("k")
                            .Value("x")
                            .Value("/p", 3)
                            .Value("/big", std::numeric_limits<int64_t>::max())
                            .Context(Between(1, 2.5))
                            .Context("/at/least", AtLeast(1))
                            .Context("", EqualsJson(R"({"a": [1]})"))
                            .Context("/ok", true)
                            .Sender(OneOf({"me", "you", 3}))
                            .Sender(AtMost(0.5))
                            .Scope(EventScope::kExecution);
  EXPECT_EQ(event.spec().kind, ConditionKind::kEvent);
  EXPECT_EQ(event.spec().key, "k");
  EXPECT_EQ(event.spec().scope, EventScope::kExecution);
  const std::vector<FilterSpec> filters = {
      {FilterField::kValue, {}, {"\"x\""}, {}, {}},
      {FilterField::kValue, "/p", {"3"}, {}, {}},
      {FilterField::kValue, "/big", {"9223372036854775807"}, {}, {}},
      {FilterField::kContext, {}, {}, 1.0, 2.5},
      {FilterField::kContext, "/at/least", {}, 1.0, {}},
      {FilterField::kContext, "", {R"({"a": [1]})"}, {}, {}},
      {FilterField::kContext, "/ok", {"true"}, {}, {}},
      {FilterField::kSender, {}, {"\"me\"", "\"you\"", "3"}, {}, {}},
      {FilterField::kSender, {}, {}, {}, 0.5}};
  EXPECT_EQ(event.spec().filters, filters);

  Workflow flow("w");
  BashTask task(flow, "t", "true");
  task.StartOn(event);
  EXPECT_TRUE(ValidateWorkflowSpec(flow.spec(), nullptr).ok());
}

TEST(CppConditionTest, CustomConditionsAreFoundByTheirPlace) {
  Workflow flow("w");
  BashTask task(flow, "t", "true");
  task.StartOn("plain");
  task.StartOn(Condition::AllOf(
      "all", {Condition::AnyOf({Condition::Custom("c0", {"k"}, Never()), OnEvent("x")}),
              Condition::Custom("c1", {"k"}, Never()),
              Condition::AllOf("in", {Condition::Custom("c2", {"k", "j"}, Never())})}));
  EXPECT_EQ(flow.question("t", 0, 0), nullptr);
  for (size_t i = 0; i < 3; ++i) ASSERT_NE(flow.question("t", 1, i), nullptr);
  EXPECT_EQ(flow.question("t", 1, 3), nullptr);
  EXPECT_EQ(flow.question("t", 2, 0), nullptr);
  EXPECT_EQ(flow.question("u", 1, 0), nullptr);

  const ConditionSpec& all = flow.spec().tasks.at(0).rules.at(1).condition;
  EXPECT_EQ(all.children.at(0).children.at(0).name, "c0");
  EXPECT_EQ(all.children.at(1).name, "c1");
  EXPECT_EQ(all.children.at(2).children.at(0).event_keys, (std::vector<std::string>{"k", "j"}));
}

TEST(CppConditionTest, AProgramIsTheHostOfItsCustomConditions) {
  Workflow flow("w");
  BashTask task(flow, "t", "true");
  task.StartOn(Condition::Custom("c", {"k"}, Never()));
  const Status status = ValidateWorkflowSpec(flow.spec(), nullptr);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("needs a host"));  // which Compile adds
}

}  // namespace
}  // namespace aiflow
