#include <gmock/gmock.h>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using E = ExecutionStatus;
using S = TaskStatus;

class RequestsTest : public SchedulerTest {
 protected:
  Code Ask(const aiflow::Request& request) {
    last_reply_ = Request(request);
    return static_cast<Code>(last_reply_.code);
  }
  const std::string& Message() const { return last_reply_.message; }
  ReplyRow last_reply_;
};

TEST_F(RequestsTest, NamespacesAreAddedUpdatedAndDeleted) {
  EXPECT_EQ(Ask(AddNamespace{"team", "{}"}), Code::kOk);
  EXPECT_EQ(Ask(AddNamespace{"team", "{}"}), Code::kAlreadyExists);
  EXPECT_THAT(Message(), HasSubstr("Namespace: team already exists"));
  EXPECT_EQ(Ask(UpdateNamespace{"team", "{\"a\":\"b\"}"}), Code::kOk);
  EXPECT_EQ(rows_.namespaces.at("team").properties_json, "{\"a\":\"b\"}");
  EXPECT_EQ(Ask(DeleteNamespace{"team"}), Code::kOk);
  EXPECT_EQ(Ask(DeleteNamespace{"team"}), Code::kNotFound);
  EXPECT_EQ(Message(), "Namespace team not exists.");
  EXPECT_EQ(Ask(UpdateNamespace{"team", "{}"}), Code::kNotFound);
}

TEST_F(RequestsTest, TheDefaultNamespaceStaysAndItsConstantIsReserved) {
  EXPECT_EQ(Ask(DeleteNamespace{"default"}), Code::kFailedPrecondition);
  EXPECT_EQ(Ask(AddNamespace{"default", "{}"}), Code::kAlreadyExists);
  for (const char* name : {"DEFAULT", "Default", "dEFAULT"}) {
    EXPECT_EQ(Ask(AddNamespace{name, "{}"}), Code::kInvalidArgument);
  }
  EXPECT_EQ(Ask(AddNamespace{"a/b", "{}"}), Code::kInvalidArgument);
}

TEST_F(RequestsTest, ANamespaceWithWorkflowsIsNotDeleted) {
  Ask(AddNamespace{"team", "{}"});
  WorkflowSpec spec = Workflow({Task("a")});
  spec.ns = "team";
  EXPECT_EQ(Upload(spec).code, 0);
  EXPECT_EQ(Ask(DeleteNamespace{"team"}), Code::kFailedPrecondition);
  EXPECT_EQ(Message(), "Namespace: team is not empty, please remove all its workflows first.");
  EXPECT_EQ(Ask(DeleteWorkflow{"team", "w"}), Code::kOk);
  EXPECT_EQ(Ask(DeleteNamespace{"team"}), Code::kOk);
}

TEST_F(RequestsTest, AnUploadMakesAWorkflowAndEachUploadASnapshot) {
  const ReplyRow first = Upload(Workflow({Task("a")}));
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(first.detail, "{\"snapshot_id\":1}");
  const ReplyRow second = Upload(Workflow({Task("a"), Task("b")}));
  EXPECT_EQ(second.id, 1);
  EXPECT_EQ(second.detail, "{\"snapshot_id\":2}");
  EXPECT_EQ(rows_.workflows.at(1).latest_snapshot, SnapshotId(2));
  EXPECT_LT(rows_.workflows.at(1).created, rows_.workflows.at(1).updated);
}

TEST_F(RequestsTest, AnUploadThatIsNotWholeOrValidChangesNothing) {
  UploadWorkflow upload{"default", "w", "digest"};
  EXPECT_EQ(Ask(upload), Code::kInvalidArgument) << "the blob is missing";
  WorkflowSpec spec = Workflow({});
  EXPECT_EQ(Upload(spec).code, static_cast<int>(Code::kInvalidArgument));
  const auto other = std::make_shared<const WorkflowSpec>(Workflow({Task("a")}, "other"));
  EXPECT_EQ(Request(upload, other).code, static_cast<int>(Code::kInvalidArgument));
  upload.ns = "nowhere";
  EXPECT_EQ(Ask(upload), Code::kNotFound);
  EXPECT_THAT(Message(), HasSubstr("Namespace nowhere not exists"));
  EXPECT_TRUE(rows_.workflows.empty());
  EXPECT_EQ(rows_.counters, CountersRow{});
}

TEST_F(RequestsTest, ASnapshotShowsWhereItsUploaderStoredTheBundleToo) {
  UploadWorkflow upload{"default", "w", "digest"};
  upload.uri = "s3-name.zip";
  const auto spec = std::make_shared<const WorkflowSpec>(Workflow({Task("a")}));
  EXPECT_EQ(Request(upload, spec).code, static_cast<int>(Code::kOk));
  EXPECT_EQ(rows_.snapshots.at(1).uri, "s3-name.zip");
}

TEST_F(RequestsTest, OldClientsAddThenUpdateThenAddASnapshot) {
  UploadWorkflow add{"default", "w"};
  add.must_be_new = true;
  EXPECT_EQ(Ask(add), Code::kOk);
  EXPECT_EQ(Ask(add), Code::kAlreadyExists);
  StartWorkflowExecution start{"default", "w"};
  EXPECT_EQ(Ask(start), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("Start workflow execution failed."));
  EXPECT_EQ(Ask(AddSnapshot{1, "/blob/w.zip", "md5"}), Code::kOk);
  EXPECT_EQ(Ask(start), Code::kFailedPrecondition) << "not compiled";
  EXPECT_THAT(Message(), HasSubstr("no compiled specification"));
  AddSnapshot compiled{1};
  compiled.spec_digest = "digest";
  const ReplyRow reply =
      Request(compiled, std::make_shared<const WorkflowSpec>(Workflow({Task("a")})));
  EXPECT_EQ(reply.id, 2);
  EXPECT_EQ(Ask(start), Code::kOk);
  UploadWorkflow update{"default", "nothing"};
  update.must_exist = true;
  EXPECT_EQ(Ask(update), Code::kNotFound);
  EXPECT_EQ(Message(), "Workflow default.nothing not exists");
  EXPECT_EQ(Ask(AddSnapshot{7}), Code::kNotFound);
}

TEST_F(RequestsTest, OnlyEnableAndDisableChangeTheFlag) {
  Upload(Workflow({Task("a")}));
  EXPECT_EQ(Ask(SetWorkflowEnabled{"default", "w", false}), Code::kOk);
  Upload(Workflow({Task("b")}));
  EXPECT_FALSE(rows_.workflows.at(1).enabled);
  EXPECT_EQ(Ask(StartWorkflowExecution{"default", "w"}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("disabled"));
  EXPECT_EQ(Ask(SetWorkflowEnabled{"default", "w", true}), Code::kOk);
  EXPECT_EQ(Ask(SetWorkflowEnabled{"default", "w", true}), Code::kOk) << "twice is fine";
  EXPECT_EQ(Ask(StartWorkflowExecution{"default", "w"}), Code::kOk);
  EXPECT_EQ(Ask(SetWorkflowEnabled{"default", "x", true}), Code::kNotFound);
}

TEST_F(RequestsTest, AStartByIdsUsesThatSnapshot) {
  Upload(Workflow({Task("a")}));
  Upload(Workflow({Task("b")}));
  EXPECT_EQ(Ask(StartWorkflowExecution{"", "", 1, 1}), Code::kOk);
  EXPECT_EQ(rows_.executions.at(last_reply_.id).snapshot_id, SnapshotId(1));
  EXPECT_EQ(Ask(StartWorkflowExecution{"", "", 1, 9}), Code::kNotFound);
  EXPECT_EQ(Ask(StartWorkflowExecution{"", "", 4, 1}), Code::kNotFound);
  EXPECT_EQ(Ask(StartWorkflowExecution{"default", "x"}), Code::kNotFound);
  EXPECT_EQ(Message(), "Workflow default.x not exists");
}

TEST_F(RequestsTest, AWorkflowWithUnfinishedExecutionsIsNotDeleted) {
  Run({Task("a")});
  EXPECT_EQ(Ask(DeleteWorkflow{"default", "w"}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("workflow execution 1"));
  Succeed("a");
  EXPECT_EQ(Ask(DeleteWorkflow{"default", "w"}), Code::kOk);
  EXPECT_TRUE(rows_.executions.empty());
  EXPECT_EQ(Ask(DeleteWorkflow{"default", "w"}), Code::kNotFound);
  EXPECT_EQ(Upload(Workflow({Task("a")})).id, 2) << "ids are never reused";
}

TEST_F(RequestsTest, Rule31ASnapshotInUseIsNotDeleted) {
  Run({Task("a")});
  Upload(Workflow({Task("b")}));
  EXPECT_EQ(Ask(DeleteSnapshot{1}), Code::kFailedPrecondition);
  EXPECT_EQ(Ask(DeleteSnapshot{2}), Code::kOk);
  EXPECT_EQ(rows_.workflows.at(1).latest_snapshot, SnapshotId(1));
  EXPECT_EQ(Ask(DeleteSnapshot{2}), Code::kNotFound);
  EXPECT_EQ(Message(), "Workflow snapshot 2 not exists");
}

TEST_F(RequestsTest, StoppingAFinishedExecutionIsANoOpAndAnUnknownOneAnError) {
  Run({Task("a")});
  Succeed("a");
  EXPECT_EQ(Ask(StopWorkflowExecution{1}), Code::kOk);
  EXPECT_EQ(Status(1), E::kSuccess);
  EXPECT_EQ(Ask(StopWorkflowExecution{2}), Code::kNotFound);
  EXPECT_EQ(Message(), "Workflow execution 2 not exists");
  EXPECT_EQ(Ask(StopWorkflowExecution{0}), Code::kNotFound);
}

TEST_F(RequestsTest, StopAllCountsThoseThatStopNow) {
  Run({Task("a")});
  StartExecution();
  StartExecution();
  Request(StopWorkflowExecution{2});
  EXPECT_EQ(Ask(StopWorkflowExecutions{"default", "w"}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 2);
  for (const int64_t id : {1, 2, 3}) EXPECT_EQ(Status(id), E::kStopping);
  EXPECT_EQ(Ask(StopWorkflowExecutions{"default", "x"}), Code::kNotFound);
}

TEST_F(RequestsTest, OnlyFinishedExecutionsAreDeleted) {
  Run({Task("a")});
  EXPECT_EQ(Ask(DeleteWorkflowExecution{1}), Code::kFailedPrecondition);
  EXPECT_EQ(Message(), "Workflow execution 1 is not finished, cannot be removed.");
  Succeed("a");
  EXPECT_EQ(Ask(DeleteWorkflowExecution{1}), Code::kOk);
  EXPECT_TRUE(rows_.executions.empty());
  EXPECT_EQ(Ask(DeleteWorkflowExecution{5}), Code::kNotFound);
}

TEST_F(RequestsTest, ATaskIsStartedByHand) {
  Run({Task("a"), Task("b", {Start(OnEvent("k"))})});
  EXPECT_EQ(Ask(StartTaskExecution{1, "b"}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 2);
  EXPECT_EQ(last_reply_.detail, "{\"sequence\":1}");
  EXPECT_EQ(Ask(StartTaskExecution{1, "b"}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("Start task execution failed."));
  EXPECT_EQ(Ask(StartTaskExecution{1, "x"}), Code::kNotFound);
  EXPECT_EQ(Ask(StartTaskExecution{9, "a"}), Code::kNotFound);
}

TEST_F(RequestsTest, AKeptStartIsAnsweredWithoutARun) {
  Run({Task("q", {}, OnAlive::kQueue)});
  EXPECT_EQ(Ask(StartTaskExecution{1, "q"}), Code::kOk);
  EXPECT_EQ(last_reply_.id, 0);
  EXPECT_EQ(last_reply_.detail, "{\"sequence\":0,\"queued\":1}");
}

TEST_F(RequestsTest, NothingIsStartedInStoppingExecutions) {
  Run({Task("a")});
  Request(StopWorkflowExecution{1});
  EXPECT_EQ(Ask(StartTaskExecution{1, "a"}), Code::kFailedPrecondition);
  EXPECT_THAT(Message(), HasSubstr("stopping"));
}

TEST_F(RequestsTest, ARestartByHandMakesASuccessor) {
  Run({Task("a")});
  EXPECT_EQ(Ask(RestartTaskExecution{1, "a"}), Code::kOk);
  EXPECT_EQ(last_reply_.detail, "{\"sequence\":2}");
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
}

TEST_F(RequestsTest, AStopOfATaskSaysWhenThereIsNothingToStop) {
  Run({Task("a"), Task("b", {Start(OnEvent("k"))})});
  EXPECT_EQ(Ask(StopTaskExecution{1, "b", 0}), Code::kOk);
  EXPECT_EQ(Message(), "nothing to stop");
  EXPECT_EQ(Ask(StopTaskExecution{1, "x", 0}), Code::kNotFound);
  EXPECT_THAT(Message(), HasSubstr("Task execution 1.x not exists"));
  EXPECT_EQ(Ask(StopTaskExecution{1, "a", 0}), Code::kOk);
  EXPECT_EQ(RunOf("a", 1).status, S::kStopping);
  EXPECT_EQ(RunOf("a", 1).stop_cause, StopCause::kRequest);
}

TEST_F(RequestsTest, AStopByTaskExecutionIdStopsThatRunOnly) {
  Run({Task("a"), Task("stream")});
  Request(RestartTaskExecution{1, "a"});
  const int64_t successor = RunOf("a", 2).id.value();
  EXPECT_EQ(Ask(StopTaskExecution{1, "", successor}), Code::kOk);
  EXPECT_EQ(RunOf("a", 2).status, S::kStopped);
  Report("a", S::kStopped);
  EXPECT_EQ(Ask(StopTaskExecution{1, "", RunOf("a", 1).id.value()}), Code::kOk);
  EXPECT_EQ(Message(), "nothing to stop");
  EXPECT_EQ(Ask(StopTaskExecution{1, "", RunOf("stream", 1).id.value()}), Code::kOk);
  EXPECT_EQ(RunOf("stream", 1).status, S::kStopping);
}

TEST_F(RequestsTest, Rule06TheWireBringsStartsAndStopsOnly) {
  Run({Task("a")});
  const auto wire = [this](const aiflow::Request& request) {
    return static_cast<Code>(Request(request, nullptr, EventKind::kScheduling).code);
  };
  EXPECT_EQ(wire(StartWorkflowExecution{"default", "w"}), Code::kOk);
  EXPECT_EQ(wire(DeleteWorkflow{"default", "w"}), Code::kPermissionDenied);
  EXPECT_EQ(wire(SetWorkflowEnabled{"default", "w", false}), Code::kPermissionDenied);
  EXPECT_EQ(wire(StopWorkflowExecution{1}), Code::kOk);
}

TEST_F(RequestsTest, AMalformedRequestIsAnsweredAndChangesNothingElse) {
  Event event;
  event.kind = EventKind::kInternal;
  event.key = kSchedulingEventKey;
  event.value = "STOP_WORKFLOW_EXECUTION";
  event.context = "{\"workflow_execution_id\": \"x\"}";
  Deliver(event);
  ASSERT_EQ(decision_.changes.size(), 1U);
  EXPECT_EQ(std::get<ReplyRow>(decision_.changes[0]).code,
            static_cast<int>(Code::kInvalidArgument));
}

}  // namespace
}  // namespace aiflow::test
