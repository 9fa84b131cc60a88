// The commands of schedules, triggers, snapshots, pools, failed events, parameters and repair.
#include <gmock/gmock.h>

#include "cli/command_line_world.h"
#include "cli/temp_dir_for_test.h"
#include "cli/text.h"

namespace aiflow::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kSpecWithParams =
    R"({"version": 2, "namespace": "default", "name": "w", "params": [)"
    R"({"name": "day", "type": "string"}, {"name": "rate", "type": "number"},)"
    R"({"name": "rows", "type": "integer", "default": 5}],)"
    R"("tasks": [{"name": "t", "operator": "bash", "command": "true"}]})";

class ModelCommandsTest : public CommandLineTest {
 protected:
  ModelCommandsTest() { AddWorkflow("w", kSpecWithParams); }
  void AddWorkflow(const std::string& name, const std::string& spec) {
    v1::Workflow& workflow = server_.workflows.emplace_back();
    workflow.set_id(3);
    workflow.set_name(name);
    workflow.set_spec_json(spec);
  }
  v1::WorkflowSnapshot& AddSnapshot(int64_t id, const std::string& spec) {
    v1::WorkflowSnapshot& snapshot = server_.snapshots.emplace_back();
    snapshot.set_id(id);
    snapshot.set_workflow_id(3);
    snapshot.set_spec_json(spec);
    return snapshot;
  }
  /// The request of the only call that changed something, without its id.
  std::string Sent(const std::string& call) {
    if (client_ == nullptr || client_->calls.size() != 1) return "not one call";
    EXPECT_EQ(client_->calls[0].first, call);
    EXPECT_THAT(client_->request_ids[0], testing::SizeIs(36));
    const std::string& text = client_->calls[0].second;
    return text.substr(0, text.find(" request_id"));
  }
};

TEST_F(ModelCommandsTest, StartReadsParametersByTheirDeclaredType) {
  ASSERT_EQ(Run({"workflow-execution", "start", "w", "--param", "day=2026-01-31", "--param",
                 "rate=0.5", "--param", "rows=7"}),
            kExitOk)
      << err();
  EXPECT_THAT(client_->calls[0].second,
              HasSubstr(R"(params_json: "{\"day\":\"2026-01-31\",\"rate\":0.5,\"rows\":7}")"));
}

TEST_F(ModelCommandsTest, StartWithoutParametersAsksForNoSpecification) {
  server_.workflows[0].set_spec_json("broken");
  EXPECT_EQ(Run({"workflow-execution", "start", "w"}), kExitOk);
  EXPECT_NE(Run({"workflow-execution", "start", "w", "--param", "day=x"}), kExitOk);
}

TEST_F(ModelCommandsTest, ParametersThatDoNotFitAreNamedBeforeAnythingStarts) {
  EXPECT_EQ(Run({"workflow-execution", "start", "w", "--param", "rows=many"}), kExitError);
  EXPECT_THAT(err(), HasSubstr("--param rows=many: "));
  EXPECT_EQ(Run({"workflow-execution", "start", "w", "--param", "dya=1"}), kExitError);
  EXPECT_THAT(err(), HasSubstr("Did you mean 'day'?"));
  EXPECT_EQ(Run({"workflow-execution", "start", "w", "--param", "day"}), kExitError);
  EXPECT_THAT(err(), HasSubstr("is not NAME=VALUE"));
  EXPECT_EQ(Run({"workflow-execution", "start", "w", "--param", "day=1", "--param", "day=2"}),
            kExitError);
  EXPECT_THAT(err(), HasSubstr("given twice"));
  EXPECT_THAT(client_->calls, IsEmpty());
}

TEST_F(ModelCommandsTest, RerunNamesTasksOrNone) {
  EXPECT_EQ(Run({"workflow-execution", "rerun", "17", "a", "b"}), kExitOk);
  EXPECT_EQ(out(), "Workflow execution: 17, 2 tasks started again.\n");
  EXPECT_EQ(Sent("RerunTasks"), R"(execution_id: 17 task_names: "a" task_names: "b")");
  EXPECT_EQ(Run({"workflow-execution", "rerun", "17"}), kExitOk);
  EXPECT_EQ(Sent("RerunTasks"), "execution_id: 17");
}

TEST_F(ModelCommandsTest, MarkTakesSuccessOrFailedAndANote) {
  EXPECT_EQ(Run({"task-execution", "mark", "17", "t", "Success", "--note", "checked"}), kExitOk);
  EXPECT_EQ(out(), "Task execution: 5, t of workflow execution: 17 marked SUCCESS.\n");
  EXPECT_EQ(Sent("MarkTask"),
            R"(execution_id: 17 task_name: "t" status: "SUCCESS" note: "checked")");
  EXPECT_EQ(Run({"task-execution", "mark", "17", "t", "done"}), kExitUsage);
}

TEST_F(ModelCommandsTest, ScheduleAddSendsItsOptions) {
  EXPECT_EQ(Run({"workflow-schedule", "add", "w", "cron@0 9 * * 1-5", "--timezone", "Europe/Berlin",
                 "--catchup", "all", "--skip-if-active", "--param", "day=x"}),
            kExitOk)
      << err();
  EXPECT_EQ(out(), "Workflow schedule: 7 created.\n");
  EXPECT_EQ(Sent("AddWorkflowSchedule"),
            R"(namespace: "default" name: "w" expression: "cron@0 9 * * 1-5" )"
            R"(timezone: "Europe/Berlin" catchup: "all" skip_if_active: true )"
            R"(params_json: "{\"day\":\"x\"}")");
  EXPECT_EQ(Run({"workflow-schedule", "add", "w", "cron@* * * * *", "--catchup", "some"}),
            kExitUsage);
}

TEST_F(ModelCommandsTest, SchedulesPrintTheForerunnersColumnsAndTexts) {
  v1::WorkflowSchedule& schedule = server_.schedules.emplace_back();
  schedule.set_id(4);
  schedule.set_workflow_id(3);
  schedule.set_expression("interval@0 1 0 0");
  schedule.set_paused(true);
  EXPECT_EQ(Run({"workflow-schedule", "list", "w", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(),
            "id  workflow_id  expression        create_time  is_paused\n"
            "4   3            interval@0 1 0 0  None         True\n");
  EXPECT_EQ(Run({"workflow-schedule", "show", "4", "-o", "json"}), kExitOk);
  EXPECT_THAT(out(), StartsWith(R"([{"id": "4", "workflow_id": "3", "expression": )"
                                R"("interval@0 1 0 0", "create_time": null, "is_paused": "True")"));
  EXPECT_EQ(Run({"workflow-schedule", "show", "5"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: No such workflow schedule.\n");
  EXPECT_EQ(Run({"workflow-schedule", "pause", "4"}), kExitOk);
  EXPECT_EQ(out(), "Workflow schedule: 4 paused.\n");
  EXPECT_EQ(Run({"workflow-schedule", "resume", "4"}), kExitOk);
  EXPECT_EQ(out(), "Workflow schedule: 4 resumed.\n");
  EXPECT_EQ(Run({"workflow-schedule", "delete", "4"}), kExitOk);
  EXPECT_EQ(out(), "Workflow schedule: 4 deleted.\n");
  EXPECT_EQ(Sent("DeleteWorkflowSchedule"), "schedule_id: 4");
  EXPECT_EQ(Run({"workflow-schedule", "delete-all", "w", "-n", "other"}), kExitOk);
  EXPECT_EQ(out(), "All schedules of workflow: other.w deleted.\n");
  EXPECT_EQ(Sent("DeleteWorkflowSchedules"), R"(namespace: "other" name: "w")");
}

TEST_F(ModelCommandsTest, BackfillCountsAndListsDueTimes) {
  server_.backfilled.set_message("2 executions would be started");
  server_.backfilled.add_due_times(1000);
  server_.backfilled.add_due_times(2000);
  EXPECT_EQ(Run({"workflow", "backfill", "w", "--schedule", "4", "--from", "2026-01-31T00:00Z",
                 "--to", "2026-02-01T00:00:00+01:00", "--dry-run"}),
            kExitOk)
      << err();
  EXPECT_EQ(out(), "Backfill of workflow: default.w, 2 executions would be started.\n  " +
                       FormatTime(1000) + "\n  " + FormatTime(2000) + "\n");
  EXPECT_EQ(Sent("BackfillWorkflow"),
            R"(namespace: "default" name: "w" schedule_id: 4 from_time: 1769817600000 )"
            R"(to_time: 1769900400000 dry_run: true)");
  server_.backfilled.add_execution_ids(40);
  server_.backfilled.add_execution_ids(41);
  EXPECT_EQ(Run({"workflow", "backfill", "w", "--expression", "cron@0 0 * * *", "--from",
                 "2026-01-31", "--to", "2026-02-02"}),
            kExitOk);
  EXPECT_THAT(out(), HasSubstr("\n  " + FormatTime(1000) + "  execution 40\n"));
}

TEST_F(ModelCommandsTest, BackfillSaysWhatIsWrongWithItsRange) {
  const std::vector<std::string> begin = {"workflow", "backfill", "w"};
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), begin.begin(), begin.end());
    return Run(words);
  };
  EXPECT_EQ(run({"--from", "2026-01-31", "--to", "2026-02-01"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("Give --schedule ID or --expression TEXT"));
  EXPECT_EQ(run({"--schedule", "4", "--expression", "cron@* * * * *", "--from", "2026-01-31",
                 "--to", "2026-02-01"}),
            kExitUsage);
  EXPECT_THAT(err(), HasSubstr("--schedule excludes --expression"));
  EXPECT_EQ(run({"--help"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("--schedule"), HasSubstr("--expression")));
  EXPECT_EQ(run({"--schedule", "4", "--from", "2026-02-30", "--to", "2026-03-01"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("2026-02-30 does not exist"));
  EXPECT_EQ(run({"--schedule", "4", "--from", "yesterday", "--to", "2026-03-01"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("yesterday cannot be read"));
  EXPECT_EQ(client_, nullptr);
}

TEST_F(ModelCommandsTest, TriggerAddMakesAConditionOfItsOptions) {
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--event", "hour", "--value", "done",
                 "--value-member", "/n=3", "--context", "/kind=daily", "--param", "day=context/day",
                 "--param", "rows=value:9", "--param", "rate=value"}),
            kExitOk)
      << err();
  EXPECT_EQ(out(), "Workflow trigger: 7 created.\n");
  ASSERT_EQ(client_->calls.size(), 1u);
  EXPECT_EQ(client_->triggers[0].condition_json(),
            R"({"type":"event","key":"hour","filters":[{"field":"value","one_of":["done"]},)"
            R"({"field":"value","pointer":"/n","one_of":[3]},)"
            R"({"field":"context","pointer":"/kind","one_of":["daily"]}]})");
  EXPECT_THAT(client_->calls[0].second,
              HasSubstr(R"(params_json: "{\"day\":{\"field\":\"context\",\"pointer\":\"/day\"},)"
                        R"(\"rate\":{\"field\":\"value\"},\"rows\":{\"value\":9}}")"));
}

TEST_F(ModelCommandsTest, TriggerAddTakesAConditionAsTextOrFile) {
  const TempDirForTest dir;
  const std::string path =
      dir.Write("condition.json", R"({"type": "event", "key": "from_file"})").string();
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--condition", path}), kExitOk) << err();
  EXPECT_THAT(client_->triggers[0].condition_json(), HasSubstr("from_file"));
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--condition",
                 R"({"type": "any_of", "conditions": [{"type": "event", "key": "a"}]})"}),
            kExitOk)
      << err();
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--condition", R"({"type": "evnt"})"}),
            kExitUsage);
  EXPECT_THAT(err(), HasSubstr("evnt"));
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--condition", "/nowhere.json"}), kExitNotFound);
  EXPECT_EQ(Run({"workflow-trigger", "add", "w"}), kExitUsage);
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--event", "k", "--context", "kind=daily"}),
            kExitUsage);
  EXPECT_THAT(err(), HasSubstr("/POINTER=JSON"));
  EXPECT_EQ(Run({"workflow-trigger", "add", "w", "--event", "k", "--param", "day=body"}),
            kExitUsage);
  EXPECT_THAT(err(), HasSubstr("one of key, value, context"));
  EXPECT_EQ(Run({"workflow-trigger", "add", "w"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("Give --event KEY or --condition JSON"));
  EXPECT_EQ(Run({"workflow-trigger", "add", "--help"}), kExitOk);
  EXPECT_THAT(out(), AllOf(HasSubstr("--event"), HasSubstr("--condition")));
}

TEST_F(ModelCommandsTest, ListsSayWhatStartedNothingAndWhy) {
  v1::WorkflowTrigger& trigger = server_.triggers.emplace_back();
  trigger.set_id(2);
  trigger.set_reason("parameter day: the event has no value");
  server_.triggers.emplace_back().set_id(3);
  const std::string note =
      "trigger 2 started nothing when it last could: parameter day: the event has no value\n";
  EXPECT_EQ(Run({"workflow-trigger", "list", "w"}), kExitOk);
  EXPECT_EQ(err(), note);
  EXPECT_EQ(Run({"workflow-trigger", "show", "2"}), kExitOk);
  EXPECT_EQ(err(), note);
  EXPECT_EQ(Run({"workflow-trigger", "show", "3"}), kExitOk);
  EXPECT_EQ(err(), "");
  EXPECT_EQ(Run({"workflow-trigger", "list", "w", "-o", "wide"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("the event has no value"));
  EXPECT_EQ(err(), "");
  v1::WorkflowSchedule& schedule = server_.schedules.emplace_back();
  schedule.set_id(4);
  schedule.set_reason("the workflow is disabled");
  EXPECT_EQ(Run({"workflow-schedule", "list", "w"}), kExitOk);
  EXPECT_THAT(err(), HasSubstr("schedule 4 started nothing"));
}

TEST_F(ModelCommandsTest, TriggersPrintTheForerunnersColumnsAndTexts) {
  v1::WorkflowTrigger& trigger = server_.triggers.emplace_back();
  trigger.set_id(2);
  trigger.set_workflow_id(3);
  trigger.set_condition_json(
      R"({"type":"event","key":"k","scope":"namespace","filters":[{"field":"value","one_of":[3]}]})");
  EXPECT_EQ(Run({"workflow-trigger", "list", "w", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(),
            "id  workflow_id  rule                                     create_time  is_paused\n"
            "2   3            event k (scope namespace and value = 3)  None         False\n");
  EXPECT_EQ(Run({"workflow-trigger", "show", "9"}), kExitNotFound);
  EXPECT_EQ(err(), "aiflow: No such workflow trigger.\n");
  for (const auto& [command, text] :
       {std::pair("pause", "paused"), {"resume", "resumed"}, {"delete", "deleted"}}) {
    EXPECT_EQ(Run({"workflow-trigger", command, "2"}), kExitOk);
    EXPECT_EQ(out(), std::string("Workflow trigger: 2 ") + text + ".\n");
  }
  EXPECT_EQ(Run({"workflow-trigger", "delete-all", "w"}), kExitOk);
  EXPECT_EQ(out(), "All triggers of workflow: default.w deleted.\n");
}

TEST_F(ModelCommandsTest, PoolsShowTheirUse) {
  EXPECT_EQ(Run({"pool", "set", "gpu", "4", "--description", "cards"}), kExitOk);
  EXPECT_EQ(out(), "Pool: gpu, 4 slots.\n");
  EXPECT_EQ(Sent("SetPool"), R"(name: "gpu" slots: 4 description: "cards")");
  v1::Pool& pool = server_.pools.emplace_back();
  pool.set_name("gpu");
  pool.set_slots(4);
  pool.set_slots_in_use(3);
  pool.set_waiting(2);
  EXPECT_EQ(Run({"pool", "list", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(),
            "name  slots  slots_in_use  waiting  executor  description\n"
            "gpu   4      3             2        None      None\n");
  EXPECT_EQ(Run({"pool", "delete", "gpu"}), kExitOk);
  EXPECT_EQ(out(), "Pool: gpu deleted.\n");
}

TEST_F(ModelCommandsTest, FailedEventsAreListedRetriedAndDropped) {
  v1::FailedEvent& event = server_.failed_events.emplace_back();
  event.set_id(6);
  event.set_workflow_name("w");
  event.set_execution_id(17);
  event.set_condition("fresh");
  event.set_event_key("hour");
  event.set_event_offset(40);
  event.set_error("ValueError: no number");
  EXPECT_EQ(Run({"event", "failed", "list", "-o", "json"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr(R"("workflow_execution_id": "17", "workflow_trigger_id": null)"));
  EXPECT_THAT(out(), HasSubstr(R"("condition": "fresh", "event_key": "hour")"));
  terminal_ = true;
  EXPECT_EQ(Run({"event", "failed", "list"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("id | event"));
  EXPECT_THAT(out(), HasSubstr("hour #40"));
  terminal_ = false;
  EXPECT_EQ(Run({"event", "failed", "retry", "6"}), kExitOk);
  EXPECT_EQ(out(), "Failed event: 6 is retried.\n");
  EXPECT_EQ(Run({"event", "failed", "drop", "6"}), kExitOk);
  EXPECT_EQ(Sent("DropFailedEvent"), "failed_event_id: 6");
  EXPECT_EQ(Run({"event", "failed", "lsit"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("'aiflow event failed' has no command 'lsit'"));
}

TEST_F(ModelCommandsTest, SnapshotsAreListedShownAndDeleted) {
  AddSnapshot(8, kSpecWithParams).set_latest(true);
  EXPECT_EQ(Run({"workflow-snapshot", "list", "w", "-o", "plain"}), kExitOk);
  EXPECT_EQ(out(),
            "id  workflow_id  create_time  uri   signature  is_latest\n"
            "8   3            None         None  None       True\n");
  EXPECT_EQ(Run({"workflow-snapshot", "show", "8", "-o", "yaml"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("tasks: 't (bash)'"));
  EXPECT_EQ(Run({"workflow-snapshot", "show", "9"}), kExitNotFound);
  EXPECT_EQ(Run({"workflow-snapshot", "delete", "8"}), kExitOk);
  EXPECT_EQ(out(), "Workflow snapshot: 8 deleted.\n");
  server_.deleted.set_message("1 deleted; in use: 8");
  EXPECT_EQ(Run({"workflow-snapshot", "delete-all", "w"}), kExitOk);
  EXPECT_EQ(out(), "Unused snapshots of workflow: default.w deleted.\n");
  EXPECT_THAT(err(), HasSubstr("in use: 8"));
}

TEST_F(ModelCommandsTest, TheExitCodeOfDiffTellsWhetherSnapshotsDiffer) {
  AddSnapshot(8, kSpecWithParams);
  AddSnapshot(9, kSpecWithParams);
  EXPECT_EQ(Run({"workflow", "diff", "w", "8", "9"}), kExitOk);
  EXPECT_EQ(out(), "");
  server_.snapshots[1].set_bundle_sha256("0123456789abcdef");
  EXPECT_EQ(Run({"workflow", "diff", "w", "8", "9"}), kExitDifferent);
  EXPECT_EQ(out(), "bundle: (none) -> 0123456789ab (its files differ)\n");
  server_.snapshots[1].set_workflow_id(99);
  EXPECT_EQ(Run({"workflow", "diff", "w", "8", "9"}), kExitNotFound);
  EXPECT_THAT(err(), HasSubstr("snapshot 9 is of another workflow"));
  EXPECT_EQ(Run({"workflow", "diff", "w", "8", "10"}), kExitNotFound);
}

TEST_F(ModelCommandsTest, NamespaceDeleteTakesWorkflowsAlongOnlyWithCascade) {
  person_ = true;
  in_.str("y\n");
  EXPECT_EQ(Run({"namespace", "delete", "n", "--cascade"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("Delete the namespace n with all its workflows and their "
                                "executions? (y/n) "));
  EXPECT_EQ(Sent("DeleteNamespace"), R"(name: "n")");
  EXPECT_THAT(client_->calls[0].second, HasSubstr("cascade: true"));
  EXPECT_EQ(Run({"namespace", "delete", "n", "-y"}), kExitOk);
  EXPECT_THAT(client_->calls[0].second, testing::Not(HasSubstr("cascade")));
}

}  // namespace
}  // namespace aiflow::cli
