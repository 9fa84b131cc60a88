// What retention asks a store.
#include <string>
#include <vector>

#include "store_contract_fixture.h"

namespace aiflow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename World>
class StoreRetentionContractTest : public StoreContract<World> {
 protected:
  static ExecutionRow Ended(int64_t id, ExecutionStatus status, int64_t end) {
    ExecutionRow row = StoreContract<World>::Execution(id, status);
    row.end = Millis(end);
    return row;
  }
  static TaskExecutionRow EndedRun(int64_t id, int64_t execution, int64_t sequence, int64_t end) {
    TaskExecutionRow row = StoreContract<World>::Run(id, execution, 0, sequence);
    row.status = end == 0 ? TaskStatus::kRunning : TaskStatus::kSuccess;
    row.end = Millis(end);
    return row;
  }
};
TYPED_TEST_SUITE(StoreRetentionContractTest, StoreWorlds);

TYPED_TEST(StoreRetentionContractTest, FinishedExecutionsAreListedByTheirEndOldestFirst) {
  this->MustCommit(
      {this->Ended(1, ExecutionStatus::kSuccess, 30), this->Ended(2, ExecutionStatus::kFailed, 10),
       this->Ended(3, ExecutionStatus::kStopped, 20), this->Ended(4, ExecutionStatus::kRunning, 0),
       this->Ended(5, ExecutionStatus::kStopping, 5),
       this->Ended(6, ExecutionStatus::kSuccess, 20)});
  const auto ids = [this](int64_t before, int64_t limit) {
    return this->Ids(this->store().ListEndedBefore(Millis(before), limit));
  };
  EXPECT_THAT(ids(1000, 100), ElementsAre(2, 3, 6, 1));
  EXPECT_THAT(ids(20, 100), ElementsAre(2));
  EXPECT_THAT(ids(1000, 2), ElementsAre(2, 3));
  EXPECT_THAT(ids(1000, 0), IsEmpty());
  // One that is open again is none of them; one that ends joins them.
  this->MustCommit({this->Ended(2, ExecutionStatus::kRunning, 0),
                    this->Ended(4, ExecutionStatus::kSuccess, 15), EraseExecution{ExecutionId(3)}});
  EXPECT_THAT(ids(1000, 100), ElementsAre(4, 6, 1));
}

// Rule 5: inside executions that never end, except the latest run of each task.
TYPED_TEST(StoreRetentionContractTest, Rule5OldRunsAreThoseThatNoTaskNames) {
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning),
                    TaskRow{.execution_id = ExecutionId(1),
                            .last_sequence = 6,
                            .latest = 4,
                            .current = 5,
                            .successor = 6},
                    this->EndedRun(1, 1, 1, 10), this->EndedRun(2, 1, 2, 20),
                    this->EndedRun(3, 1, 3, 30), this->EndedRun(4, 1, 4, 15),
                    this->EndedRun(5, 1, 5, 0), this->EndedRun(6, 1, 6, 0),
                    // Its only run.
                    this->Execution(2, ExecutionStatus::kRunning),
                    TaskRow{.execution_id = ExecutionId(2), .last_sequence = 1, .latest = 1},
                    this->EndedRun(7, 2, 1, 10),
                    // Goes as a whole, by its own end.
                    this->Execution(3, ExecutionStatus::kSuccess),
                    TaskRow{.execution_id = ExecutionId(3), .last_sequence = 2, .latest = 2},
                    this->EndedRun(8, 3, 1, 10), this->EndedRun(9, 3, 2, 10)});
  const auto ids = [this](int64_t before, int64_t limit) {
    return this->Ids(this->store().ListOldRuns(Millis(before), limit));
  };
  EXPECT_THAT(ids(1000, 100), ElementsAre(1, 2, 3));
  EXPECT_THAT(ids(30, 100), ElementsAre(1, 2));
  EXPECT_THAT(ids(1000, 2), ElementsAre(1, 2));
  EXPECT_THAT(ids(10, 100), IsEmpty());
  this->MustCommit({EraseTaskExecution{TaskExecutionId(1), ExecutionId(1), 0, 1}});
  EXPECT_THAT(ids(1000, 1), ElementsAre(2));
}

// Rule 5: the log is cut below the oldest event that somebody will still look at.
TYPED_TEST(StoreRetentionContractTest,
           Rule5TheOldestNeededEventIsThatOfOutboxEvaluationOrStartToCome) {
  const auto oldest = [this] { return *this->store().OldestNeededOffset(); };
  EXPECT_EQ(oldest(), std::nullopt);
  this->MustCommit({OutboxRow{.id = OutboxId(1), .offset = 50}});
  EXPECT_EQ(oldest(), 50);
  this->MustCommit({EvaluationRow{.trigger_id = TriggerId(1), .offset = 60},
                    EvaluationRow{.trigger_id = TriggerId(1), .offset = 40}});
  EXPECT_EQ(oldest(), 40);
  TaskRow task{.execution_id = ExecutionId(1), .pending_starts = {30, 70}};
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning), task,
                    TaskRow{.execution_id = ExecutionId(1), .task = 1}});
  EXPECT_EQ(oldest(), 30);
  task.pending_starts = {70};
  this->MustCommit({task});
  EXPECT_EQ(oldest(), 40);
  this->MustCommit({EraseOutbox{OutboxId(1)}, EraseTrigger{TriggerId(1)}});
  EXPECT_EQ(oldest(), 70);
  // A run reads its cause when it begins, and not again.
  task.current = 1;
  task.successor = 2;
  TaskExecutionRow current = this->Run(1, 1, 0, 1);
  current.status = TaskStatus::kRetrying;
  current.cause_offset = 20;
  TaskExecutionRow successor = this->Run(2, 1, 0, 2);
  successor.status = TaskStatus::kInit;
  successor.cause_offset = 25;
  this->MustCommit({task, current, successor});
  EXPECT_EQ(oldest(), 20);
  current.status = TaskStatus::kRunning;
  this->MustCommit({current});
  EXPECT_EQ(oldest(), 25);
  successor.status = TaskStatus::kQueued;
  this->MustCommit({successor});
  EXPECT_EQ(oldest(), 25);
  successor.status = TaskStatus::kStopped;
  this->MustCommit({successor});
  EXPECT_EQ(oldest(), 70);
}

// Its first tasks get the event that created it, however long it waits.
TYPED_TEST(StoreRetentionContractTest, Rule5AnExecutionThatWaitsToBeginNeedsTheEventThatCreatedIt) {
  const auto oldest = [this] { return *this->store().OldestNeededOffset(); };
  ExecutionRow running = this->Execution(1, ExecutionStatus::kRunning);
  running.created_offset = 10;
  ExecutionRow waiting = this->Execution(2, ExecutionStatus::kInit);
  waiting.created_offset = 20;
  this->MustCommit({running, waiting});
  EXPECT_EQ(oldest(), 20);
  waiting.status = ExecutionStatus::kRunning;
  this->MustCommit({waiting});
  EXPECT_EQ(oldest(), std::nullopt);
}

TYPED_TEST(StoreRetentionContractTest, RepliesAreErasedBelowAnOffset) {
  this->MustCommit({ReplyRow{.offset = 3}, ReplyRow{.offset = 4}, ReplyRow{.offset = 9}});
  this->MustCommit({EraseReplies{4}});
  EXPECT_FALSE(this->store().GetReply(3)->has_value());
  EXPECT_TRUE(this->store().GetReply(4)->has_value());
  this->MustCommit({EraseReplies{100}});
  EXPECT_FALSE(this->store().GetReply(9)->has_value());
}

TYPED_TEST(StoreRetentionContractTest, DigestsOfAllBlobsThatRowsNameAreListedOnce) {
  EXPECT_THAT(*this->store().ListBlobDigests(), IsEmpty());
  WorkflowRow workflow = this->Workflow(1, "default", "w");
  workflow.content_digest = "content";
  workflow.pickled_digest = "shared";
  this->MustCommit({workflow,
                    SnapshotRow{.id = SnapshotId(1),
                                .workflow_id = WorkflowId(1),
                                .spec_digest = "spec",
                                .bundle_digest = "bundle",
                                .pickled_digest = "shared"},
                    TriggerRow{.id = TriggerId(1),
                               .workflow_id = WorkflowId(1),
                               .pickled_digest = "trigger",
                               .bundle_digest = "older bundle"},
                    this->Workflow(2, "default", "empty")});
  EXPECT_THAT(*this->store().ListBlobDigests(),
              ElementsAre("bundle", "content", "older bundle", "shared", "spec", "trigger"));
  this->MustCommit({EraseWorkflow{WorkflowId(1)}});
  EXPECT_THAT(*this->store().ListBlobDigests(), IsEmpty());
}

}  // namespace
}  // namespace aiflow
