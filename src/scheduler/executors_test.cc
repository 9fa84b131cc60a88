#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using S = TaskStatus;

TaskSpec At(TaskSpec task, std::string executor) {
  task.executor = std::move(executor);
  return task;
}
TaskSpec InPool(TaskSpec task, std::string pool) {
  task.pool = std::move(pool);
  return task;
}

/// Several executors side by side: where a run goes, and whose slots it takes.
class ExecutorsTest : public SchedulerTest {
 protected:
  /// As the server does at its start.
  ReplyRow Configure(const std::string& name, int64_t slots, const std::string& executor = "") {
    return Request(SetPool{.name = name,
                           .slots = slots,
                           .executor = executor.empty() ? name : executor,
                           .of_executor = true});
  }
  TaskExecutionRow Current(const std::string& task, int64_t id = 0) {
    return RunOf(task, TaskState(task, id).current, id);
  }
  /// Where the task runs; "-" while it waits for a slot.
  std::string Place(const std::string& task, int64_t id = 0) {
    const TaskExecutionRow run = Current(task, id);
    return run.has_slot ? ExecutorName(run.executor) : "-";
  }
};

TEST_F(ExecutorsTest, ATaskRunsAtTheExecutorThatItNames) {
  Configure("farm", 5);
  Run({Task("here"), At(Task("there"), "farm"), At(Task("said"), "local")});
  EXPECT_EQ(Place("here"), "local");
  EXPECT_EQ(Place("there"), "farm");
  EXPECT_EQ(Place("said"), "local");
}

TEST_F(ExecutorsTest, ThePoolsExecutorTakesTasksThatNameNone) {
  Configure("farm", 5);
  Request(SetPool{.name = "gpu", .slots = 9, .executor = "farm"});
  Run({InPool(Task("pooled"), "gpu"), InPool(At(Task("own"), "local"), "gpu"), Task("free")});
  EXPECT_EQ(Place("pooled"), "farm");
  EXPECT_EQ(Place("own"), "local");
  EXPECT_EQ(Place("free"), "local");
}

TEST_F(ExecutorsTest, TheDefaultExecutorTakesWhatNamesNone) {
  Configure("farm", 5);
  Configure(kExecutorPool, 5, "farm");
  Request(SetPool{.name = "here", .slots = 9, .executor = "local"});
  Run({Task("free"), At(Task("own"), "local"), InPool(Task("pooled"), "here")});
  EXPECT_EQ(Place("free"), "farm");
  EXPECT_EQ(Place("own"), "local");
  EXPECT_EQ(Place("pooled"), "local");
}

TEST_F(ExecutorsTest, EachExecutorHasItsOwnParallelism) {
  Configure("farm", 1);
  Configure(kExecutorPool, 1, "local");
  Run({Task("a"), Task("b"), At(Task("c"), "farm"), At(Task("d"), "farm")});
  EXPECT_EQ(Place("a"), "local");
  EXPECT_EQ(Place("b"), "-");
  EXPECT_EQ(Place("c"), "farm");
  EXPECT_EQ(Place("d"), "-");
  EXPECT_THAT(Current("b").reason, HasSubstr("the local executor has 1 of 1 slots in use"));
  EXPECT_THAT(Current("d").reason, HasSubstr("the executor 'farm' has 1 of 1 slots in use"));
  Succeed("c");
  EXPECT_EQ(Place("d"), "farm");
  EXPECT_EQ(Place("b"), "-");
}

TEST_F(ExecutorsTest, ARunStaysWhereItWasStartedAndTheNextTryGoesWhereItIsSentThen) {
  Configure("farm", 5);
  TaskSpec task = InPool(Task("a"), "gpu");
  task.retry.retries = 1;
  Request(SetPool{.name = "gpu", .slots = 1, .executor = "farm"});
  Run({task});
  EXPECT_EQ(Place("a"), "farm");
  Request(SetPool{.name = "gpu", .slots = 1, .executor = "local"});
  EXPECT_EQ(Place("a"), "farm");
  Report("a", S::kRunning);
  EXPECT_EQ(Place("a"), "farm");
  Report("a", S::kFailed);
  EXPECT_EQ(Latest("a"), S::kRetrying);
  Pass(seconds(1));
  EXPECT_EQ(Place("a"), "local");
}

TEST_F(ExecutorsTest, WhatWaitsGoesToThePoolsExecutorOfThatMoment) {
  Configure("farm", 5);
  Configure("barn", 5);
  Request(SetPool{.name = "gpu", .slots = 0, .executor = "farm"});
  Run({InPool(Task("a"), "gpu")});
  EXPECT_EQ(Place("a"), "-");
  Request(SetPool{.name = "gpu", .slots = 1, .executor = "barn"});
  EXPECT_EQ(Place("a"), "barn");
}

TEST_F(ExecutorsTest, AnExecutorThatIsGoneFromTheConfigurationGetsNothingMore) {
  Configure("farm", 5);
  Run({At(Task("a"), "farm"), At(Task("b"), "farm")});
  Configure("farm", 0);
  Succeed("a");
  EXPECT_EQ(Place("b"), "farm");
  const int64_t second = StartExecution();
  EXPECT_EQ(Place("a", second), "-");
  EXPECT_EQ(Current("a", second).reason, "waits for a slot: there is no executor 'farm'");
  Configure("farm", 5);
  EXPECT_EQ(Place("a", second), "farm");
}

TEST_F(ExecutorsTest, APoolKeepsItsExecutorWhenItIsNotNamed) {
  Configure("farm", 5);
  Request(SetPool{.name = "gpu", .slots = 1, .executor = "farm"});
  Request(SetPool{.name = "gpu", .slots = 2, .keep_executor = true});
  Run({InPool(Task("a"), "gpu")});
  EXPECT_EQ(Place("a"), "farm");
}

TEST_F(ExecutorsTest, APersonMayChangeAnExecutorsSlotsButNotWhatItIs) {
  Configure("farm", 1);
  EXPECT_EQ(Request(SetPool{.name = "farm", .slots = 3, .keep_executor = true}).code, 0);
  EXPECT_EQ(Request(SetPool{.name = "farm", .slots = 3}).code, 0);
  EXPECT_EQ(Request(SetPool{.name = "farm", .slots = 3, .executor = "local"}).code,
            static_cast<int>(Code::kFailedPrecondition));
  EXPECT_EQ(Request(DeletePool{"farm"}).code, static_cast<int>(Code::kFailedPrecondition));
  Run({At(Task("a"), "farm")});
  EXPECT_EQ(Place("a"), "farm");
}

TEST_F(ExecutorsTest, APoolOfAnUnknownExecutorIsRefused) {
  const ReplyRow reply = Request(SetPool{.name = "gpu", .slots = 1, .executor = "farm"});
  EXPECT_EQ(reply.code, static_cast<int>(Code::kNotFound));
  EXPECT_THAT(reply.message, HasSubstr("there is no executor 'farm'"));
}

TEST_F(ExecutorsTest, AnExecutorCannotTakeThePlaceOfAPool) {
  Request(SetPool{.name = "farm", .slots = 1});
  EXPECT_EQ(Configure("farm", 5).code, static_cast<int>(Code::kAlreadyExists));
}

TEST_F(ExecutorsTest, APoolThatOthersRunAtOrWaitForIsNotDeleted) {
  Configure("farm", 1);
  Run({At(Task("a"), "farm"), At(Task("b"), "farm")});
  Configure("farm", 0);
  EXPECT_THAT(Request(DeletePool{"farm"}).message, HasSubstr("tasks that run"));
  Succeed("a");
  EXPECT_THAT(Request(DeletePool{"farm"}).message, HasSubstr("tasks that wait"));
  Request(StopTaskExecution{.execution_id = 1, .task = "b"});
  EXPECT_EQ(Request(DeletePool{"farm"}).code, 0);
}

}  // namespace
}  // namespace aiflow::test
