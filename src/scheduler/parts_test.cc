// Decisions about very many executions, in parts.
#include "scheduler/parts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "scheduler/scenario.h"
#include "scheduler/state_rep.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using E = ExecutionStatus;
using S = TaskStatus;

/// Three executions per part; after each part another server goes on with what is stored.
class PartsTest : public SchedulerTest {
 protected:
  PartsTest() {
    max_executions_ = 3;
    reload_between_parts_ = true;
    after_part_ = [this] { cursors_.push_back(state_.rep().cursor); };
  }

  Offset Decided(const std::string& key) {
    cursors_.clear();
    return Send(key);
  }
  void StartSome(int executions, const std::string& workflow = "w") {
    for (int i = 0; i < executions; ++i) StartExecution(workflow);
  }
  void AddTrigger(const std::string& key, const std::string& workflow = "w") {
    aiflow::AddTrigger add;
    add.ns = "default";
    add.name = workflow;
    add.condition_json = FormatCondition(OnEvent(key));
    EXPECT_EQ(Request(add).code, 0);
  }
  [[nodiscard]] std::vector<int64_t> Reached() const {
    std::vector<int64_t> ids;
    for (const CursorRow& cursor : cursors_) ids.push_back(cursor.execution.value());
    return ids;
  }
  [[nodiscard]] std::vector<int64_t> RunsOfAll(const std::string& task) const {
    std::vector<int64_t> runs;
    for (const auto& [id, row] : rows_.executions) runs.push_back(Runs(task, id));
    return runs;
  }

  [[nodiscard]] int64_t Starts() const {
    return std::ranges::count_if(rows_.outbox, [](const auto& entry) {
      return entry.second.kind == OutboxKind::kStartAttempt;
    });
  }

  std::vector<CursorRow> cursors_;  // after each part of the last decision
};

TEST_F(PartsTest, Rule23ABroadcastReachesEveryExecutionOnceInTheOrderOfIds) {
  Upload(Workflow({Task("a", {Start(OnEvent("go"))})}, "w"));
  Upload(Workflow({Task("a", {Start(OnEvent("go"))})}, "v"));
  for (int i = 0; i < 4; ++i) {
    StartExecution("w");
    StartExecution("v");
  }
  const Offset go = Decided("go");
  EXPECT_EQ(parts_, 3);
  EXPECT_THAT(Reached(), ElementsAre(3, 6, 0));
  EXPECT_EQ(cursors_[0].offset, go);
  EXPECT_EQ(cursors_[1].part, 2);
  EXPECT_EQ(cursors_[2], CursorRow{});
  EXPECT_THAT(RunsOfAll("a"), ElementsAre(1, 1, 1, 1, 1, 1, 1, 1));
  EXPECT_EQ(Starts(), 8);
  for (const auto& [id, row] : rows_.executions) EXPECT_EQ(row.event_offset, go);
}

TEST_F(PartsTest, Rule23AsManyAsFitAreDecidedAtOnce) {
  Upload(Workflow({Task("a", {Start(OnEvent("go"))})}));
  StartSome(3);
  Decided("go");
  EXPECT_EQ(parts_, 1);
  EXPECT_THAT(RunsOfAll("a"), ElementsAre(1, 1, 1));
}

TEST_F(PartsTest, Rule23AnnouncementsReachEveryExecutionOnce) {
  Upload(Workflow({Task("x", {Start(OnEvent("x"))})}, "up"));
  Upload(Workflow({Task("a", {Start(OnStatus("x", S::kSuccess, "up"))})}));
  StartExecution("up");
  StartSome(7);
  Send("x");
  Report("x", S::kRunning, 1, 1);
  Report("x", S::kSuccess, 1, 1);
  DeliverAnnouncements();
  EXPECT_EQ(parts_, 3);
  for (int64_t id = 2; id <= 8; ++id) EXPECT_EQ(Runs("a", id), 1);
}

TEST_F(PartsTest, Rule23ExecutionsThatTheEventStartsDoNotSeeIt) {
  WorkflowSpec spec = Workflow({Task("a", {Start(OnEvent("go"))})});
  spec.max_active_executions = 5;
  Upload(spec);
  StartSome(7);
  for (int i = 0; i < 4; ++i) {
    Upload(Workflow({Task("a", {Start(OnEvent("go"))})}, "t" + std::to_string(i)));
    AddTrigger("go", "t" + std::to_string(i));
  }
  Decided("go");
  EXPECT_EQ(cursors_[0].workflow, WorkflowId(4)) << "three triggers, and no execution yet";
  EXPECT_THAT(RunsOfAll("a"), ElementsAre(1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(Execution(11).created_offset, offset_);
  EXPECT_EQ(Status(6), E::kInit);
  Decided("go");
  EXPECT_THAT(RunsOfAll("a"), ElementsAre(1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0));
}

TEST_F(PartsTest, Rule23TriggersOfOneWorkflowAreNotCut) {
  for (const char* name : {"u", "v", "w"}) {
    Upload(Workflow({Task("a")}, name));
    AddTrigger("go", name);
    AddTrigger("go", name);
  }
  Decided("go");
  EXPECT_EQ(parts_, 2);
  EXPECT_EQ(rows_.executions.size(), 3U) << "one per workflow and event";
  EXPECT_EQ(cursors_[0].workflow, WorkflowId(2));
}

// Those that wait never begin, although others end before they are reached.
TEST_F(PartsTest, Rule23StoppingAllExecutionsPromotesNoneAndIsAnsweredOnceWithTheirNumber) {
  WorkflowSpec spec = Workflow({Task("a"), Task("b", {Start(OnEvent("go"))})});
  spec.max_active_executions = 4;
  Upload(spec);
  StartSome(8);
  for (int64_t id = 1; id <= 4; ++id) {
    Report("a", S::kRunning, 0, id);
    Report("a", S::kSuccess, 0, id);
  }
  cursors_.clear();
  const ReplyRow reply = Request(StopWorkflowExecutions{.ns = "default", .name = "w"});
  EXPECT_THAT(Reached(), ElementsAre(3, 6, 0));
  EXPECT_EQ(reply.id, 8);
  EXPECT_THAT(reply.message, HasSubstr("8 executions"));
  for (int64_t id = 1; id <= 8; ++id) EXPECT_EQ(Status(id), E::kStopped);
  EXPECT_THAT(RunsOfAll("a"), ElementsAre(1, 1, 1, 1, 0, 0, 0, 0));
}

// With the first ones gone there would be a slot for the next, which is stopped just after.
TEST_F(PartsTest, Rule23StoppingAllExecutionsGivesNoneASlot) {
  Request(SetPool{.name = "p", .slots = 1});
  TaskSpec task = Task("a");
  task.pool = "p";
  task.pool_slots = 2;
  Upload(Workflow({task}));
  StartSome(3);
  task.pool_slots = 1;
  Upload(Workflow({task}));
  StartSome(2);
  Request(StopWorkflowExecutions{.ns = "default", .name = "w"});
  EXPECT_EQ(parts_, 2);
  EXPECT_EQ(Starts(), 0);
}

TEST_F(PartsTest, Rule23SlotsThatBecomeFreeAreGivenInParts) {
  Upload(Workflow({Task("a")}));
  Request(SetPool{.name = kExecutorPool, .slots = 0});
  StartSome(7);
  cursors_.clear();
  const ReplyRow reply = Request(SetPool{.name = kExecutorPool, .slots = 100});
  EXPECT_EQ(reply.code, 0);
  EXPECT_EQ(parts_, 3);
  EXPECT_TRUE(cursors_[0].handled);
  EXPECT_EQ(Starts(), 7);
}

TEST_F(PartsTest, Rule23AnUploadThatLiftsALimitPromotesInParts) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.max_active_executions = 1;
  Upload(spec);
  StartSome(8);
  spec.max_active_executions = 0;
  EXPECT_EQ(Upload(spec).code, 0);
  EXPECT_EQ(parts_, 3);
  EXPECT_THAT(RunsOfAll("a"), ElementsAre(1, 1, 1, 1, 1, 1, 1, 1));
  EXPECT_EQ(rows_.snapshots.size(), 2U);
}

TEST_F(PartsTest, Rule23AWorkflowIsDeletedWithItsFinishedExecutionsInParts) {
  Upload(Workflow({Task("a")}));
  StartSome(7);
  EXPECT_NE(Request(DeleteWorkflow{"default", "w"}).code, 0) << "they are not finished";
  for (int64_t id = 1; id <= 7; ++id) {
    Report("a", S::kRunning, 0, id);
    Report("a", S::kSuccess, 0, id);
  }
  EXPECT_EQ(Request(DeleteWorkflow{"default", "w"}).code, 0);
  EXPECT_EQ(parts_, 3);
  EXPECT_TRUE(rows_.executions.empty());
  EXPECT_TRUE(rows_.workflows.empty());
}

TEST_F(PartsTest, Rule23ANamespaceIsDeletedOneWorkflowAfterTheOther) {
  Request(AddNamespace{.name = "team"});
  for (const char* name : {"u", "v"}) {
    WorkflowSpec spec = Workflow({Task("a")}, name);
    spec.ns = "team";
    Upload(spec);
    for (int i = 0; i < 3; ++i) {
      const int64_t id = Request(StartWorkflowExecution{.ns = "team", .name = name}).id;
      Report("a", S::kRunning, 0, id);
      Report("a", S::kSuccess, 0, id);
    }
  }
  const ReplyRow reply = Request(DeleteNamespace{"team", true});
  EXPECT_EQ(reply.id, 2) << reply.message;
  EXPECT_EQ(parts_, 4);
  EXPECT_TRUE(rows_.executions.empty());
  EXPECT_FALSE(rows_.namespaces.contains("team"));
}

TEST_F(PartsTest, Rule23APartEndsWithItsExecutionsOrRows) {
  const Event event;
  const std::vector<Change> none;
  const Draft draft(state_.rep(), event, none, 3);
  PartBudget few(draft);
  few.Spend(limits::kMaxRowsPerCommit - 1);
  EXPECT_FALSE(few.full());
  few.SpendRows(1);
  EXPECT_TRUE(few.full() && few.full_of_rows());
  PartBudget many(draft);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(many.full());
    many.Spend(1);
  }
  EXPECT_TRUE(many.full() && !many.full_of_rows());
}

/// However a decision is cut, the same tasks run.
TEST_F(PartsTest, Rule23WhatIsDecidedDoesNotDependOnWhereItIsCut) {
  std::vector<std::vector<std::string>> outcomes;
  for (const size_t limit : {size_t{1}, size_t{2}, size_t{3}, size_t{1'000}}) {
    state_ = State();
    rows_ = Rows();
    state_.Apply(rows_.Load());
    offset_ = 0;
    max_executions_ = limit;
    WorkflowSpec spec = Workflow({Task("each", {Start(OnEvent("go"))}, OnAlive::kQueue),
                                  Task("both", {Start(AllOf({OnEvent("go"), OnEvent("on")}))}),
                                  Task("stops", {Start(OnEvent("on")), Stop(OnEvent("go"))})});
    spec.max_active_executions = 9;
    Upload(spec);
    Request(SetPool{.name = kExecutorPool, .slots = 12});
    AddTrigger("go");
    StartSome(7);
    for (const char* key : {"go", "on", "go", "go", "on"}) Send(key);
    Request(SetPool{.name = kExecutorPool, .slots = 20});
    std::vector<std::string>& outcome = outcomes.emplace_back();
    for (const auto& [id, row] : rows_.executions) {
      std::string text = std::to_string(id) + " " + std::string(ExecutionStatusName(row.status));
      for (const char* task : {"each", "both", "stops"}) {
        const auto latest = Latest(task, id);
        text += " " + std::to_string(Runs(task, id)) + " " +
                std::to_string(TaskState(task, id).pending_starts.size()) + " " +
                (latest.has_value() ? std::string(TaskStatusName(*latest)) : "");
      }
      outcome.push_back(text);
    }
  }
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome, outcomes.back());
  EXPECT_EQ(outcomes.back().size(), 10U);
}

}  // namespace
}  // namespace aiflow::test
