#include "scheduler/census.h"

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

class CensusTest : public SchedulerTest {
 protected:
  static int64_t Of(const Census& census, TaskStatus status) {
    return census.runs.at(static_cast<size_t>(status));
  }
  static int64_t Of(const Census& census, ExecutionStatus status) {
    return census.executions.at(static_cast<size_t>(status));
  }
};

TEST_F(CensusTest, CountsWhatHasNotEnded) {
  Request(SetPool{.name = kExecutorPool, .slots = 2});
  Run({Task("a"), Task("b"), Task("c")});
  Report("a", TaskStatus::kRunning);
  StartExecution();
  Census census = TakeCensus(state_);
  EXPECT_EQ(Of(census, ExecutionStatus::kRunning), 2);
  EXPECT_EQ(Of(census, TaskStatus::kRunning), 1);
  EXPECT_EQ(Of(census, TaskStatus::kQueued), 5);
  EXPECT_EQ(census.waiting_runs, 4);
  EXPECT_EQ(census.executions_ever, 2);
  EXPECT_EQ(census.runs_ever, 6);
  EXPECT_EQ(census.workflows, 1);
  EXPECT_EQ(census.pools.at(kExecutorPool).slots, 2);
  EXPECT_EQ(census.pools.at(kExecutorPool).used, 2);
  EXPECT_EQ(census.outbox.at(static_cast<size_t>(OutboxKind::kStartAttempt)), 1);
}

TEST_F(CensusTest, WhatHasEndedIsOnlyCountedAsMade) {
  Run({Task("a")});
  Succeed("a");
  const Census census = TakeCensus(state_);
  EXPECT_EQ(Of(census, ExecutionStatus::kRunning), 0);
  EXPECT_EQ(Of(census, TaskStatus::kQueued) + Of(census, TaskStatus::kRunning), 0);
  EXPECT_EQ(census.executions_ever, 1);
  EXPECT_EQ(census.runs_ever, 1);
}

}  // namespace
}  // namespace aiflow::test
