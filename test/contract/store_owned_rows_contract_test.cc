// What erasing an owner takes, and what it leaves.
#include <string>
#include <vector>

#include "store_contract_fixture.h"

namespace aiflow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename World>
class StoreOwnedRowsContractTest : public StoreContract<World> {
 protected:
  /// A workflow with one of everything that it may own; all ids are `id`.
  void PutWorkflow(int64_t id) {
    const WorkflowId workflow(id);
    const ExecutionId execution(id);
    this->MustCommit(
        {this->Workflow(id, "default", "w" + std::to_string(id)),
         SnapshotRow{.id = SnapshotId(id), .workflow_id = workflow},
         ScheduleRow{.id = ScheduleId(id), .workflow_id = workflow},
         TriggerRow{.id = TriggerId(id), .workflow_id = workflow}, StateRow{{}, workflow, "s", "v"},
         EvaluationRow{.trigger_id = TriggerId(id), .offset = 1, .workflow_id = workflow},
         DeadLetterRow{
             .id = DeadLetterId(id * 2), .trigger_id = TriggerId(id), .workflow_id = workflow}});
    this->MustCommit(
        {this->Execution(id, ExecutionStatus::kRunning, id), TaskRow{.execution_id = execution},
         this->Run(id, id, 0, 1), RuleStateRow{.execution_id = execution},
         CauseRow{.execution_id = execution, .offset = 1}, StateRow{execution, {}, "s", "v"},
         EvaluationRow{.execution_id = execution, .offset = 1, .task = 0, .workflow_id = workflow},
         DeadLetterRow{
             .id = DeadLetterId(id * 2 + 1), .execution_id = execution, .workflow_id = workflow}});
  }
  /// How many rows the execution `id` and the workflow `id` own.
  size_t OwnedByExecution(int64_t id) {
    const ExecutionId execution(id);
    size_t letters = 0;
    const auto rows = this->store().ListDeadLetters({});
    for (const DeadLetterRow& row : *rows) {
      letters += row.execution_id == execution ? 1 : 0;
    }
    return letters + this->store().ListTasks(execution)->size() +
           this->store().ListTaskExecutions(execution, -1, {})->size() +
           this->store().ListRuleStates(execution)->size() +
           this->store().ListCauses(execution, -1, {})->size() +
           this->store().ListStates(execution, {})->size() +
           this->store().ListEvaluations(execution, {}, {})->size();
  }
  size_t OwnedByWorkflow(int64_t id) {
    const WorkflowId workflow(id);
    size_t letters = 0;
    const auto rows = this->store().ListDeadLetters({});
    for (const DeadLetterRow& row : *rows) {
      letters += row.workflow_id == workflow && !row.execution_id.valid() ? 1 : 0;
    }
    return letters + this->store().ListSnapshots(workflow, {})->size() +
           this->store().ListSchedules(workflow, {})->size() +
           this->store().ListTriggers(workflow, {})->size() +
           this->store().ListStates({}, workflow)->size() +
           this->store().ListEvaluations({}, workflow, {})->size();
  }
};
TYPED_TEST_SUITE(StoreOwnedRowsContractTest, StoreWorlds);

constexpr size_t kOfExecution = 7;
constexpr size_t kOfWorkflow = 6;

TYPED_TEST(StoreOwnedRowsContractTest, ErasingAnExecutionTakesAllItOwns) {
  for (const int64_t id : {1, 2, 3}) this->PutWorkflow(id);
  ASSERT_EQ(this->OwnedByExecution(2), kOfExecution);
  this->MustCommit({EraseExecution{ExecutionId(2)}});
  EXPECT_FALSE(this->store().GetExecution(ExecutionId(2))->has_value());
  EXPECT_EQ(this->OwnedByExecution(2), 0U);
  EXPECT_EQ(this->OwnedByWorkflow(2), kOfWorkflow);
  EXPECT_EQ(this->OwnedByExecution(1), kOfExecution);
  EXPECT_EQ(this->OwnedByExecution(3), kOfExecution);
  this->world_.Reopen();
  EXPECT_EQ(this->Loaded().executions.size(), 2U);
  EXPECT_EQ(this->Loaded().evaluations.size(), 5U);
}

TYPED_TEST(StoreOwnedRowsContractTest, ErasingAWorkflowTakesAllItOwns) {
  for (const int64_t id : {1, 2, 3}) this->PutWorkflow(id);
  // Another execution of it.
  this->MustCommit({this->Execution(9, ExecutionStatus::kSuccess, 2), this->Run(9, 9, 0, 1),
                    StateRow{ExecutionId(9), {}, "s", "v"}});
  ASSERT_EQ(this->OwnedByWorkflow(2), kOfWorkflow);
  this->MustCommit({EraseWorkflow{WorkflowId(2)}});
  EXPECT_FALSE(this->store().GetWorkflow(WorkflowId(2))->has_value());
  EXPECT_EQ(this->OwnedByWorkflow(2), 0U);
  EXPECT_EQ(this->OwnedByExecution(2), 0U);
  EXPECT_EQ(this->OwnedByExecution(9), 0U);
  for (const int64_t id : {1, 3}) {
    EXPECT_EQ(this->OwnedByWorkflow(id), kOfWorkflow) << id;
    EXPECT_EQ(this->OwnedByExecution(id), kOfExecution) << id;
  }
}

TYPED_TEST(StoreOwnedRowsContractTest, SuspensionsAndWhatTheyHoldGoWithTheirOwners) {
  for (const int64_t id : {1, 2}) {
    this->PutWorkflow(id);
    this->MustCommit({SuspensionRow{.execution_id = ExecutionId(id)},
                      SuspensionRow{.workflow_id = WorkflowId(id)},
                      HeldEventRow{ExecutionId(id), {}, 5, {}},
                      HeldEventRow{{}, WorkflowId(id), 5, {}}});
  }
  this->MustCommit({EraseExecution{ExecutionId(1)}});
  EXPECT_EQ(this->Loaded().suspensions.size(), 3U);
  EXPECT_EQ(this->Loaded().held_events.size(), 3U);
  this->MustCommit({EraseWorkflow{WorkflowId(2)}});
  EXPECT_THAT(this->Loaded().suspensions, ElementsAre(SuspensionRow{.workflow_id = WorkflowId(1)}));
  EXPECT_THAT(this->Loaded().held_events, ElementsAre(HeldEventRow{{}, WorkflowId(1), 5, {}}));
}

TYPED_TEST(StoreOwnedRowsContractTest, ErasingARunTakesTheCausesThatNameIt) {
  std::vector<Change> changes = {this->Execution(1, ExecutionStatus::kRunning),
                                 this->Execution(2, ExecutionStatus::kRunning)};
  int64_t id = 0;
  for (const int64_t execution : {1, 2}) {
    for (const TaskIndex task : {0, 1}) {
      for (int64_t sequence = 1; sequence <= 3; ++sequence) {
        changes.emplace_back(this->Run(++id, execution, task, sequence));
        for (const Offset offset : {sequence * 10, sequence * 10 + 5}) {
          changes.emplace_back(CauseRow{.execution_id = ExecutionId(execution),
                                        .offset = offset,
                                        .task = task,
                                        .sequence = sequence});
        }
      }
    }
  }
  changes.emplace_back(CauseRow{.execution_id = ExecutionId(1), .offset = 1, .task = 0});
  this->MustCommit(std::move(changes));
  const auto causes = [this](int64_t execution, TaskIndex task) {
    std::vector<int64_t> sequences;
    const auto rows = this->store().ListCauses(ExecutionId(execution), task, {});
    for (const CauseRow& row : *rows) {
      sequences.push_back(row.sequence);
    }
    return sequences;
  };
  this->MustCommit({EraseTaskExecution{TaskExecutionId(2), ExecutionId(1), 0, 2}});
  EXPECT_FALSE(this->store().GetTaskExecution(TaskExecutionId(2))->has_value());
  EXPECT_THAT(causes(1, 0), ElementsAre(0, 1, 1, 3, 3));
  this->MustCommit({EraseTaskExecution{TaskExecutionId(1), ExecutionId(1), 0, 1}});
  EXPECT_FALSE(this->store().GetTaskExecution(TaskExecutionId(1))->has_value());
  EXPECT_THAT(causes(1, 0), ElementsAre(0, 3, 3));
  EXPECT_THAT(causes(1, 1), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(causes(2, 0), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_EQ(this->store().ListTaskExecutions(ExecutionId(1), 0, {})->size(), 1U);
  // Erasing what is gone changes nothing.
  this->MustCommit({EraseTaskExecution{TaskExecutionId(1), ExecutionId(1), 0, 1}});
  EXPECT_EQ(this->store().ListTaskExecutions(ExecutionId(1), 0, {})->size(), 1U);
}

TYPED_TEST(StoreOwnedRowsContractTest, LoadExecutionGivesAFinishedOneAsIfItWereOpen) {
  std::vector<Change> changes;
  for (const int64_t id : {1, 2}) {
    changes.emplace_back(this->Execution(id, ExecutionStatus::kFailed));
    changes.emplace_back(TaskRow{.execution_id = ExecutionId(id), .last_sequence = 3, .latest = 3});
    changes.emplace_back(TaskRow{.execution_id = ExecutionId(id), .task = 1});
    for (int64_t sequence = 1; sequence <= 3; ++sequence) {
      changes.emplace_back(this->Run(id * 10 + sequence, id, 0, sequence));
    }
    changes.emplace_back(RuleStateRow{.execution_id = ExecutionId(id), .rule = 1, .slots = {1}});
    changes.emplace_back(CauseRow{.execution_id = ExecutionId(id), .offset = 1});
    changes.emplace_back(StateRow{ExecutionId(id), {}, "s", "v"});
  }
  changes.emplace_back(PoolRow{"local", 1});
  this->MustCommit(std::move(changes));
  const auto loaded = this->store().LoadExecution(ExecutionId(2));
  ASSERT_TRUE(loaded) << loaded.error();
  const LoadedRows rows(*loaded);
  EXPECT_THAT(rows.executions, ElementsAre(this->Execution(2, ExecutionStatus::kFailed)));
  EXPECT_EQ(rows.tasks.size(), 2U);
  EXPECT_THAT(rows.task_executions, ElementsAre(this->Run(23, 2, 0, 3)));
  EXPECT_THAT(rows.rule_states,
              ElementsAre(RuleStateRow{.execution_id = ExecutionId(2), .rule = 1, .slots = {1}}));
  EXPECT_EQ(loaded->size(), 5U);
  EXPECT_THAT(*this->store().LoadExecution(ExecutionId(7)), IsEmpty());
}

TYPED_TEST(StoreOwnedRowsContractTest, Rule31SnapshotUsersAreTheFirstExecutionsFinishedOrNot) {
  std::vector<Change> changes;
  const auto add = [&](int64_t id, ExecutionStatus status, int64_t snapshot) {
    ExecutionRow row = this->Execution(id, status);
    row.snapshot_id = SnapshotId(snapshot);
    changes.emplace_back(row);
    return row;
  };
  add(4, ExecutionStatus::kSuccess, 1);
  const ExecutionRow first = add(2, ExecutionStatus::kFailed, 1);
  const ExecutionRow running = add(3, ExecutionStatus::kRunning, 2);
  add(5, ExecutionStatus::kStopped, 3);
  this->MustCommit(std::move(changes));
  const auto users = [this](const std::vector<SnapshotId>& snapshots) {
    return LoadedRows(*this->store().LoadSnapshotUsers(snapshots)).executions;
  };
  EXPECT_THAT(users({SnapshotId(1), SnapshotId(2), SnapshotId(9)}), ElementsAre(first, running));
  EXPECT_THAT(users({}), IsEmpty());
  this->MustCommit({EraseExecution{ExecutionId(5)}});
  EXPECT_THAT(users({SnapshotId(3)}), IsEmpty());
}

TYPED_TEST(StoreOwnedRowsContractTest, Rule23ExecutionsOfAWorkflowAreLoadedByIdUpToALimit) {
  std::vector<Change> changes;
  for (const int64_t id : {4, 2, 1, 5, 3}) {
    const auto status = id % 2 == 0 ? ExecutionStatus::kRunning : ExecutionStatus::kFailed;
    changes.emplace_back(this->Execution(id, status, /*workflow=*/id == 3 ? 2 : 1));
  }
  this->MustCommit(std::move(changes));
  const auto ids = [this](int64_t workflow, int64_t limit) {
    std::vector<int64_t> found;
    const auto rows = this->store().LoadWorkflowExecutions(WorkflowId(workflow), limit);
    for (const Change& row : *rows) found.push_back(std::get<ExecutionRow>(row).id.value());
    return found;
  };
  EXPECT_THAT(ids(1, 3), ElementsAre(1, 2, 4));
  EXPECT_THAT(ids(1, 9), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(ids(3, 9), IsEmpty());
}

TYPED_TEST(StoreOwnedRowsContractTest, Rule26DueExecutionsAreThoseOfTheWorkflowInTheRange) {
  std::vector<Change> changes;
  const auto add = [&](int64_t id, int64_t workflow, int64_t due, ExecutionStatus status) {
    ExecutionRow row = this->Execution(id, status);
    row.workflow_id = WorkflowId(workflow);
    row.due = Millis(due);
    changes.emplace_back(row);
    return row;
  };
  const ExecutionRow late = add(1, 1, 20, ExecutionStatus::kFailed);
  const ExecutionRow early = add(2, 1, 10, ExecutionStatus::kRunning);
  add(3, 1, 30, ExecutionStatus::kSuccess);
  add(4, 2, 10, ExecutionStatus::kSuccess);
  add(5, 1, 0, ExecutionStatus::kSuccess);
  this->MustCommit(std::move(changes));
  const auto due = [this](int64_t workflow, int64_t from, int64_t to) {
    return LoadedRows(
               *this->store().LoadDueExecutions(WorkflowId(workflow), Millis(from), Millis(to)))
        .executions;
  };
  EXPECT_THAT(due(1, 10, 30), ElementsAre(early, late));
  EXPECT_THAT(due(1, 0, 20), ElementsAre(early)) << "0 stands for no due time";
  EXPECT_THAT(due(3, 0, 100), IsEmpty());
}

}  // namespace
}  // namespace aiflow
