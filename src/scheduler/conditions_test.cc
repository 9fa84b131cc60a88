#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using S = TaskStatus;

/// `x` is the task whose rules are under test. A stream keeps the execution open.
class ConditionsTest : public SchedulerTest {
 protected:
  int64_t RunX(std::vector<RuleSpec> rules, std::vector<TaskSpec> others = {}) {
    std::vector<TaskSpec> tasks = std::move(others);
    tasks.push_back(Task("x", std::move(rules), OnAlive::kQueue));
    tasks.push_back(Task("stream"));
    return Run(std::move(tasks));
  }
  /// Starts of `x` so far: queued ones count.
  int64_t Starts() const {
    return static_cast<int64_t>(Causes("x", CauseKind::kStarted).size() +
                                Causes("x", CauseKind::kQueued).size());
  }
  TaskSpec Rerun(const std::string& name) {
    return Task(name, {Restart(OnEvent("rerun_" + name))});
  }
};

TEST_F(ConditionsTest, EventIsMetByEachEventWithItsKey) {
  RunX({Start(OnEvent("k"))});
  Send("other");
  EXPECT_EQ(Starts(), 0);
  Send("k");
  Send("k");
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, Rule20AllOfWaitsForEachPartInAnyOrder) {
  RunX({Start(AllOf({OnEvent("p"), OnEvent("q")}))});
  Send("q");
  Send("q");
  EXPECT_EQ(Starts(), 0);
  Send("p");
  EXPECT_EQ(Starts(), 1);
}

TEST_F(ConditionsTest, Rule20AllOfClearsItsEventSlotsWhenItFires) {
  RunX({Start(AllOf({OnEvent("p"), OnEvent("q")}))});
  Send("p");
  Send("q");
  Send("q");
  EXPECT_EQ(Starts(), 1);
  Send("p");
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, Rule20StatusSlotsMirrorTheTask) {
  RunX({Start(AllOf({OnEvent("p"), OnStatus("a")}))}, {Rerun("a")});
  Succeed("a");
  Send("p");
  EXPECT_EQ(Starts(), 1);
  Send("p");  // the status still holds, only the event was used up
  EXPECT_EQ(Starts(), 2);
  Send("rerun_a");
  Send("p");  // the latest run of a is queued now
  EXPECT_EQ(Starts(), 2);
  Succeed("a");
  EXPECT_EQ(Starts(), 3);
}

TEST_F(ConditionsTest, AnyOfIsMetByThisEventOnly) {
  RunX({Start(AnyOf({OnEvent("p"), OnStatus("a")}))}, {Task("a")});
  Succeed("a");
  EXPECT_EQ(Starts(), 1);
  Send("p");
  EXPECT_EQ(Starts(), 2);
  Send("unrelated");
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, TaskStatusIsMetByTheStatusItself) {
  RunX({Start(OnStatus("a", S::kFailed))}, {Task("a")});
  Report("a", S::kRunning);
  EXPECT_EQ(Starts(), 0);
  Report("a", S::kFailed);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(ConditionsTest, NestedTreesKeepTheirOwnSlots) {
  RunX({Start(AllOf({AnyOf({OnEvent("p"), OnEvent("q")}), AllOf({OnEvent("r"), OnEvent("s")})}))});
  Send("q");
  Send("r");
  EXPECT_EQ(Starts(), 0);
  Send("s");
  EXPECT_EQ(Starts(), 1);
  Send("p");
  Send("s");
  EXPECT_EQ(Starts(), 1) << "r was used up";
  Send("r");
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, AnyOfOverAllOfsFiresTheOneThatIsComplete) {
  RunX({Start(AnyOf({AllOf({OnEvent("p"), OnEvent("q")}), OnEvent("r")}))});
  Send("p");
  Send("r");
  EXPECT_EQ(Starts(), 1);
  Send("q");
  EXPECT_EQ(Starts(), 2) << "the firing of r left the slot of p alone";
}

TEST_F(ConditionsTest, Rule18AllRulesObserveThenTheFirstMetActs) {
  RunX({Start(OnEvent("p")), Start(AllOf({OnEvent("p"), OnEvent("q")}))});
  Send("p");  // rule 1 acts, rule 2 observes
  EXPECT_EQ(Starts(), 1);
  Send("q");  // rule 2 is complete
  EXPECT_EQ(Starts(), 2);
  EXPECT_EQ(RunOf("x", 1).cause_rule, 0);
  EXPECT_EQ(Causes("x", CauseKind::kQueued).at(0).rule, 1);
}

TEST_F(ConditionsTest, Rule18AMetRuleThatLostKeepsItsSlots) {
  RunX({Start(OnEvent("q")), Start(AllOf({OnEvent("p"), OnEvent("q")}))});
  Send("p");
  Send("q");  // both are met, the first acts
  EXPECT_EQ(Starts(), 1);
  Send("p");  // the second still has q
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, Rule18AnEventOfAnotherPartDoesNotUseUpAnAllOf) {
  RunX({Start(OnEvent("q")), Start(AnyOf({AllOf({OnEvent("p"), OnEvent("q")}), OnEvent("r")}))});
  Send("p");
  Send("q");  // both are met, the first acts: the all-of stays complete
  Send("r");  // meets the second rule by itself
  EXPECT_EQ(Starts(), 2);
  Send("p");
  EXPECT_EQ(Starts(), 3) << "q was still there";
}

TEST_F(ConditionsTest, Rule18OneEventActsAtMostOncePerTask) {
  RunX({Start(OnEvent("p")), Stop(OnEvent("p"))});
  Send("p");
  EXPECT_EQ(Latest("x"), S::kQueued);
}

TEST_F(ConditionsTest, ConditionsLookAtTheExecutionBeforeTheActionsOfTheEvent) {
  // Were a's restart visible, x's status part would not hold any more.
  RunX({Start(AllOf({OnStatus("a"), OnEvent("rerun_a")}))}, {Rerun("a")});
  Succeed("a");
  Send("rerun_a");
  EXPECT_EQ(Starts(), 1);
  EXPECT_EQ(TaskState("a").current, 2);
}

TEST_F(ConditionsTest, Rule19AJoinFiresWhenAllHold) {
  RunX({Start(After({"a", "b"}))}, {Task("a"), Task("b")});
  Succeed("b");
  EXPECT_EQ(Starts(), 0);
  Succeed("a");
  EXPECT_EQ(Starts(), 1);
}

TEST_F(ConditionsTest, Rule19AJoinFiresOncePerVectorOfRuns) {
  RunX({Start(Join({OnStatus("a", S::kRunning), OnStatus("b")}))}, {Rerun("a"), Rerun("b")});
  Report("a", S::kRunning);
  Succeed("b");
  EXPECT_EQ(Starts(), 1);
  Send("rerun_b");
  Succeed("b");
  EXPECT_EQ(Starts(), 2) << "another run of b is another vector";
}

TEST_F(ConditionsTest, Rule19AnUpstreamThatRunsAgainMakesANewVector) {
  RunX({Start(After({"a", "b"}))}, {Rerun("a"), Rerun("b")});
  Succeed("a");
  Send("rerun_a");  // a is not SUCCESS while it runs again
  Succeed("b");
  EXPECT_EQ(Starts(), 0);
  Succeed("a");
  EXPECT_EQ(Starts(), 1);
  Send("rerun_b");
  Succeed("b");
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, Rule19TheVectorIsConsumedAlsoWhenTheActionWasIgnored) {
  Run({Task("a"), Task("b"), Task("x", {Start(OnEvent("go")), Start(After({"a", "b"}))}),
       Task("stream")});
  Send("go");
  Succeed("a");
  Succeed("b");  // the join fires, x is alive: ignored
  EXPECT_EQ(Causes("x", CauseKind::kIgnored).size(), 1U);
  const RuleStateRow& state = rows_.rules.at({last_, Index("x"), 1});
  EXPECT_EQ(state.fired, (std::vector<std::pair<TaskIndex, int64_t>>{{0, 1}, {1, 1}}));
  Succeed("x");
  EXPECT_EQ(Runs("x"), 1);
}

TEST_F(ConditionsTest, Rule19AForeignStatusMeetsATaskStatusElsewhere) {
  Upload(Workflow({Task("up")}, "other"));
  RunX({Start(OnStatus("up", S::kSuccess, "other"))});
  const int64_t waiting = last_;
  StartExecution("other");
  Succeed("up");
  last_ = waiting;
  EXPECT_EQ(Starts(), 0) << "it comes with the announcement";
  DeliverAnnouncements();
  EXPECT_EQ(Starts(), 1);
}

TEST_F(ConditionsTest, Rule19ForeignLeavesLatchTheirLastAnnouncement) {
  Upload(Workflow({Task("up")}, "other"));
  RunX({Start(AllOf({OnStatus("up", S::kSuccess, "other"), OnEvent("p")}))});
  const int64_t waiting = last_;
  StartExecution("other");
  Succeed("up");
  DeliverAnnouncements();
  last_ = waiting;
  Send("p");
  EXPECT_EQ(Starts(), 1);
  Send("p");
  EXPECT_EQ(Starts(), 2) << "firing does not clear a status";
  StartExecution("other");
  Report("up", S::kRunning);
  DeliverAnnouncements();
  last_ = waiting;
  Send("p");
  EXPECT_EQ(Starts(), 2) << "its last announcement is RUNNING";
}

TEST_F(ConditionsTest, Rule32AnExecutionSeesForeignStatusesAfterItsStartOnly) {
  Upload(Workflow({Task("up")}, "other"));
  StartExecution("other");
  Succeed("up");
  DeliverAnnouncements();
  RunX({Start(AllOf({OnStatus("up", S::kSuccess, "other"), OnEvent("p")}))});
  Send("p");
  EXPECT_EQ(Starts(), 0);
}

TEST_F(ConditionsTest, Rule32AForeignStatusThatComesAgainChangesNothing) {
  Upload(Workflow({Task("up")}, "other"));
  RunX({Start(OnStatus("up", S::kRunning, "other"))});
  const int64_t waiting = last_;
  StartExecution("other");
  Report("up", S::kRunning);
  Event event = rows_.outbox.rbegin()->second.publish;
  DeliverAnnouncements();
  last_ = waiting;
  ASSERT_EQ(Starts(), 1);
  event.offset = offset_;
  EXPECT_TRUE(Decide(state_, {event, nullptr}).changes.empty());
}

TEST_F(ConditionsTest, AnEventLeafOnAnOwnStatusKeyIsMetByEachStatus) {
  RunX({Start(OnEvent(StatusChangedKey("default", "w", "a")))}, {Task("a")});
  Succeed("a");
  EXPECT_EQ(Starts(), 2);
  DeliverAnnouncements();
  EXPECT_EQ(Starts(), 2);
}

TEST_F(ConditionsTest, TwoJoinsOfOneTaskMeanOr) {
  RunX({Start(After({"a"})), Start(After({"b"}))}, {Task("a"), Task("b")});
  Succeed("b");
  EXPECT_EQ(Starts(), 1);
  Succeed("a");
  EXPECT_EQ(Starts(), 2);
}

}  // namespace
}  // namespace aiflow::test
