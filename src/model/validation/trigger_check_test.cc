#include <gmock/gmock.h>

#include "model/limits.h"
#include "model/validation/spec_testing.h"

namespace aiflow::validation {
namespace {

using ::testing::HasSubstr;

std::string Said(const ConditionSpec& condition) {
  return ValidateTriggerCondition(condition).message();
}

TEST(TriggerCheckTest, EventsAndStatusesOfAnyTaskAndTheirCompositionsAreFine) {
  ConditionSpec custom;
  custom.kind = ConditionKind::kCustom;
  custom.name = "mine";
  custom.event_keys = {"k"};
  EXPECT_EQ(Said(OnEvent("k")), "");
  EXPECT_EQ(Said(OnStatus("a")), "") << "of whatever workflow";
  EXPECT_EQ(Said(custom), "");
  EXPECT_EQ(Said(Compose(ConditionKind::kAnyOf,
                         {custom, Compose(ConditionKind::kAllOf, {OnEvent("k"), OnStatus("a")})})),
            "");
}

TEST(TriggerCheckTest, JoinsAreRefusedWithWhatToUse) {
  EXPECT_THAT(Said(After("a")), HasSubstr("use all_of"));
  EXPECT_THAT(Said(Compose(ConditionKind::kAnyOf, {After("a")})), HasSubstr("use all_of"));
}

TEST(TriggerCheckTest, WhatCanNeverBeMetIsRefused) {
  EXPECT_THAT(Said(OnEvent("")), HasSubstr("empty event key"));
  EXPECT_THAT(Said(OnStatus("a", TaskStatus::kQueued)), HasSubstr("never announced"));
  EXPECT_THAT(Said(OnStatus("a/b")), HasSubstr("task name 'a/b'"));
  EXPECT_THAT(Said(Compose(ConditionKind::kAllOf, {})), HasSubstr("without parts"));
  ConditionSpec custom;
  custom.kind = ConditionKind::kCustom;
  EXPECT_THAT(Said(custom), HasSubstr("listens to no event"));
  ConditionSpec filtered = OnEvent("k");
  filtered.filters.push_back({});
  EXPECT_THAT(Said(filtered), HasSubstr("demands nothing"));
}

TEST(TriggerCheckTest, DepthHasALimit) {
  ConditionSpec condition = OnEvent("k");
  for (size_t i = 0; i < limits::kMaxConditionDepth; ++i) {
    condition = Compose(ConditionKind::kAnyOf, {std::move(condition)});
  }
  EXPECT_THAT(Said(condition), HasSubstr("nested deeper than 32"));
}

}  // namespace
}  // namespace aiflow::validation
