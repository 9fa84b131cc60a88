#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::IsEmpty;

class RoutingTest : public SchedulerTest {
 protected:
  void SetUp() override {
    Upload(Workflow({Task("a", {Start(OnEvent("k"))})}));
    first_ = StartExecution();
    second_ = StartExecution();
  }
  int64_t first_ = 0;
  int64_t second_ = 0;
};

TEST_F(RoutingTest, AnEventWithoutAnExecutionGoesToAllOfTheNamespace) {
  Send("k");
  EXPECT_EQ(Runs("a", first_), 1);
  EXPECT_EQ(Runs("a", second_), 1);
}

TEST_F(RoutingTest, AnEventWithAnExecutionGoesToThatOneOnly) {
  Send("k", second_);
  EXPECT_EQ(Runs("a", first_), 0);
  EXPECT_EQ(Runs("a", second_), 1);
}

TEST_F(RoutingTest, WithAnExecutionTheNamespaceIsNotCompared) {
  Send("k", second_, "elsewhere");
  EXPECT_EQ(Runs("a", second_), 1);
}

TEST_F(RoutingTest, AnExecutionAsDecimalStringIsAccepted) {
  Event event;
  event.key = "k";
  event.context = "{\"workflow_execution_id\": \"" + std::to_string(first_) + "\"}";
  Deliver(event);
  EXPECT_EQ(Runs("a", first_), 1);
  EXPECT_EQ(Runs("a", second_), 0);
}

TEST_F(RoutingTest, AnUnusableExecutionCountsAsAbsent) {
  for (const char* context : {"{\"workflow_execution_id\": 1.5}", "123", "no json"}) {
    Event event;
    event.key = "k";
    event.ns = "default";
    event.context = context;
    Deliver(event);
  }
  EXPECT_EQ(
      Runs("a", first_) + static_cast<int64_t>(Causes("a", CauseKind::kIgnored, first_).size()), 3);
}

TEST_F(RoutingTest, EmptyNamespaceAndDefaultConstantMeanDefault) {
  Send("k", 0, "");
  EXPECT_EQ(Runs("a", first_), 1);
  Send("k", 0, "DEFAULT");
  EXPECT_EQ(Causes("a", CauseKind::kIgnored, first_).size(), 1U);
}

TEST_F(RoutingTest, OtherNamespacesSeeNothing) {
  Send("k", 0, "elsewhere");
  EXPECT_THAT(decision_.changes, IsEmpty());
}

TEST_F(RoutingTest, AnEventThatNobodyExpectsChangesNothing) {
  Send("unheard");
  EXPECT_THAT(decision_.changes, IsEmpty());
}

TEST_F(RoutingTest, Rule32AnExecutionSeesNothingFromBeforeItsStart) {
  Send("k");
  const int64_t third = StartExecution();
  EXPECT_EQ(Runs("a", third), 0);
}

TEST_F(RoutingTest, Rule32AnEventThatComesAgainChangesNothingAndReachesNobodyYounger) {
  Event event;
  event.kind = EventKind::kUser;
  event.key = "k";
  event.ns = "default";
  event.offset = Deliver(event);
  ASSERT_EQ(Runs("a", first_), 1);
  const int64_t younger = StartExecution();
  EXPECT_THAT(Decide(state_, {event, nullptr}).changes, IsEmpty());
  event.context = "{\"workflow_execution_id\": " + std::to_string(younger) + "}";
  EXPECT_THAT(Decide(state_, {event, nullptr}).changes, IsEmpty());
}

TEST_F(RoutingTest, EventOffsetIsThatOfTheLastEventApplied) {
  const Offset offset = Send("k", first_);
  EXPECT_EQ(Execution(first_).event_offset, offset);
  EXPECT_LT(Execution(second_).event_offset, offset);
  const Offset unmatched = Send("unheard", first_);
  EXPECT_EQ(Execution(first_).event_offset, unmatched) << "it was for this execution";
}

TEST_F(RoutingTest, StoppingAndFinishedExecutionsIgnoreEvents) {
  Send("k", first_);
  Request(StopWorkflowExecution{first_});
  ASSERT_EQ(Status(first_), ExecutionStatus::kStopping);
  Request(StopWorkflowExecution{second_});
  ASSERT_EQ(Status(second_), ExecutionStatus::kStopped);
  Send("k");
  EXPECT_THAT(decision_.changes, IsEmpty());
  Send("k", first_);
  EXPECT_THAT(decision_.changes, IsEmpty());
  Send("k", second_);
  EXPECT_THAT(decision_.changes, IsEmpty());
}

TEST_F(RoutingTest, Rule31AnExecutionStaysOnItsSnapshot) {
  Upload(Workflow({Task("b", {Start(OnEvent("k"))}), Task("a", {Start(OnEvent("new"))})}));
  const int64_t third = StartExecution();
  Send("k");
  EXPECT_EQ(Runs("a", first_), 1);
  EXPECT_EQ(Runs("a", third), 0);
  EXPECT_EQ(Runs("b", third), 1);
}

TEST_F(RoutingTest, DisablingLeavesRunningExecutionsAlone) {
  Request(SetWorkflowEnabled{"default", "w", false});
  Send("k");
  EXPECT_EQ(Runs("a", first_), 1);
}

TEST_F(RoutingTest, FiltersAndScopeOfARuleLookAtTheEvent) {
  ConditionSpec large = OnEvent("k");
  FilterSpec filter;
  filter.field = FilterField::kValue;
  filter.min = 10;
  large.filters.push_back(filter);
  ConditionSpec own = OnEvent("k");
  own.scope = EventScope::kExecution;
  Run({Task("stream"), Task("large", {Start(large)}), Task("own", {Start(own)})});
  Event event;
  event.key = "k";
  event.ns = "default";
  event.value = "9";
  Deliver(event);
  EXPECT_EQ(Runs("large"), 0);
  event.value = "10";
  Deliver(event);
  EXPECT_EQ(Runs("large"), 1);
  EXPECT_EQ(Runs("own"), 0);
  Send("k", last_);
  EXPECT_EQ(Runs("own"), 1);
  EXPECT_EQ(Runs("large"), 1) << "it has no value";
}

TEST_F(RoutingTest, SchedulingKeysOfUsersDoNothing) {
  Event event = FormatRequest(StopWorkflowExecution{first_});
  event.kind = EventKind::kUser;
  Deliver(event);
  EXPECT_THAT(decision_.changes, IsEmpty());
}

TEST_F(RoutingTest, ADamagedAnnouncementIsIgnored) {
  Upload(Workflow({Task("x", {Start(OnStatus("a"))})}, "other"));
  StartExecution("other");
  Event event;
  event.kind = EventKind::kStatusChanged;
  event.key = StatusChangedKey("default", "w", "a");
  event.context = "[]";
  Deliver(event);
  EXPECT_THAT(decision_.changes, IsEmpty());
}

}  // namespace
}  // namespace aiflow::test
