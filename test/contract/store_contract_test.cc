// One contract, every store: the durable one and the one of the simulator.
#include <memory>
#include <string>
#include <vector>

#include "store_contract_fixture.h"

namespace aiflow {
namespace {

template <typename World>
class StoreContractTest : public StoreContract<World> {};
TYPED_TEST_SUITE(StoreContractTest, StoreWorlds);

TYPED_TEST(StoreContractTest, ANewStoreHasASecretTheDefaultNamespaceAndNoLog) {
  const StoreMeta meta = *this->store().Meta();
  EXPECT_EQ(meta.log_id, "");
  EXPECT_EQ(meta.committed, 0);
  EXPECT_EQ(meta.schema_version, 5);
  EXPECT_THAT(meta.secret, testing::MatchesRegex("[0-9a-f]{64}"));
  const LoadedRows rows = this->Loaded();
  EXPECT_THAT(rows.namespaces, testing::ElementsAre(NamespaceRow{"default", "{}"}));
  EXPECT_THAT(rows.counters, testing::ElementsAre(CountersRow{}));
}

// Rule 2: the metadata store keeps the log's identity beside the committed offset.
TYPED_TEST(StoreContractTest, Rule2IsBoundToOneLogForEver) {
  EXPECT_TRUE(this->store().BindLog("log-1").ok());
  EXPECT_TRUE(this->store().BindLog("log-1").ok());
  this->world_.Reopen();
  EXPECT_EQ(this->store().Meta()->log_id, "log-1");
  const Status other = this->store().BindLog("log-2");
  EXPECT_EQ(other.code(), Code::kFailedPrecondition);
  EXPECT_THAT(other.message(), testing::HasSubstr("log-1"));
  EXPECT_EQ(this->store().Meta()->log_id, "log-1");
}

// Rule 2: the offset moves with the rows of its event, in one transaction.
TYPED_TEST(StoreContractTest, Rule2CommittedOffsetAndRowsMoveTogether) {
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning)});
  this->world_.Reopen();
  EXPECT_EQ(this->store().Meta()->committed, 1);
  EXPECT_TRUE(this->store().GetExecution(ExecutionId(1))->has_value());
}

// Rule 3: ids come from counters that are state, and survive.
TYPED_TEST(StoreContractTest, Rule3CountersAreRowsOfTheCommit) {
  const CountersRow counters{.workflow = 1,
                             .snapshot = 2,
                             .execution = 3,
                             .task_execution = 4,
                             .outbox = 5,
                             .schedule = 6,
                             .trigger = 7,
                             .dead_letter = 8};
  this->MustCommit({counters});
  this->world_.Reopen();
  EXPECT_THAT(this->Loaded().counters, testing::ElementsAre(counters));
}

// Rule 23: how far a decision in parts has come is a row of each part's commit.
TYPED_TEST(StoreContractTest, Rule23TheCursorIsCommittedWithItsPart) {
  EXPECT_EQ(this->store().Meta()->part, 0);
  EXPECT_THAT(this->Loaded().cursors, testing::IsEmpty());
  const CursorRow cursor{.offset = 1,
                         .part = 1,
                         .workflow = WorkflowId(2),
                         .execution = ExecutionId(3),
                         .count = 4,
                         .handled = true};
  CommitBatch part{.epoch = this->epoch_,
                   .changes = {this->Execution(1, ExecutionStatus::kRunning), cursor}};
  ASSERT_TRUE(this->store().Commit(part).ok());
  this->world_.Reopen();
  EXPECT_EQ(this->store().Meta()->committed, 0);
  EXPECT_EQ(this->store().Meta()->part, 1);
  EXPECT_THAT(this->Loaded().cursors, testing::ElementsAre(cursor));
  EXPECT_TRUE(this->store().GetExecution(ExecutionId(1))->has_value());
  part = {.epoch = this->epoch_, .to_offset = 1, .from_part = 1, .changes = {CursorRow{}}};
  ASSERT_TRUE(this->store().Commit(part).ok());
  EXPECT_EQ(this->store().Meta()->committed, 1);
  EXPECT_EQ(this->store().Meta()->part, 0);
  EXPECT_THAT(this->Loaded().cursors, testing::IsEmpty());
}

// Rule 33: the offset alone does not tell whether a part has been committed.
TYPED_TEST(StoreContractTest, Rule33APartIsCommittedOnceAlsoWhenItArrivesLate) {
  const CommitBatch first{.epoch = this->epoch_, .changes = {CursorRow{.offset = 1, .part = 1}}};
  ASSERT_TRUE(this->store().Commit(first).ok());
  const Status again = this->store().Commit(first);
  EXPECT_EQ(again.code(), Code::kAborted);
  EXPECT_THAT(again.message(), testing::HasSubstr("1 parts"));
  // Nor may anything else be decided that does not know of it.
  const CommitBatch other{.epoch = this->epoch_, .to_offset = 1};
  EXPECT_EQ(this->store().Commit(other).code(), Code::kAborted);
  EXPECT_EQ(this->store().Meta()->part, 1);
  EXPECT_EQ(this->store().Meta()->committed, 0);
}

// Rule 3: the answer to a request is committed with its effects, to be read by whoever repeats it.
TYPED_TEST(StoreContractTest, Rule3KeepsTheReplyOfARequest) {
  const ReplyRow reply{
      .offset = 7, .code = 5, .message = "no such workflow", .id = 9, .detail = "{}"};
  this->MustCommit({reply});
  this->world_.Reopen();
  EXPECT_EQ(**this->store().GetReply(7), reply);
  EXPECT_FALSE(this->store().GetReply(8)->has_value());
}

TYPED_TEST(StoreContractTest, EachLeaseHasANewEpochThatSurvives) {
  EXPECT_EQ(this->epoch_, 1);
  EXPECT_EQ(*this->store().TakeLease("server-b"), 2);
  this->world_.Reopen();
  EXPECT_EQ(this->store().Meta()->epoch, 2);
  EXPECT_EQ(this->store().Meta()->holder, "server-b");
  EXPECT_EQ(*this->store().TakeLease("server-c"), 3);
}

// Rule 12: the commit checks the epoch by equality.
TYPED_TEST(StoreContractTest, Rule12CommitChecksTheEpochByEquality) {
  ASSERT_TRUE(this->store().TakeLease("server-b"));
  for (const Epoch wrong : {Epoch{1}, Epoch{3}, Epoch{0}}) {
    this->epoch_ = wrong;
    const Status status = this->Commit({this->Execution(1, ExecutionStatus::kRunning)});
    EXPECT_EQ(status.code(), Code::kAborted) << wrong;
    EXPECT_THAT(status.message(), testing::HasSubstr("server-b"));
  }
  EXPECT_EQ(this->store().Meta()->committed, 0);
  EXPECT_FALSE(this->store().GetExecution(ExecutionId(1))->has_value());
  this->epoch_ = 2;
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning)});
}

// Rule 12, for the offset: nobody commits an event twice or skips one.
TYPED_TEST(StoreContractTest, Rule12CommitChecksTheOffsetByEquality) {
  this->MustCommit({});
  for (const Offset wrong : {Offset{0}, Offset{2}}) {
    this->committed_ = wrong;
    EXPECT_EQ(this->Commit({NamespaceRow{"late"}}).code(), Code::kAborted) << wrong;
  }
  EXPECT_EQ(this->store().Meta()->committed, 1);
  EXPECT_FALSE(this->store().GetNamespace("late")->has_value());
}

TYPED_TEST(StoreContractTest, AnAcknowledgementKeepsTheOffset) {
  this->MustCommit({OutboxRow{.id = OutboxId(1)}, OutboxRow{.id = OutboxId(2)}});
  ASSERT_TRUE(
      this->store()
          .Commit(
              {.epoch = 1, .from_offset = 1, .to_offset = 1, .changes = {EraseOutbox{OutboxId(1)}}})
          .ok());
  EXPECT_EQ(this->store().Meta()->committed, 1);
  EXPECT_THAT(*this->store().ListOutbox({}), testing::ElementsAre(OutboxRow{.id = OutboxId(2)}));
}

// Rule 33: a commit that failed changed nothing that Meta or Load would show.
TYPED_TEST(StoreContractTest, Rule33ARefusedBatchChangesNothing) {
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning), this->Run(1, 1, 0, 1),
                    TaskRow{.execution_id = ExecutionId(1), .last_sequence = 1, .latest = 1}});
  const LoadedRows before = this->Loaded();
  // A second row for the same run, and runs and executions that become others.
  const std::vector<std::vector<Change>> bugs = {
      {NamespaceRow{"x"}, this->Run(2, 1, 0, 1)},
      {NamespaceRow{"x"}, this->Run(1, 1, 0, 2)},
      {NamespaceRow{"x"}, this->Run(5, 1, 1, 1), this->Run(6, 1, 1, 1)},
      {NamespaceRow{"x"}, this->Execution(1, ExecutionStatus::kRunning, 2)},
      {NamespaceRow{"x"}, this->Workflow(1, "default", "w"), this->Workflow(2, "default", "w")},
  };
  for (const auto& changes : bugs) {
    EXPECT_EQ(this->Commit(changes).code(), Code::kInternal);
    EXPECT_EQ(this->store().Meta()->committed, 1);
    EXPECT_EQ(this->Loaded(), before);
  }
  this->MustCommit({NamespaceRow{"x"}});
}

TYPED_TEST(StoreContractTest, APutTakesThePlaceOfTheRowWithTheSameKey) {
  ExecutionRow row = this->Execution(1, ExecutionStatus::kInit);
  this->MustCommit({row, row});
  row.status = ExecutionStatus::kRunning;
  row.begin = Millis(5);
  row.event_offset = 9;
  this->MustCommit({row});
  EXPECT_EQ(**this->store().GetExecution(row.id), row);
  row.reason = "only this changed";
  this->MustCommit({row});
  EXPECT_EQ(**this->store().GetExecution(row.id), row);
}

TYPED_TEST(StoreContractTest, PuttingAWorkflowAgainKeepsWhatItOwns) {
  WorkflowRow workflow = this->Workflow(1, "default", "w");
  this->MustCommit({workflow, SnapshotRow{.id = SnapshotId(1), .workflow_id = WorkflowId(1)},
                    this->Execution(1, ExecutionStatus::kRunning), this->Run(1, 1, 0, 1)});
  workflow.enabled = false;
  this->MustCommit({workflow});
  EXPECT_EQ(this->store().ListSnapshots(WorkflowId(1), {})->size(), 1U);
  EXPECT_EQ(this->store().ListExecutions(WorkflowId(1), {})->size(), 1U);
  EXPECT_TRUE(this->store().GetTaskExecution(TaskExecutionId(1))->has_value());
}

TYPED_TEST(StoreContractTest, LoadLeavesOutWhatIsFinished) {
  std::vector<Change> changes;
  for (int status = 0; status <= 5; ++status) {
    const int64_t id = status + 1;
    changes.emplace_back(this->Execution(id, static_cast<ExecutionStatus>(status)));
    changes.emplace_back(TaskRow{.execution_id = ExecutionId(id), .last_sequence = 1, .latest = 1});
    changes.emplace_back(this->Run(id, id, 0, 1));
    changes.emplace_back(RuleStateRow{.execution_id = ExecutionId(id), .slots = {1}});
  }
  this->MustCommit(std::move(changes));
  const LoadedRows rows = this->Loaded();
  std::vector<int64_t> executions;
  for (const ExecutionRow& row : rows.executions) executions.push_back(row.id.value());
  EXPECT_THAT(executions, testing::ElementsAre(1, 2, 6));  // INIT, RUNNING, STOPPING
  EXPECT_EQ(rows.tasks.size(), 3U);
  EXPECT_EQ(rows.task_executions.size(), 3U);
  EXPECT_EQ(rows.rule_states.size(), 3U);
}

TYPED_TEST(StoreContractTest, LoadHasOnlyTheRunsThatATaskNames) {
  std::vector<Change> changes = {this->Execution(1, ExecutionStatus::kRunning),
                                 TaskRow{.execution_id = ExecutionId(1),
                                         .last_sequence = 9,
                                         .latest = 7,
                                         .current = 7,
                                         .successor = 9}};
  for (int64_t sequence = 1; sequence <= 9; ++sequence) {
    changes.emplace_back(this->Run(100 - sequence, 1, 0, sequence));
  }
  changes.emplace_back(this->Run(200, 1, 1, 1));  // of a task without a row
  changes.emplace_back(CauseRow{.execution_id = ExecutionId(1), .offset = 1});
  changes.emplace_back(ReplyRow{.offset = 1});
  this->MustCommit(std::move(changes));
  const LoadedRows rows = this->Loaded();
  EXPECT_THAT(rows.task_executions,
              testing::ElementsAre(this->Run(93, 1, 0, 7), this->Run(91, 1, 0, 9)));
  EXPECT_EQ(rows.others, 0U);
}

TYPED_TEST(StoreContractTest, AnExecutionThatReopensIsLoadedAgain) {
  this->MustCommit({this->Execution(1, ExecutionStatus::kSuccess)});
  EXPECT_TRUE(this->Loaded().executions.empty());
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning)});
  EXPECT_EQ(this->Loaded().executions.size(), 1U);
}

TYPED_TEST(StoreContractTest, SnapshotsAreLoadedWithoutTheirSpec) {
  SnapshotRow row{.id = SnapshotId(1), .workflow_id = WorkflowId(1), .spec_digest = "abc"};
  row.spec = std::make_shared<WorkflowSpec>();
  this->MustCommit({row});
  const LoadedRows rows = this->Loaded();
  ASSERT_EQ(rows.snapshots.size(), 1U);
  EXPECT_EQ(rows.snapshots[0], row);
  EXPECT_EQ(rows.snapshots[0].spec, nullptr);
}

TYPED_TEST(StoreContractTest, ErasingAnExecutionTakesWhatItOwnsAndNothingElse) {
  std::vector<Change> changes;
  for (int64_t id = 1; id <= 3; ++id) {
    changes.emplace_back(this->Execution(id, ExecutionStatus::kRunning));
    changes.emplace_back(TaskRow{.execution_id = ExecutionId(id), .task = 2});
    changes.emplace_back(this->Run(id, id, 2, 1));
    changes.emplace_back(RuleStateRow{.execution_id = ExecutionId(id)});
    changes.emplace_back(CauseRow{.execution_id = ExecutionId(id), .offset = 1});
  }
  this->MustCommit(std::move(changes));
  this->MustCommit({EraseExecution{ExecutionId(2)}});
  for (const int64_t id : {1, 2, 3}) {
    const ExecutionId execution(id);
    const size_t expected = id == 2 ? 0 : 1;
    EXPECT_EQ(this->store().GetExecution(execution)->has_value(), expected == 1);
    EXPECT_EQ(this->store().ListTasks(execution)->size(), expected);
    EXPECT_EQ(this->store().ListTaskExecutions(execution, -1, {})->size(), expected);
    EXPECT_EQ(this->store().ListRuleStates(execution)->size(), expected);
    EXPECT_EQ(this->store().ListCauses(execution, -1, {})->size(), expected);
  }
}

TYPED_TEST(StoreContractTest, ErasingAWorkflowTakesSnapshotsAndExecutions) {
  for (const int64_t id : {1, 2}) {
    this->MustCommit({this->Workflow(id, "default", "w" + std::to_string(id)),
                      SnapshotRow{.id = SnapshotId(id), .workflow_id = WorkflowId(id)},
                      this->Execution(id, ExecutionStatus::kSuccess, id), this->Run(id, id, 0, 1)});
  }
  this->MustCommit({EraseWorkflow{WorkflowId(1)}});
  EXPECT_FALSE(this->store().GetWorkflow(WorkflowId(1))->has_value());
  EXPECT_FALSE(this->store().GetSnapshot(SnapshotId(1))->has_value());
  EXPECT_FALSE(this->store().GetExecution(ExecutionId(1))->has_value());
  EXPECT_FALSE(this->store().GetTaskExecution(TaskExecutionId(1))->has_value());
  EXPECT_TRUE(this->store().GetWorkflow(WorkflowId(2))->has_value());
  EXPECT_TRUE(this->store().GetTaskExecution(TaskExecutionId(2))->has_value());
  // The name is free again, for another id.
  this->MustCommit({this->Workflow(3, "default", "w1")});
  EXPECT_EQ((*this->store().FindWorkflow("default", "w1"))->id, WorkflowId(3));
}

TYPED_TEST(StoreContractTest, PagesGoByKeyAndSkip) {
  std::vector<Change> changes;
  for (int64_t id = 1; id <= 7; ++id) {
    changes.emplace_back(this->Workflow(id, id % 2 == 0 ? "even" : "odd", std::to_string(id)));
    changes.emplace_back(NamespaceRow{"n" + std::to_string(id)});
  }
  this->MustCommit(std::move(changes));
  const auto ids = [](const auto& rows) { return TestFixture::Ids(rows); };
  using testing::ElementsAre;
  EXPECT_THAT(ids(this->store().ListWorkflows("", {.limit = 3})), ElementsAre(1, 2, 3));
  EXPECT_THAT(ids(this->store().ListWorkflows("", {.after = 3, .limit = 3})), ElementsAre(4, 5, 6));
  EXPECT_THAT(ids(this->store().ListWorkflows("odd", {.after = 1})), ElementsAre(3, 5, 7));
  EXPECT_THAT(ids(this->store().ListWorkflows("", {.skip = 5})), ElementsAre(6, 7));
  EXPECT_THAT(ids(this->store().ListWorkflows("", {.limit = 0})), ElementsAre());
  EXPECT_THAT(ids(this->store().ListWorkflows("none", {})), ElementsAre());
  EXPECT_THAT(*this->store().ListNamespaces({.after_name = "n1", .skip = 1, .limit = 2}),
              ElementsAre(NamespaceRow{"n3"}, NamespaceRow{"n4"}));
}

TYPED_TEST(StoreContractTest, PagesGoBackwardsWhereTheListKnowsIt) {
  std::vector<Change> changes;
  for (int64_t id = 1; id <= 7; ++id) {
    changes.emplace_back(
        this->Workflow(id, id % 2 == 0 ? "even" : "odd", "w" + std::to_string(id)));
    changes.emplace_back(this->Execution(id, ExecutionStatus::kRunning, id % 2 + 1));
    changes.emplace_back(this->Run(id, 1, static_cast<TaskIndex>(id % 2), (id + 1) / 2));
  }
  this->MustCommit(std::move(changes));
  const auto ids = [](const auto& rows) { return TestFixture::Ids(rows); };
  using testing::ElementsAre;
  const Page first{.limit = 3, .descending = true};
  const Page next{.after = 5, .limit = 3, .descending = true};
  EXPECT_THAT(ids(this->store().ListWorkflows("", first)), ElementsAre(7, 6, 5));
  EXPECT_THAT(ids(this->store().ListWorkflows("", next)), ElementsAre(4, 3, 2));
  EXPECT_THAT(ids(this->store().ListWorkflows("odd", next)), ElementsAre(3, 1));
  EXPECT_THAT(ids(this->store().ListExecutions(WorkflowId(2), first)), ElementsAre(7, 5, 3));
  EXPECT_THAT(ids(this->store().ListExecutions(WorkflowId(2), next)), ElementsAre(3, 1));
  EXPECT_THAT(ids(this->store().ListExecutions(WorkflowId(), first)), ElementsAre(7, 6, 5));
  EXPECT_THAT(ids(this->store().ListTaskExecutions(ExecutionId(1), -1, first)),
              ElementsAre(7, 6, 5));
  EXPECT_THAT(ids(this->store().ListTaskExecutions(ExecutionId(1), 1, next)), ElementsAre(3, 1));
}

TYPED_TEST(StoreContractTest, FiltersKeepWhatIsAskedFor) {
  std::vector<Change> changes = {this->Workflow(1, "a", "train model"),
                                 this->Workflow(2, "b", "train"), this->Workflow(3, "a", "serve")};
  for (int64_t id = 1; id <= 6; ++id) {
    ExecutionRow row = this->Execution(id, static_cast<ExecutionStatus>(id - 1), id % 3 + 1);
    row.run_type = static_cast<RunType>(id % 2);
    changes.emplace_back(row);
    TaskExecutionRow run = this->Run(id, 1, 0, id);
    run.status = static_cast<TaskStatus>(id);
    changes.emplace_back(run);
  }
  this->MustCommit(std::move(changes));
  const auto ids = [](const auto& rows) { return TestFixture::Ids(rows); };
  const auto only = [](auto... values) {
    return (0U | ... | (1U << static_cast<unsigned>(values)));
  };
  using testing::ElementsAre;
  const auto workflows = [&](const std::string& ns, const std::string& name) {
    return ids(this->store().ListWorkflows(WorkflowFilter{ns, name}, {}));
  };
  EXPECT_THAT(workflows("", "train"), ElementsAre(1, 2));
  EXPECT_THAT(workflows("a", "train"), ElementsAre(1));
  EXPECT_THAT(workflows("", "%"), ElementsAre());  // no pattern
  const auto executions = [&](const ExecutionFilter& filter) {
    return ids(this->store().ListExecutions(filter, {}));
  };
  EXPECT_THAT(executions({}), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(executions({.ns = "a"}), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(executions({.ns = "none"}), ElementsAre());
  EXPECT_THAT(executions({.statuses = only(ExecutionStatus::kInit, ExecutionStatus::kStopping)}),
              ElementsAre(1, 6));
  EXPECT_THAT(executions({.run_types = only(RunType::kEvent)}), ElementsAre(1, 3, 5));
  EXPECT_THAT(executions({.workflow = WorkflowId(3), .statuses = only(ExecutionStatus::kRunning)}),
              ElementsAre(2));
  EXPECT_THAT(
      ids(this->store().ListTaskExecutions(
          TaskExecutionFilter{ExecutionId(1), -1, only(TaskStatus::kRunning, TaskStatus::kStopped)},
          {})),
      ElementsAre(2, 6));
}

TYPED_TEST(StoreContractTest, ListsRunsByIdAndTheLatestFirst) {
  std::vector<Change> changes;
  for (int64_t n = 1; n <= 6; ++n) {
    changes.emplace_back(this->Run(n, 1, static_cast<TaskIndex>(n % 2), (n + 1) / 2));
    changes.emplace_back(this->Run(n + 10, 2, 0, n));
  }
  this->MustCommit(std::move(changes));
  const auto ids = [](const auto& rows) { return TestFixture::Ids(rows); };
  using testing::ElementsAre;
  const ExecutionId one(1);
  EXPECT_THAT(ids(this->store().ListTaskExecutions(one, -1, {})), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ids(this->store().ListTaskExecutions(one, 1, {.after = 1})), ElementsAre(3, 5));
  EXPECT_THAT(ids(this->store().LatestTaskExecutions(one, 0, 2)), ElementsAre(6, 4));
  EXPECT_THAT(ids(this->store().LatestTaskExecutions(one, 7, 2)), ElementsAre());
}

TYPED_TEST(StoreContractTest, APageOfCausesNeverPartsThoseOfOneOffset) {
  std::vector<Change> changes;
  for (const Offset offset : {1, 2, 3}) {
    for (const int32_t ordinal : {0, 1}) {
      changes.emplace_back(CauseRow{
          .execution_id = ExecutionId(1), .offset = offset, .task = ordinal, .ordinal = ordinal});
    }
  }
  this->MustCommit(std::move(changes));
  const auto first = *this->store().ListCauses(ExecutionId(1), -1, {.limit = 3});
  ASSERT_EQ(first.size(), 4U);
  const auto rest =
      *this->store().ListCauses(ExecutionId(1), -1, {.after = first.back().offset, .limit = 3});
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest.front().offset, 3);
  EXPECT_EQ(this->store().ListCauses(ExecutionId(1), 1, {})->size(), 3U);
}

// Rule 33: rebuilding from the store is always possible, and every store tells the same story.
TYPED_TEST(StoreContractTest, Rule33LoadEqualsTheAppliedChangesForRandomBatches) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TypeParam world;
    MemoryStore model;
    ASSERT_TRUE(world.store().TakeLease("a"));
    ASSERT_TRUE(model.TakeLease("a"));
    RandomChanges random(seed);
    constexpr Offset kBatches = 150;
    for (Offset offset = 1; offset <= kBatches; ++offset) {
      const CommitBatch batch{.epoch = 1,
                              .from_offset = offset - 1,
                              .to_offset = offset,
                              .changes = random.Batch(offset)};
      const Status expected = model.Commit(batch);
      ASSERT_TRUE(expected.ok()) << expected;
      const Status status = world.store().Commit(batch);
      ASSERT_TRUE(status.ok()) << status;
      if (offset % 10 == 0) {
        ASSERT_EQ(LoadedRows(*world.store().Load()), LoadedRows(*model.Load())) << offset;
      }
    }
    world.Reopen();
    EXPECT_EQ(LoadedRows(*world.store().Load()), LoadedRows(*model.Load()));
    EXPECT_FALSE(model.Load()->empty());
    const auto all = [&](const Queries& queries) {
      return QueriedRows::Of(queries, random.workflows(), random.executions(), kBatches + 1);
    };
    EXPECT_EQ(all(world.store()), all(model));
    for (int64_t id = 1; id < random.executions(); ++id) {
      EXPECT_EQ(LoadedRows(*world.store().LoadExecution(ExecutionId(id))),
                LoadedRows(*model.LoadExecution(ExecutionId(id))));
    }
    EXPECT_GT(all(model).task_executions.size(), 20U);
  }
}

TEST(MemoryStoreTest, InjectedFaultsRefuseOrLoseTheReply) {
  MemoryStore store;
  ASSERT_TRUE(store.TakeLease("a"));
  CommitFault next = CommitFault::kRefused;
  store.SetFaultHook([&] { return std::exchange(next, CommitFault::kNone); });
  const CommitBatch batch{
      .epoch = 1, .from_offset = 0, .to_offset = 1, .changes = {NamespaceRow{"n"}}};
  EXPECT_EQ(store.Commit(batch).code(), Code::kUnavailable);
  EXPECT_EQ(store.Meta()->committed, 0);
  next = CommitFault::kLostReply;
  EXPECT_EQ(store.Commit(batch).code(), Code::kUnavailable);
  EXPECT_EQ(store.Meta()->committed, 1);
  EXPECT_TRUE(store.GetNamespace("n")->has_value());
  EXPECT_EQ(store.Commit(batch).code(), Code::kAborted);
}

TEST(MemoryStoreTest, ACopyIsIndependent) {
  MemoryStore store;
  ASSERT_TRUE(store.TakeLease("a"));
  MemoryStore crashed = store;
  ASSERT_TRUE(
      crashed.Commit({.epoch = 1, .from_offset = 0, .to_offset = 1, .changes = {NamespaceRow{"n"}}})
          .ok());
  EXPECT_EQ(store.Meta()->committed, 0);
  EXPECT_FALSE(store.GetNamespace("n")->has_value());
}

}  // namespace
}  // namespace aiflow
