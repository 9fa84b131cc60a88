#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "engine/engine.h"
#include "engine/engine_world.h"

namespace aiflow {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::Upload;
using engine_world::World;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Requests about executions whose rows are in the store only.
class EngineRepairTest : public ::testing::Test {
 protected:
  EngineRepairTest() { EXPECT_TRUE(Boot().ok()); }

  /// A new server process over the same world.
  Status Boot() {
    engine_.reset();
    engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                       world_.planner, EngineOptions{});
    return engine_->Recover([] {});
  }

  void Run() {
    for (int i = 0; i < 50; ++i) {
      const Offset before = world_.log.head();
      const Result<bool> more = engine_->Step();
      ASSERT_TRUE(more.has_value()) << more.error();
      const bool rests = !*more && world_.log.head() == before;
      if (rests && world_.store.ListOutbox({})->size() == Commands()) return;
    }
    FAIL() << "the engine does not come to rest";
  }
  [[nodiscard]] size_t Commands() const {
    size_t count = 0;
    const std::vector<OutboxRow> rows = *world_.store.ListOutbox({});
    for (const OutboxRow& row : rows) {
      count += row.kind == OutboxKind::kPublish ? 0 : 1;
    }
    return count;
  }

  void Report(int64_t sequence, TaskStatus status) {
    const AttemptKey attempt{ExecutionId(1), 0, sequence, 1};
    world_.executor.sink({.key = attempt,
                          .token = AttemptTokens(world_.store.Meta()->secret).TokenOf(attempt),
                          .status = status,
                          .pid = 17});
  }
  Offset Rerun() {
    return world_.log.Append(FormatRequest(RerunTasks{.execution_id = 1, .tasks = {"a"}}));
  }
  /// Execution 1 with task `a`, whose first attempt is handed over.
  void Start() {
    world_.log.Append(Upload(world_, {Task("a")}));
    world_.log.Append(FormatRequest(StartFlow()));
    Run();
    ASSERT_THAT(world_.executor.started, SizeIs(1));
    Report(1, TaskStatus::kRunning);
    Run();
  }
  void StartAndFinish() {
    Start();
    Report(1, TaskStatus::kFailed);
    Run();
    ASSERT_EQ(Execution().status, ExecutionStatus::kFailed);
    ASSERT_TRUE(Boot().ok());  // nothing of it is in memory
  }

  [[nodiscard]] ExecutionRow Execution() const {
    return (*world_.store.GetExecution(ExecutionId(1))).value();
  }
  [[nodiscard]] ReplyRow Reply(Offset offset) const {
    return (*world_.store.GetReply(offset)).value();
  }
  void ExpectStartedAgainOnce() {
    EXPECT_EQ(Execution().status, ExecutionStatus::kRunning);
    ASSERT_THAT(world_.executor.started, SizeIs(2));
    EXPECT_EQ(world_.executor.started[1].key, (AttemptKey{ExecutionId(1), 0, 2, 1}));
    EXPECT_THAT(*world_.store.ListTaskExecutions(ExecutionId(1), 0, {}), SizeIs(2));
  }

  World world_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineRepairTest, Rule30AFinishedExecutionIsReopenedFromTheStore) {
  StartAndFinish();
  const Offset rerun = Rerun();
  Run();
  EXPECT_EQ(Reply(rerun).code, 0) << Reply(rerun).message;
  ExpectStartedAgainOnce();
  Report(2, TaskStatus::kSuccess);
  Run();
  EXPECT_EQ(Execution().status, ExecutionStatus::kSuccess);
}

TEST_F(EngineRepairTest, Rule30AnEndAndAReopeningInOneReadAreTwoCommits) {
  Start();
  const int64_t commits = engine_->stats().commits;
  Report(1, TaskStatus::kFailed);
  const Offset rerun = Rerun();
  Run();
  EXPECT_EQ(Reply(rerun).code, 0) << Reply(rerun).message;
  EXPECT_GE(engine_->stats().commits, commits + 2);
  ExpectStartedAgainOnce();
}

TEST_F(EngineRepairTest, Rule33AReopeningWhoseCommitWasRefusedIsDecidedAgain) {
  StartAndFinish();
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  Rerun();
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_EQ(Execution().status, ExecutionStatus::kFailed);
  EXPECT_THAT(world_.executor.started, SizeIs(1));
  world_.store.SetFaultHook(nullptr);
  Run();
  ExpectStartedAgainOnce();
}

TEST_F(EngineRepairTest, Rule33AReopeningWhoseReplyWasLostHappenedOnce) {
  StartAndFinish();
  world_.store.SetFaultHook([] { return CommitFault::kLostReply; });
  Rerun();
  ASSERT_TRUE(engine_->Step().has_value());
  world_.store.SetFaultHook(nullptr);
  Run();
  ExpectStartedAgainOnce();
}

TEST_F(EngineRepairTest, Rule35AServerThatDiesAfterTheReopeningFindsItRunning) {
  StartAndFinish();
  Rerun();
  Run();
  ASSERT_TRUE(Boot().ok());
  ASSERT_THAT(world_.executor.expected, SizeIs(1));
  EXPECT_EQ(world_.executor.expected[0].spec.key.sequence, 2);
  Report(2, TaskStatus::kSuccess);
  Run();
  EXPECT_EQ(Execution().status, ExecutionStatus::kSuccess);
}

TEST_F(EngineRepairTest, AStoreThatCannotBeReadDelaysTheReopening) {
  StartAndFinish();
  world_.store.unreadable = true;
  const Offset rerun = Rerun();
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_LT(engine_->committed(), rerun);
  world_.store.unreadable = false;
  Run();
  ExpectStartedAgainOnce();
}

TEST_F(EngineRepairTest, WhatWasDeletedIsAnsweredSo) {
  StartAndFinish();
  world_.log.Append(FormatRequest(DeleteWorkflowExecution{.execution_id = 1}));
  const Offset rerun = Rerun();
  Run();
  EXPECT_EQ(Reply(rerun).code, static_cast<int>(Code::kNotFound));
  EXPECT_THAT(Reply(rerun).message, HasSubstr("it was deleted"));
}

}  // namespace
}  // namespace aiflow
