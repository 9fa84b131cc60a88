#include <gmock/gmock.h>

#include "model/limits.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using E = ExecutionStatus;
using S = TaskStatus;

/// What is deleted by hand, and what retention removes.
class RemovalTest : public SchedulerTest {
 protected:
  Code Ask(const aiflow::Request& request) {
    last_reply_ = Request(request);
    return static_cast<Code>(last_reply_.code);
  }
  const std::string& Message() const { return last_reply_.message; }
  int64_t Retire(std::vector<int64_t> executions, std::vector<int64_t> runs = {}) {
    EXPECT_EQ(Ask(RetireRows{.executions = std::move(executions), .runs = std::move(runs)}),
              Code::kOk);
    return last_reply_.id;
  }
  /// As RetireRows names a run of the last execution.
  std::vector<int64_t> RunNumbers(const std::string& task, std::vector<int64_t> sequences) {
    std::vector<int64_t> numbers;
    for (const int64_t sequence : sequences) {
      for (const int64_t number :
           {last_, int64_t{Index(task)}, sequence, RunOf(task, sequence).id.value()}) {
        numbers.push_back(number);
      }
    }
    return numbers;
  }
  void UploadTo(const std::string& ns, const std::string& name) {
    WorkflowSpec spec = Workflow({Task("a")}, name);
    spec.ns = ns;
    ASSERT_EQ(Upload(spec).code, 0);
  }
  std::vector<int64_t> Snapshots() const {
    std::vector<int64_t> ids;
    for (const auto& [id, row] : rows_.snapshots) ids.push_back(id);
    return ids;
  }

  ReplyRow last_reply_;
};

// ---- Namespaces --------------------------------------------------------------------------------

TEST_F(RemovalTest, ANamespaceIsDeletedWithItsWorkflowsInOneStep) {
  Ask(AddNamespace{"team"});
  Ask(AddNamespace{"team2"});
  UploadTo("team", "v");
  UploadTo("team", "w");
  UploadTo("team2", "x");
  ASSERT_EQ(Ask(AddSchedule{.ns = "team", .name = "w", .expression = "interval@0 1 0 0"}),
            Code::kOk)
      << Message();
  AddTrigger trigger{.ns = "team", .name = "v"};
  trigger.condition_json = R"({"type":"event","key":"k"})";
  ASSERT_EQ(Ask(trigger), Code::kOk) << Message();
  StartWorkflowExecution start{"team", "w"};
  ASSERT_EQ(Ask(start), Code::kOk);
  last_ = last_reply_.id;
  Succeed("a");
  EXPECT_EQ(Ask(DeleteNamespace{"team"}), Code::kFailedPrecondition) << "without the cascade";
  EXPECT_EQ(Ask(DeleteNamespace{"team", true}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 2);
  EXPECT_EQ(Message(), "namespace team deleted with 2 workflows");
  ASSERT_EQ(rows_.workflows.size(), 1U);
  EXPECT_EQ(rows_.workflows.begin()->second.name, "x");
  EXPECT_THAT(rows_.executions, IsEmpty());
  EXPECT_THAT(rows_.schedules, IsEmpty());
  EXPECT_THAT(rows_.triggers, IsEmpty());
  EXPECT_EQ(Pass(Millis(7'200'000)), 0) << "its schedule fires no more";
  EXPECT_FALSE(rows_.namespaces.contains("team"));
  EXPECT_TRUE(rows_.namespaces.contains("team2"));
}

TEST_F(RemovalTest, ANamespaceWithSomethingAliveIsNotDeletedAtAll) {
  Ask(AddNamespace{"team"});
  UploadTo("team", "v");
  UploadTo("team", "w");
  ASSERT_EQ(Ask(StartWorkflowExecution{"team", "w"}), Code::kOk);
  EXPECT_EQ(Ask(DeleteNamespace{"team", true}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("workflow execution 1 of its workflow w is not finished; stop"));
  EXPECT_EQ(decision_.changes.size(), 1U);
  EXPECT_EQ(rows_.workflows.size(), 2U);
}

TEST_F(RemovalTest, AnEmptyNamespaceNeedsNoCascade) {
  Ask(AddNamespace{"team"});
  EXPECT_EQ(Ask(DeleteNamespace{"team", true}), Code::kOk);
  EXPECT_EQ(Ask(DeleteNamespace{"team", true}), Code::kNotFound);
  EXPECT_EQ(Ask(DeleteNamespace{"default", true}), Code::kFailedPrecondition);
}

// ---- Snapshots ---------------------------------------------------------------------------------

TEST_F(RemovalTest, Rule31ASnapshotOfAnExecutionThatCouldBeReopenedStays) {
  Run({Task("a")});
  Succeed("a");
  Upload(Workflow({Task("b")}));
  EXPECT_EQ(Ask(DeleteSnapshot{1}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("in use by workflow execution 1, which has ended but can be"));
  EXPECT_EQ(Ask(DeleteWorkflowExecution{1}), Code::kOk);
  EXPECT_EQ(Ask(DeleteSnapshot{1}), Code::kOk);
  EXPECT_THAT(Snapshots(), ElementsAre(2));
}

TEST_F(RemovalTest, UnusedSnapshotsAreDeletedAndTheOthersSayWhyTheyStay) {
  Run({Task("a")});  // 1, in use
  Upload(Workflow({Task("b")}));
  Upload(Workflow({Task("c")}));
  StartExecution();  // 3, used by one that ends
  Succeed("c");
  Upload(Workflow({Task("d")}));
  Upload(Workflow({Task("e")}));
  EXPECT_EQ(Ask(DeleteSnapshots{"default", "w"}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 2);
  EXPECT_THAT(Snapshots(), ElementsAre(1, 3, 5));
  EXPECT_EQ(Message(),
            "snapshot 1 is in use by workflow execution 1, and 1 more are in use; snapshot 5 is "
            "the latest, which new executions use");
  EXPECT_EQ(Ask(DeleteSnapshots{"default", "w"}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 0);
  EXPECT_EQ(Ask(DeleteSnapshots{"default", "x"}), Code::kNotFound);
  EXPECT_EQ(Message(), "Workflow default.x not exists");
}

TEST_F(RemovalTest, AWorkflowWithoutSnapshotsHasNoneToDelete) {
  UploadWorkflow add{"default", "w"};
  EXPECT_EQ(Ask(add), Code::kOk);
  EXPECT_EQ(Ask(DeleteSnapshots{"default", "w"}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 0);
  EXPECT_EQ(Message(), "");
}

// ---- Retention ---------------------------------------------------------------------------------

TEST_F(RemovalTest, Rule5OnlyFinishedExecutionsAreRetired) {
  Run({Task("a")});
  Succeed("a");
  StartExecution();
  EXPECT_EQ(Retire({1, 1, 2, 3, 0, -1}), 1);
  EXPECT_FALSE(rows_.executions.contains(1));
  EXPECT_TRUE(rows_.executions.contains(2));
  EXPECT_THAT(rows_.runs, ::testing::SizeIs(1));
  EXPECT_EQ(Retire({1}), 1) << "erasing what is gone changes nothing";
}

TEST_F(RemovalTest, Rule5AReopenedExecutionIsNotRetired) {
  Run({Task("a")});
  Report("a", S::kFailed);
  Ask(RerunTasks{1, {}});
  EXPECT_EQ(Retire({1}), 0);
  EXPECT_EQ(Status(1), E::kRunning);
}

TEST_F(RemovalTest, AnExecutionWhoseHookIsStillToBeToldStays) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.hooks.push_back({.command = "mail"});
  Upload(spec);
  StartExecution();
  Report("a", S::kFailed);
  EXPECT_EQ(Retire({1}), 0);
  int64_t hook = 0;
  for (const auto& [id, row] : rows_.outbox) {
    if (row.kind == OutboxKind::kHook) hook = id;
  }
  Ask(HookResult{.outbox_id = hook});
  EXPECT_EQ(Retire({1}), 1);
}

TEST_F(RemovalTest, Rule5OldRunsOfEndlessExecutionsAreRetired) {
  Run({Task("a", {Start(OnEvent("k"))}), Task("stream")});
  for (int i = 0; i < 4; ++i) {
    Send("k");
    Succeed("a");
  }
  Send("k");
  std::vector<int64_t> runs = RunNumbers("a", {1, 2, 2, 4, 5});
  EXPECT_EQ(Retire({}, runs), 3);
  EXPECT_EQ(Runs("a"), 2) << "3 was not named, 5 is alive";
  EXPECT_THAT(Causes("a", CauseKind::kStarted), ::testing::SizeIs(2)) << "its causes go with it";
  EXPECT_EQ(Retire({}, runs), 3) << "erasing what is gone changes nothing";
  Succeed("a");
  EXPECT_EQ(TaskState("a").last_sequence, 5) << "numbers are never used again";
}

TEST_F(RemovalTest, Rule5WhatIsStillNamedStays) {
  Run({Task("a", {Restart(OnEvent("k"))}), Task("b", {Start(After({"a"}))}), Task("stream")});
  Succeed("a");
  Succeed("b");
  Send("k");
  Report("a", S::kFailed);
  Send("k");
  Report("a", S::kRunning);
  Send("k");
  // b's join fired with a's run 1; 2 failed; 3 is current; 4 waits.
  EXPECT_EQ(Retire({}, RunNumbers("a", {1, 2, 3, 4})), 1);
  EXPECT_FALSE(rows_.runs.contains({1, 0, 2}));
  EXPECT_TRUE(rows_.runs.contains({1, 0, 1}));
  EXPECT_EQ(Retire({}, RunNumbers("b", {1})), 0) << "the latest";
  EXPECT_EQ(Retire({}, RunNumbers("stream", {1})), 0) << "the current one";
}

TEST_F(RemovalTest, RunsOfFinishedExecutionsGoWithThem) {
  Run({Task("a", {Restart(OnEvent("again"))}), Task("b")});
  Succeed("a");
  Send("again");
  Succeed("a");
  Succeed("b");
  ASSERT_EQ(Status(), E::kSuccess);
  EXPECT_EQ(Retire({}, RunNumbers("a", {1})), 0);
}

TEST_F(RemovalTest, ARequestThatIsTooLargeOrBrokenChangesNothing) {
  Run({Task("a")});
  Succeed("a");
  EXPECT_EQ(
      Ask(RetireRows{.executions = std::vector<int64_t>(limits::kMaxRetiredPerRequest + 1, 1)}),
      Code::kInvalidArgument);
  EXPECT_THAT(Message(), HasSubstr("501 rows are over the limit of 500"));
  EXPECT_EQ(Ask(RetireRows{.runs = {1, 0, 1}}), Code::kInvalidArgument);
  EXPECT_TRUE(rows_.executions.contains(1));
  EXPECT_EQ(Retire({}, {1, 77, 1, 1}), 0);
  EXPECT_EQ(Retire({}, {99, 0, 1, 1}), 0);
}

TEST_F(RemovalTest, RepliesGoWithTheEventsThatAskedForThem) {
  Run({Task("a")});
  const Offset before = offset_;
  ASSERT_TRUE(rows_.replies.contains(before));
  EXPECT_EQ(Ask(RetireRows{.replies_below = before}), Code::kOk);
  EXPECT_EQ(rows_.replies.begin()->first, before);
  EXPECT_EQ(Ask(RetireRows{.replies_below = before + 100}), Code::kOk);
  EXPECT_EQ(rows_.replies.begin()->first, offset_) << "never the reply to itself";
}

}  // namespace
}  // namespace aiflow::test
