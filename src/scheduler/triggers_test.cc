#include <gmock/gmock.h>

#include "model/limits.h"
#include "model/status_changed.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using E = ExecutionStatus;
using S = TaskStatus;

class TriggersTest : public SchedulerTest {
 protected:
  void SetUp() override { Upload(Workflow({Task("a")})); }

  AddTrigger Trigger(const ConditionSpec& condition, const std::string& workflow = "w") {
    AddTrigger add;
    add.ns = "default";
    add.name = workflow;
    add.condition_json = FormatCondition(condition);
    return add;
  }
  int64_t Add(const ConditionSpec& condition, const std::string& workflow = "w") {
    const ReplyRow reply = Request(Trigger(condition, workflow));
    EXPECT_EQ(reply.code, 0) << reply.message;
    return reply.id;
  }
  std::string Refusal(const aiflow::Request& request, Code code) {
    const ReplyRow reply = Request(request);
    EXPECT_EQ(static_cast<Code>(reply.code), code) << reply.message;
    EXPECT_EQ(decision_.changes.size(), 1U) << "a refusal changes nothing";
    return reply.message;
  }
  Event Make(const std::string& key, const std::string& value = "",
             const std::string& context = "") {
    Event event;
    event.key = key;
    event.value = value;
    event.context = context;
    event.ns = "default";
    return event;
  }
  /// The same event once more, at its old offset.
  void Redeliver(Event event, Offset offset) {
    event.offset = offset;
    event.create_time = now_;
    EXPECT_TRUE(Decide(state_, {event, nullptr, {}}).changes.empty()) << "offset " << offset;
  }
  /// The status of a task of workflow `other`, as it is announced.
  Event Changed(S status, const std::string& workflow = "other") {
    return StatusChangedEvent("default", workflow, "x", {ExecutionId(99), 0, 1, 1}, status);
  }
  size_t Executions() { return rows_.executions.size(); }
  const TriggerRow& Row(int64_t id = 1) { return rows_.triggers.at(id); }
};

TEST_F(TriggersTest, AnEventStartsAnExecutionThatKnowsItsTrigger) {
  EXPECT_EQ(Add(OnEvent("k")), 1);
  const Offset at = Send("k");
  ASSERT_EQ(Executions(), 1U);
  EXPECT_EQ(Execution(1).run_type, RunType::kEvent);
  EXPECT_EQ(Execution(1).source, 1);
  EXPECT_EQ(Execution(1).created_offset, at);
  EXPECT_EQ(Execution(1).status, E::kRunning);
  EXPECT_EQ(RunOf("a", 1, 1).cause_offset, at);
  EXPECT_EQ(Causes("a", CauseKind::kStarted, 1).front().text,
            "start of workflow execution 1: trigger 1: event 'k' at offset 3");
  EXPECT_EQ(rows_.workflows.at(1).event_offset, at);
  Send("k");
  EXPECT_EQ(Executions(), 2U);
  Send("other");
  EXPECT_EQ(Executions(), 2U);
}

TEST_F(TriggersTest, Rule31AFiringUsesTheLatestSnapshot) {
  Add(OnEvent("k"));
  Upload(Workflow({Task("b")}));
  Send("k");
  EXPECT_EQ(Execution(1).snapshot_id, SnapshotId(2));
}

TEST_F(TriggersTest, Rule21OneEventStartsOneExecutionWhateverTheTriggers) {
  Add(OnEvent("k"));
  Add(OnEvent("k"));
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Upload(Workflow({Task("a")}, "w2"));
  Add(OnEvent("k"), "w2");
  Send("k");
  EXPECT_EQ(Executions(), 2U) << "one for each workflow";
  EXPECT_EQ(Execution(1).source, 1);
  EXPECT_EQ(Execution(2).source, 4);
  Send("m");
  EXPECT_EQ(Executions(), 3U) << "the third trigger has seen k as well";
  EXPECT_EQ(Execution(3).source, 3);
}

TEST_F(TriggersTest, Rule18ATriggerThatIsMetAndLosesKeepsItsSlots) {
  Add(OnEvent("m"));
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Send("k");
  Send("m");
  EXPECT_EQ(Executions(), 1U);
  EXPECT_EQ(Execution(1).source, 1);
  Send("k");
  EXPECT_EQ(Executions(), 2U);
  EXPECT_EQ(Execution(2).source, 2);
}

TEST_F(TriggersTest, Rule20AllOfClearsItsEventsWhenItFires) {
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Send("k");
  EXPECT_EQ(Row().slots, (std::vector<uint8_t>{1}));
  Send("k");
  EXPECT_EQ(decision_.changes.size(), 0U) << "a row is written only when it changes";
  Send("m");
  EXPECT_EQ(Executions(), 1U);
  EXPECT_EQ(Row().slots, (std::vector<uint8_t>{0, 0}));
  Send("m");
  EXPECT_EQ(Executions(), 1U);
  Send("k");
  EXPECT_EQ(Executions(), 2U);
}

TEST_F(TriggersTest, AnEventOfAnExecutionReachesTheTriggersOfItsNamespace) {
  Add(OnEvent("k"));
  StartExecution();
  Send("k", last_);
  EXPECT_EQ(Executions(), 2U);
  Send("k", last_, "elsewhere");
  EXPECT_EQ(Executions(), 2U);
  Send("k", 0, "DEFAULT");
  EXPECT_EQ(Executions(), 3U);
}

TEST_F(TriggersTest, FiltersAndScopeAreLookedAt) {
  ConditionSpec condition = OnEvent("k");
  condition.scope = EventScope::kNamespace;
  FilterSpec filter;
  filter.field = FilterField::kContext;
  filter.pointer = "/size";
  filter.min = 10;
  condition.filters.push_back(filter);
  Add(condition);
  Deliver(Make("k"));
  Deliver(Make("k", "", R"({"size": 9})"));
  Deliver(Make("k", "", R"({"size": 10, "workflow_execution_id": 7})"));
  EXPECT_EQ(Executions(), 0U);
  Deliver(Make("k", "", R"({"size": 10})"));
  EXPECT_EQ(Executions(), 1U);
}

TEST_F(TriggersTest, AStatusOfAnotherWorkflowStartsAnExecution) {
  Add(OnStatus("x", S::kFailed, "other"));
  Deliver(Changed(S::kSuccess));
  Deliver(Changed(S::kFailed, "third"));
  EXPECT_EQ(Executions(), 0U);
  Deliver(Changed(S::kFailed));
  ASSERT_EQ(Executions(), 1U);
  EXPECT_THAT(Causes("a", CauseKind::kStarted, 1).front().text,
              HasSubstr("trigger 1: event '[task_status_change].default.other.x' (FAILED)"));
}

TEST_F(TriggersTest, AStatusOfItsOwnWorkflowDoesToo) {
  Add(OnStatus("a", S::kFailed));
  StartExecution();
  Report("a", S::kFailed);
  DeliverAnnouncements();
  ASSERT_EQ(Executions(), 2U);
  EXPECT_EQ(Execution(2).status, E::kRunning);
}

TEST_F(TriggersTest, Rule19AForeignStatusLatchesTheLastAnnouncement) {
  Add(AllOf({OnStatus("x", S::kSuccess, "other"), OnEvent("k")}));
  Deliver(Changed(S::kSuccess));
  Send("k");
  EXPECT_EQ(Executions(), 1U);
  Send("k");
  EXPECT_EQ(Executions(), 2U) << "the status still holds";
  Deliver(Changed(S::kRunning));
  Send("k");
  EXPECT_EQ(Executions(), 2U);
  Deliver(Changed(S::kSuccess));
  EXPECT_EQ(Executions(), 3U);
}

TEST_F(TriggersTest, ADisabledWorkflowStartsNothingButIsWatched) {
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Add(OnEvent("n"));
  Request(SetWorkflowEnabled{"default", "w", false});
  Send("k");
  EXPECT_EQ(Row().slots, (std::vector<uint8_t>{1}));
  Send("n");
  EXPECT_EQ(Executions(), 0U);
  EXPECT_EQ(Row(2).reason, "Workflow default.w is disabled; enable it first");
  Send("n");
  EXPECT_EQ(decision_.changes.size(), 0U) << "said already";
  Request(SetWorkflowEnabled{"default", "w", true});
  Send("m");
  EXPECT_EQ(Executions(), 1U);
  Send("n");
  EXPECT_EQ(Executions(), 2U);
  EXPECT_EQ(Row(2).reason, "");
}

TEST_F(TriggersTest, AFiringWhileDisabledIsUsedUp) {
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Request(SetWorkflowEnabled{"default", "w", false});
  Send("k");
  Send("m");
  Request(SetWorkflowEnabled{"default", "w", true});
  Send("m");
  EXPECT_EQ(Executions(), 0U);
}

TEST_F(TriggersTest, AWorkflowWithoutASnapshotThatCanStartSaysSo) {
  Add(OnEvent("k"));
  Request(AddSnapshot{1, "/blob/w.zip", "md5"});
  Send("k");
  EXPECT_THAT(Row().reason, HasSubstr("has no compiled specification in snapshot 2"));
}

TEST_F(TriggersTest, FieldsOfTheEventBecomeParameters) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = {{"version", ParamType::kInteger, "", ""},
                 {"from", ParamType::kString, "", ""},
                 {"full", ParamType::kBoolean, "false", ""}};
  Upload(spec);
  AddTrigger add = Trigger(OnEvent("k"));
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument),
              HasSubstr("trigger of workflow default.w: no value is given for the parameters "
                        "without default: 'version', 'from'"));
  add.params_json = R"({"version": {"field": "context", "pointer": "/model/version"},
                        "from": {"field": "sender"}})";
  EXPECT_EQ(Request(add).code, 0);
  Event event = Make("k", "", R"({"model": {"version": 3}})");
  event.sender = "trainer";
  Deliver(event);
  EXPECT_EQ(Execution(1).params_json, R"({"from":"trainer","full":false,"version":3})");
  Deliver(Make("k", "", R"({"model": {}})"));
  EXPECT_EQ(Executions(), 1U);
  EXPECT_EQ(Row().reason,
            "event 'k' at offset " + std::to_string(offset_) +
                ": parameter 'version': the event's context has nothing at \"/model/version\"");
  Deliver(event);
  EXPECT_EQ(Executions(), 2U);
  EXPECT_EQ(Row().reason, "");
}

TEST_F(TriggersTest, WhenOneTriggerCannotStartTheNextOneThatIsMetDoes) {
  WorkflowSpec spec = Workflow({Task("a")});
  spec.params = {{"n", ParamType::kInteger, "1", ""}};
  Upload(spec);
  AddTrigger add = Trigger(OnEvent("k"));
  add.params_json = R"({"n": {"field": "value"}})";
  Request(add);
  Add(OnEvent("k"));
  Deliver(Make("k", "no number"));
  ASSERT_EQ(Executions(), 1U);
  EXPECT_EQ(Execution(1).source, 2);
  EXPECT_EQ(Execution(1).params_json, R"({"n":1})");
  EXPECT_THAT(Row(1).reason, HasSubstr("must be an integer"));
}

TEST_F(TriggersTest, APausedTriggerSeesNothingAlsoBesideASiblingThatDoes) {
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Add(OnEvent("k"));
  EXPECT_EQ(Request(SetTriggerPaused{1, true}).code, 0);
  EXPECT_EQ(Request(SetTriggerPaused{1, true}).code, 0) << "twice is fine";
  EXPECT_EQ(decision_.changes.size(), 1U);
  Send("k");
  EXPECT_EQ(Executions(), 1U);
  EXPECT_TRUE(Row(1).slots.empty());
  Request(SetTriggerPaused{2, true});
  Send("k");
  EXPECT_EQ(Executions(), 1U);
  EXPECT_EQ(decision_.changes.size(), 0U);
  EXPECT_EQ(Request(SetTriggerPaused{1, false}).code, 0);
  EXPECT_EQ(Request(SetTriggerPaused{1, false}).code, 0);
  Send("m");
  EXPECT_EQ(Executions(), 1U);
  Send("k");
  EXPECT_EQ(Executions(), 2U);
}

TEST_F(TriggersTest, DeletedTriggersFireNoMore) {
  for (int i = 0; i < 4; ++i) Add(OnEvent("k"));
  Request(SetTriggerPaused{1, true});
  EXPECT_EQ(Request(DeleteTrigger{1}).code, 0) << "a paused one";
  EXPECT_EQ(Refusal(DeleteTrigger{1}, Code::kNotFound), "Workflow trigger 1 not exists");
  EXPECT_EQ(Refusal(SetTriggerPaused{1, true}, Code::kNotFound), "Workflow trigger 1 not exists");
  Request(SetTriggerPaused{2, true});
  EXPECT_EQ(Request(DeleteTriggers{"default", "w"}).id, 3);
  EXPECT_EQ(Refusal(DeleteTriggers{"default", "x"}, Code::kNotFound),
            "Workflow default.x not exists");
  Send("k");
  EXPECT_EQ(Executions(), 0U);
  EXPECT_EQ(Add(OnEvent("k")), 5) << "ids are never used again";
  Request(SetTriggerPaused{5, true});
  EXPECT_EQ(Request(DeleteWorkflow{"default", "w"}).code, 0) << "also with a paused trigger";
  EXPECT_TRUE(rows_.triggers.empty());
}

TEST_F(TriggersTest, Rule32ATriggerSeesNothingFromBeforeItWasAdded) {
  const Event event = Make("k");
  const Offset at = Deliver(event);
  Add(OnEvent("k"));
  Redeliver(event, at);
  const Offset later = Deliver(event);
  EXPECT_EQ(Executions(), 1U);
  EXPECT_GT(later, at);
}

TEST_F(TriggersTest, AnEventThatComesAgainChangesNothing) {
  Add(AllOf({OnEvent("k"), OnEvent("m")}));
  Add(OnEvent("n"));
  const Offset k = Deliver(Make("k"));
  Redeliver(Make("k"), k);
  const Offset m = Deliver(Make("m"));
  EXPECT_EQ(Executions(), 1U);
  Redeliver(Make("m"), m);
  Redeliver(Make("k"), k);
  const Offset n = Deliver(Make("n"));
  Redeliver(Make("n"), n);
  Request(SetWorkflowEnabled{"default", "w", false});
  Deliver(Make("k"));
  const Offset used_up = Deliver(Make("m"));
  Redeliver(Make("m"), used_up);
  EXPECT_EQ(Executions(), 2U);
}

TEST_F(TriggersTest, WhatCannotBeAddedIsRefusedWithTheReason) {
  EXPECT_EQ(Refusal(Trigger(OnEvent("k"), "x"), Code::kNotFound), "Workflow default.x not exists");
  AddTrigger add = Trigger(OnEvent("k"));
  add.workflow_id = 7;
  EXPECT_EQ(Refusal(add, Code::kNotFound), "Workflow with id: 7 not exists");
  add = Trigger(OnEvent("k"));
  add.condition_json = "";
  add.pickled_digest = "rule";
  EXPECT_EQ(Refusal(add, Code::kFailedPrecondition),
            "trigger of workflow default.w: its rule is not compiled to a condition; add it with a "
            "current client");
  add.condition_json = "{\"type\": \"never\"}";
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument),
              HasSubstr("condition: $.type must be one of event"));
  EXPECT_THAT(Refusal(Trigger(After({"a"})), Code::kInvalidArgument), HasSubstr("use all_of"));
  EXPECT_THAT(Refusal(Trigger(OnStatus("a", S::kQueued)), Code::kInvalidArgument),
              HasSubstr("never announced"));
  add = Trigger(OnEvent("k"));
  add.params_json = R"({"x": {"field": "weather"}})";
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument), HasSubstr("none of key"));
  add.params_json = R"({"x": {"value": 1}})";
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument), HasSubstr("'x' is not declared"));
  add.params_json = std::string(limits::kMaxTriggerBytes, ' ');
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument), HasSubstr("the limit is 65536"));
  EXPECT_EQ(rows_.counters.trigger, 0);
}

TEST_F(TriggersTest, ATaskThatItsWorkflowDoesNotHaveIsRefused) {
  Upload(Workflow({Task("train"), Task("validate")}));
  EXPECT_EQ(Refusal(Trigger(AllOf({OnEvent("k"), OnStatus("trian")})), Code::kInvalidArgument),
            "trigger of workflow default.w: workflow default.w has no task 'trian'; did you mean "
            "'train'?");
  EXPECT_THAT(Refusal(Trigger(OnStatus("deploy")), Code::kInvalidArgument),
              HasSubstr("has no task 'deploy'; upload a version that has it first"));
  Add(OnStatus("validate"));
  Add(OnStatus("deploy", S::kSuccess, "workflow_to_come"));
}

TEST_F(TriggersTest, TheNumberOfTriggersHasALimit) {
  for (size_t i = 0; i < limits::kMaxTriggersPerWorkflow; ++i) {
    TriggerRow row;
    row.id = TriggerId(static_cast<int64_t>(i) + 1);
    row.workflow_id = WorkflowId(1);
    const std::vector<Change> changes = {row};
    state_.Apply(changes);
    rows_.Apply(changes);
  }
  EXPECT_THAT(Refusal(Trigger(OnEvent("k")), Code::kResourceExhausted),
              HasSubstr("1000 triggers, the limit"));
}

TEST_F(TriggersTest, Rule31UserWrittenLeavesArePinnedToTheCodeOfTheDay) {
  ConditionSpec custom;
  custom.kind = ConditionKind::kCustom;
  custom.name = "mine";
  custom.event_keys = {"k"};
  AddTrigger add = Trigger(custom);
  EXPECT_THAT(Refusal(add, Code::kInvalidArgument), HasSubstr("needs a host"));
  HostSpec host;
  host.language = "python";
  add.host_json = FormatHost(host);
  EXPECT_THAT(Refusal(add, Code::kFailedPrecondition), HasSubstr("pickled rule"));
  add.pickled_digest = "rule";
  EXPECT_EQ(Request(add).code, 0);
  EXPECT_EQ(Row(1).bundle_digest, "");
  host.language = "cpp";
  add.host_json = FormatHost(host);
  EXPECT_THAT(Refusal(add, Code::kFailedPrecondition), HasSubstr("upload one first"));
  UploadWorkflow upload{"default", "w", "", "bundle", "top"};
  Request(upload);
  EXPECT_EQ(Request(add).code, 0);
  EXPECT_EQ(Row(2).bundle_digest, "bundle");
  EXPECT_EQ(Row(2).bundle_name, "top");
  EXPECT_EQ(Row(2).host_json, add.host_json);
}

TEST_F(TriggersTest, ATriggerWaitsForMaxActiveExecutionsLikeEverybody) {
  WorkflowSpec spec = Workflow({Task("a", {aiflow::test::Restart(OnEvent("k"))})});
  spec.tasks[0].rules.clear();
  spec.max_active_executions = 1;
  Upload(spec);
  Add(OnEvent("k"));
  Send("k");
  const Offset second = Send("k");
  EXPECT_EQ(Status(2), E::kInit);
  last_ = 1;
  Succeed("a");
  EXPECT_EQ(Status(2), E::kRunning);
  EXPECT_EQ(RunOf("a", 1, 2).cause_offset, second);
}

}  // namespace
}  // namespace aiflow::test
