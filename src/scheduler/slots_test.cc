#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using S = TaskStatus;

class SlotsTest : public SchedulerTest {
 protected:
  bool HasSlot(const std::string& task, int64_t id = 0) {
    return RunOf(task, TaskState(task, id).current, id).has_slot;
  }
};

TaskSpec InPool(TaskSpec task, std::string pool, int64_t slots = 1) {
  task.pool = std::move(pool);
  task.pool_slots = slots;
  return task;
}
TaskSpec WithPriority(TaskSpec task, int64_t priority) {
  task.priority = priority;
  return task;
}

TEST_F(SlotsTest, WithoutAPoolForTheExecutorEverythingStarts) {
  std::vector<TaskSpec> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(Task("t" + std::to_string(i)));
  Run(tasks);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(HasSlot("t" + std::to_string(i)));
}

TEST_F(SlotsTest, TheExecutorsParallelismIsKeptAndFreedSlotsGoToTheOldest) {
  Request(SetPool{.name = kExecutorPool, .slots = 2});
  Run({Task("a"), Task("b"), Task("c"), Task("d")});
  EXPECT_TRUE(HasSlot("a"));
  EXPECT_TRUE(HasSlot("b"));
  EXPECT_FALSE(HasSlot("c"));
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "c"), 0);
  EXPECT_EQ(Latest("c"), S::kQueued);
  EXPECT_THAT(RunOf("c", 1).reason, HasSubstr("the local executor has 2 of 2 slots in use"));
  Succeed("b");
  EXPECT_TRUE(HasSlot("c"));
  EXPECT_FALSE(HasSlot("d"));
  EXPECT_EQ(RunOf("c", 1).reason, "");
  Succeed("a");
  EXPECT_TRUE(HasSlot("d"));
}

TEST_F(SlotsTest, AHigherPriorityGoesFirst) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  Run({Task("a"), Task("low"), WithPriority(Task("high"), 5)});
  Succeed("a");
  EXPECT_FALSE(HasSlot("low"));
  EXPECT_TRUE(HasSlot("high"));
}

TEST_F(SlotsTest, APoolIsSharedByAllWorkflows) {
  Request(SetPool{.name = "gpu", .slots = 1});
  Upload(Workflow({InPool(Task("a"), "gpu")}, "w1"));
  Upload(Workflow({InPool(Task("b"), "gpu"), Task("free")}, "w2"));
  const int64_t first = StartExecution("w1");
  const int64_t second = StartExecution("w2");
  EXPECT_TRUE(HasSlot("a", first));
  EXPECT_FALSE(HasSlot("b", second));
  EXPECT_TRUE(HasSlot("free", second));
  EXPECT_THAT(RunOf("b", 1, second).reason, HasSubstr("pool 'gpu' has 1 of 1 slots in use"));
  Report("a", S::kRunning, 1, first);
  Report("a", S::kFailed, 1, first);
  EXPECT_TRUE(HasSlot("b", second));
}

TEST_F(SlotsTest, AHeavyTaskIsNotOvertakenByLightOnesOfItsKind) {
  Request(SetPool{.name = "gpu", .slots = 3});
  Run({InPool(Task("one"), "gpu", 2), InPool(Task("heavy"), "gpu", 3),
       InPool(Task("light"), "gpu", 1)});
  EXPECT_TRUE(HasSlot("one"));
  EXPECT_FALSE(HasSlot("heavy"));
  EXPECT_FALSE(HasSlot("light"));
  EXPECT_THAT(RunOf("heavy", 1).reason, HasSubstr("and it takes 3"));
  Succeed("one");
  EXPECT_TRUE(HasSlot("heavy"));
  EXPECT_FALSE(HasSlot("light"));
}

TEST_F(SlotsTest, AHeavyTaskThatWaitsNoMoreLetsTheNextOneTry) {
  Request(SetPool{.name = "gpu", .slots = 2});
  const int64_t id = Run(
      {InPool(Task("one"), "gpu"), InPool(Task("heavy"), "gpu", 2), InPool(Task("light"), "gpu")});
  EXPECT_FALSE(HasSlot("light"));
  Request(StopTaskExecution{.execution_id = id, .task = "heavy"});
  EXPECT_TRUE(HasSlot("light"));
}

TEST_F(SlotsTest, APoolThatDoesNotExistHasNoSlotsAndSaysSo) {
  Run({InPool(Task("a"), "gpu")});
  EXPECT_FALSE(HasSlot("a"));
  EXPECT_EQ(RunOf("a", 1).reason, "waits for a slot: pool 'gpu' does not exist");
  Request(SetPool{.name = "gpu", .slots = 1});
  EXPECT_TRUE(HasSlot("a"));
}

TEST_F(SlotsTest, APoolWithoutSlotsIsNotOneThatDoesNotExist) {
  Request(SetPool{.name = "gpu", .slots = 0});
  Run({InPool(Task("a"), "gpu")});
  EXPECT_EQ(RunOf("a", 1).reason, "waits for a slot: pool 'gpu' has 0 of 0 slots in use");
}

TEST_F(SlotsTest, ConcurrencyIsOfAllExecutionsOfTheWorkflow) {
  WorkflowSpec spec = Workflow({Task("a"), Task("b")});
  spec.concurrency = 3;
  Upload(spec);
  const int64_t first = StartExecution();
  const int64_t second = StartExecution();
  EXPECT_TRUE(HasSlot("a", second));
  EXPECT_FALSE(HasSlot("b", second));
  EXPECT_THAT(RunOf("b", 1, second).reason, HasSubstr("(concurrency) has 3 of 3"));
  Report("a", S::kRunning, 1, first);
  Report("a", S::kSuccess, 1, first);
  EXPECT_TRUE(HasSlot("b", second));
}

TEST_F(SlotsTest, AStopOfAWaitingRunNeverReachesTheExecutor) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  const int64_t id = Run({Task("a"), Task("b")});
  Request(StopTaskExecution{.execution_id = id, .task = "b"});
  EXPECT_EQ(Latest("b"), S::kStopping);
  Succeed("a");  // its slot must not go to a run that is being stopped
  DeliverAnnouncements();
  EXPECT_EQ(Latest("b"), S::kStopped);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "b"), 0);
  EXPECT_EQ(Commands(OutboxKind::kStopAttempt, "b"), 0);
  EXPECT_EQ(Status(), ExecutionStatus::kStopped);
}

TEST_F(SlotsTest, AStoppingRunKeepsItsSlotUntilItHasEnded) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  const int64_t id = Run({Task("a"), Task("b")});
  Report("a", S::kRunning);
  Request(StopTaskExecution{.execution_id = id, .task = "a"});
  EXPECT_FALSE(HasSlot("b"));
  Report("a", S::kStopped);
  EXPECT_TRUE(HasSlot("b"));
}

TEST_F(SlotsTest, ARetryingRunGivesItsSlotAwayAndQueuesAgain) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  TaskSpec a = Task("a");
  a.retry = {.retries = 1, .delay = std::chrono::seconds(1)};
  Run({a, Task("b")});
  Report("a", S::kRunning);
  Report("a", S::kFailed);
  EXPECT_TRUE(HasSlot("b"));
  Report("b", S::kRunning);
  Pass(std::chrono::seconds(2));
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_FALSE(HasSlot("a"));
  Report("b", S::kSuccess);
  EXPECT_TRUE(HasSlot("a"));
}

TEST_F(SlotsTest, ALargerPoolStartsWhatWaitsAndASmallerOneEndsNothing) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  Run({Task("a"), Task("b"), Task("c")});
  Request(SetPool{.name = kExecutorPool, .slots = 2});
  EXPECT_TRUE(HasSlot("b"));
  EXPECT_FALSE(HasSlot("c"));
  Request(SetPool{.name = kExecutorPool, .slots = 0});
  EXPECT_TRUE(HasSlot("a"));
  Succeed("a");
  EXPECT_FALSE(HasSlot("c"));
}

TEST_F(SlotsTest, APoolInUseIsNotDeletedAndTheExecutorsNever) {
  Request(SetPool{.name = kExecutorPool, .slots = 5});
  Request(SetPool{.name = "gpu", .slots = 1});
  Run({InPool(Task("a"), "gpu"), InPool(Task("b"), "gpu")});
  EXPECT_EQ(Request(DeletePool{"gpu"}).code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_EQ(Request(DeletePool{kExecutorPool}).code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_EQ(Request(DeletePool{"none"}).code, static_cast<int>(Code::kNotFound));
  Succeed("a");
  Succeed("b");
  EXPECT_EQ(Request(DeletePool{"gpu"}).code, 0);
  EXPECT_EQ(Request(SetPool{.name = "gpu", .slots = -1}).code,
            static_cast<int>(Code::kInvalidArgument));
}

TEST_F(SlotsTest, ATaskThatStartsAndWaitsIsToldOnceWhyAndOnceWhen) {
  Request(SetPool{.name = kExecutorPool, .slots = 1});
  Run({Task("a"), Task("b")});
  ASSERT_EQ(Causes("b", CauseKind::kWaiting).size(), 1U);
  EXPECT_THAT(Causes("b", CauseKind::kWaiting)[0].text, HasSubstr("waits for a slot"));
  EXPECT_TRUE(Causes("b", CauseKind::kStarted).empty());
  Succeed("a");
  EXPECT_EQ(Causes("b", CauseKind::kStarted).size(), 1U);
}

}  // namespace
}  // namespace aiflow::test
