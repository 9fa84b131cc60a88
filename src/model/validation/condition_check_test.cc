#include "model/validation/condition_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "model/event_keys.h"
#include "model/limits.h"
#include "model/validation/spec_testing.h"

namespace aiflow::validation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ConditionSpec Filtered(FilterSpec filter) {
  ConditionSpec condition = OnEvent("k");
  condition.filters.push_back(std::move(filter));
  return condition;
}

FilterSpec Equals(std::string json, std::optional<std::string> pointer = std::nullopt) {
  FilterSpec filter;
  filter.pointer = std::move(pointer);
  filter.one_of.push_back(std::move(json));
  return filter;
}

std::string FilterRefusal(FilterSpec filter) {
  return Refusal(Workflow({Task("a", {Filtered(std::move(filter))})}));
}

TEST(ConditionCheckTest, EventKeysAreWellFormed) {
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnEvent("")})})), HasSubstr("empty event key"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnEvent(std::string(kSchedulingEventKey))})})),
              HasSubstr("never reaches rules"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {OnEvent(std::string(1025, 'k'))})})),
              HasSubstr("1025 bytes"));
}

TEST(ConditionCheckTest, CompositionsHaveTheRightParts) {
  EXPECT_THAT(Refusal(Workflow({Task("a", {Compose(ConditionKind::kAllOf, {})})})),
              HasSubstr("without parts"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {Compose(ConditionKind::kAllTaskStatus,
                                                   {OnStatus("x", TaskStatus::kSuccess, "o")})})})),
              HasSubstr("all_task_status may have only"));
}

TEST(ConditionCheckTest, Rule21UserWrittenConditionsNeedAHostAndKeys) {
  ConditionSpec custom;
  custom.kind = ConditionKind::kCustom;
  custom.name = "mine";
  custom.event_keys = {"k"};
  WorkflowSpec spec = Workflow({Task("a", {custom})});
  EXPECT_THAT(Refusal(spec), HasSubstr("'mine', which needs a host"));
  for (const char* language : {"python", "cpp"}) {
    spec.host = {language, "w.py"};
    EXPECT_THAT(Doubts(spec), IsEmpty());
  }
  const auto refusal_of = [&spec](std::vector<std::string> keys) {
    spec.tasks[0].rules[0].condition.event_keys = std::move(keys);
    return Refusal(spec);
  };
  EXPECT_THAT(refusal_of({}), HasSubstr("'mine', listens to no event"));
  EXPECT_THAT(refusal_of({"k", ""}), HasSubstr("empty event key"));
  EXPECT_THAT(refusal_of({std::string(1025, 'k')}), HasSubstr("1025 bytes"));
  EXPECT_THAT(refusal_of(std::vector<std::string>(1001, "k")), HasSubstr("the limit is 1000"));
}

TEST(ConditionCheckTest, ContradictionsAreRefused) {
  const std::vector<ConditionSpec> both = {OnStatus("b"), OnStatus("b", TaskStatus::kFailed)};
  for (const ConditionKind kind : {ConditionKind::kAllOf, ConditionKind::kAllTaskStatus}) {
    EXPECT_THAT(Refusal(Workflow({Task("a", {Compose(kind, both)}), Task("b")})),
                HasSubstr("task 'b' is never SUCCESS and FAILED at once"));
  }
  EXPECT_TRUE(
      Doubts(Workflow({Task("a", {Compose(ConditionKind::kAnyOf, both)}), Task("b")})).empty());
}

TEST(ConditionCheckTest, FiltersMustDemandSomething) {
  EXPECT_THAT(FilterRefusal({}), HasSubstr("rule 1, filter 1 demands nothing"));
}

TEST(ConditionCheckTest, FilterRangesAreNotEmpty) {
  FilterSpec filter;
  filter.min = 3;
  filter.max = 2;
  EXPECT_THAT(FilterRefusal(filter), HasSubstr("min is greater than max"));
  filter.max = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(FilterRefusal(filter), HasSubstr("min is greater than max"));
  filter.max = 3;
  EXPECT_THAT(Doubts(Workflow({Task("a", {Filtered(filter)})})), IsEmpty());
  filter.one_of = {"4", "\"x\""};
  EXPECT_THAT(FilterRefusal(filter), HasSubstr("none of its values is within min and max"));
  filter.one_of = {"4", "\"3\""};  // without a pointer a text is its number, too
  EXPECT_THAT(Doubts(Workflow({Task("a", {Filtered(filter)})})), IsEmpty());
}

TEST(ConditionCheckTest, FilterValuesAreJsonThatCanBeEqual) {
  EXPECT_THAT(FilterRefusal(Equals("{")), HasSubstr("'{', which is not JSON"));
  EXPECT_THAT(FilterRefusal(Equals("true")), HasSubstr("can never equal true"));
  for (const FilterSpec& good :
       {Equals("true", ""), Equals("[1]", "/a"), Equals("1.5"), Equals("\"t\"")}) {
    EXPECT_THAT(Doubts(Workflow({Task("a", {Filtered(good)})})), IsEmpty());
  }
}

TEST(ConditionCheckTest, FilterPointersFollowRfc6901) {
  for (const char* bad : {"a", "a/b", "/a~", "/a~2b"}) {
    EXPECT_THAT(FilterRefusal(Equals("1", bad)), HasSubstr("not a JSON Pointer")) << bad;
  }
  for (const char* good : {"", "/", "/a/0", "/a~0b/~1c", "//"}) {
    EXPECT_THAT(Doubts(Workflow({Task("a", {Filtered(Equals("1", good))})})), IsEmpty()) << good;
  }
  FilterSpec sender = Equals("\"me\"", "/a");
  sender.field = FilterField::kSender;
  EXPECT_THAT(FilterRefusal(sender), HasSubstr("pointer into the sender"));
}

TEST(ConditionCheckTest, FilterCountsAreLimited) {
  ConditionSpec many = OnEvent("k");
  many.filters.assign(limits::kMaxFiltersPerCondition + 1, Equals("1"));
  EXPECT_THAT(Refusal(Workflow({Task("a", {many})})), HasSubstr("33 filters, the limit is 32"));
  FilterSpec wide;
  wide.one_of.assign(limits::kMaxFilterValues + 1, "1");
  EXPECT_THAT(FilterRefusal(wide), HasSubstr("1001 values, the limit is 1000"));
}

TEST(ConditionCheckTest, StatusKeysHaveNoScopeAndOwnOnesNoFilters) {
  ConditionSpec own = OnEvent(StatusChangedKey("default", "w", "b"));
  own.scope = EventScope::kNamespace;
  EXPECT_THAT(Refusal(Workflow({Task("a", {own}), Task("b")})), HasSubstr("has a scope"));
  own.scope = EventScope::kAny;
  own.filters = {Equals("\"SUCCESS\"", "/task_status")};
  EXPECT_THAT(Refusal(Workflow({Task("a", {own}), Task("b")})), HasSubstr("nothing to filter"));
  ConditionSpec foreign = own;
  foreign.key = StatusChangedKey("default", "elsewhere", "b");
  foreign.filters[0].field = FilterField::kContext;
  EXPECT_THAT(Doubts(Workflow({Task("a", {foreign})})), IsEmpty());
  own.filters.clear();
  own.key = StatusChangedKey("default", "w", "nobody");
  EXPECT_THAT(Doubts(Workflow({Task("a", {own})})),
              ElementsAre(HasSubstr("a task that this workflow does not have")));
}

TEST(ConditionCheckTest, RetryingOfATaskWithoutRetriesIsDoubtful) {
  EXPECT_THAT(Doubts(Workflow(
                  {Task("a", {OnStatus("b", TaskStatus::kRetrying), OnEvent("k")}), Task("b")})),
              ElementsAre(HasSubstr("task 'b' being RETRYING, which never happens")));
}

TEST(ConditionCheckTest, DeepTreesAreRefused) {
  ConditionSpec deep = OnEvent("k");
  for (size_t i = 0; i < limits::kMaxConditionDepth; ++i) {
    deep = Compose(ConditionKind::kAnyOf, {std::move(deep)});
  }
  EXPECT_THAT(Refusal(Workflow({Task("a", {deep})})), HasSubstr("nested deeper than 32"));
}

}  // namespace
}  // namespace aiflow::validation
