#include <map>
#include <random>
#include <set>

#include "scheduler/scenario.h"
#include "scheduler/state_rep.h"

namespace aiflow::test {
namespace {

using S = TaskStatus;

/// Schedules, triggers, backfills and starts by hand of two workflows whose limits change, in a
/// random order. Besides what the fixture checks after every event (the state equals one loaded
/// from the rows): nobody waits while there is room, and nothing is started twice.
class StartsRandomTest : public SchedulerTest, public ::testing::WithParamInterface<int> {
 protected:
  int64_t Pick(int64_t below) {
    return std::uniform_int_distribution<int64_t>(0, below - 1)(random_);
  }
  std::string Key() { return "k" + std::to_string(Pick(3)); }
  std::string Name() { return Pick(2) == 0 ? "w0" : "w1"; }
  int64_t Any(int64_t counter) { return 1 + Pick(counter + 1); }

  void UploadSomething() {
    WorkflowSpec spec =
        Workflow({Task("a"), Optional(Task("b", {Restart(OnEvent(Key()))}))}, Name());
    if (Pick(4) == 0) spec.tasks.erase(spec.tasks.begin());  // it ends as it begins
    spec.max_active_executions = Pick(4);
    if (Pick(3) == 0) spec.execution_timeout = Millis(1 + Pick(300'000));
    if (Pick(2) == 0) spec.params = {{"n", aiflow::ParamType::kInteger, "1", ""}};
    Upload(spec);
  }

  ConditionSpec Condition(int depth) {
    switch (Pick(depth > 0 ? 5 : 3)) {
      case 0: return OnEvent(Key());
      case 1: return OnStatus("a", Pick(2) == 0 ? S::kSuccess : S::kFailed, Name());
      case 2: return Custom({Key(), StatusChangedKey("default", Name(), "a")});
      case 3: return AllOf({Condition(depth - 1), Condition(depth - 1)});
      default: return AnyOf({Condition(depth - 1), Condition(depth - 1)});
    }
  }
  void TriggerStep() {
    const int64_t id = Any(rows_.counters.trigger);
    switch (Pick(6)) {
      case 0: Request(DeleteTrigger{id}); break;
      case 1: Request(DeleteTriggers{"default", Name()}); break;
      case 2: Request(SetTriggerPaused{id, Pick(2) == 0}); break;
      default: {
        AddTrigger add;
        add.ns = "default";
        add.name = Name();
        add.condition_json = FormatCondition(Condition(2));
        if (Pick(4) == 0) add.params_json = R"({"n": {"field": "value"}})";
        HostSpec host;
        host.language = "python";
        add.host_json = FormatHost(host);
        add.pickled_digest = "rule";
        Request(add);
      }
    }
  }
  void ScheduleStep() {
    const int64_t id = Any(rows_.counters.schedule);
    switch (Pick(7)) {
      case 0: Request(DeleteSchedule{id}); break;
      case 1: Request(DeleteSchedules{"default", Name()}); break;
      case 2:
      case 3: Request(SetSchedulePaused{id, Pick(2) == 0}); break;
      case 4: {
        BackfillSchedule backfill;
        backfill.schedule_id = id;
        backfill.from_ms = now_.count() - Pick(600'000);
        backfill.to_ms = backfill.from_ms + Pick(600'000);
        backfill.dry_run = Pick(5) == 0;
        Request(backfill);
        break;
      }
      default: {
        AddSchedule add;
        add.ns = "default";
        add.name = Name();
        add.expression = Pick(2) == 0 ? "cron@*/20 * * * * *" : "interval@0 0 0 47";
        add.catchup = static_cast<CatchUp>(Pick(3));
        add.skip_if_active = Pick(4) == 0;
        Request(add);
      }
    }
  }
  void ReportSomething() {
    std::vector<TaskExecutionRow> live;
    for (const auto& [key, run] : rows_.runs) {
      if (!IsFinished(run.status)) live.push_back(run);
    }
    if (live.empty()) return;
    TaskStatusReport report;
    report.attempt = live[static_cast<size_t>(Pick(static_cast<int64_t>(live.size())))].attempt();
    report.status = Pick(4) == 0 ? S::kFailed : S::kSuccess;
    Deliver(FormatRequest(report));
  }
  void AnswerSomething() {
    for (const auto& [id, row] : rows_.outbox) {
      if (row.kind != OutboxKind::kEvaluate || Pick(2) == 0) continue;
      EvaluationAnswer answer;
      answer.trigger_id = row.trigger.value();
      answer.offset = row.offset;
      answer.ordinal = row.ordinal;
      answer.generation = row.generation;
      answer.met = Pick(2) == 0;
      if (Pick(8) == 0) answer.error = "ValueError: no";
      Deliver(FormatRequest(answer));
      return;
    }
  }
  void Step() {
    switch (Pick(20)) {
      case 0: UploadSomething(); break;
      case 1: TriggerStep(); break;
      case 2: ScheduleStep(); break;
      case 3: Request(StartWorkflowExecution{"default", Name()}); break;
      case 4: Request(StopWorkflowExecution{Any(rows_.counters.execution)}); break;
      case 5: Request(SetWorkflowEnabled{"default", Name(), Pick(4) != 0}); break;
      case 6: DeliverAnnouncements(); break;
      case 7: Pass(Millis(Pick(40'000))); break;
      case 8: now_ += Millis(Pick(150'000)); break;  // nobody fires timers meanwhile
      case 9:
      case 10: Send(Key(), Pick(3) == 0 ? Any(rows_.counters.execution) : 0); break;
      case 11:
        if (Pick(20) == 0) Request(StopWorkflowExecutions{"default", Name()});
        break;
      case 12:
      case 13:
      case 14:
      case 15: AnswerSomething(); break;
      default: ReportSomething();
    }
  }

  void CheckStarts() {
    for (const auto& [id, workflow] : state_.rep().workflows) {
      if (workflow.waiting.empty()) continue;
      const SnapshotRow& latest = rows_.snapshots.at(workflow.row.latest_snapshot.value());
      ASSERT_NE(latest.spec->max_active_executions, 0) << "offset " << offset_;
      ASSERT_GE(workflow.active, latest.spec->max_active_executions) << "offset " << offset_;
    }
    std::set<std::pair<WorkflowId, Offset>> events;
    std::set<std::pair<int64_t, Millis>> due_times;
    for (const auto& [id, execution] : rows_.executions) {
      if (execution.run_type == RunType::kEvent) {
        // Its first runs name the event, which may have waited; one that never began has none.
        const auto run = rows_.runs.find({id, 0, 1});
        if (run == rows_.runs.end() || run->second.task_name != "a") continue;
        const std::pair key(execution.workflow_id, run->second.cause_offset);
        ASSERT_TRUE(events.insert(key).second)
            << "one event has started execution " << id << " too";
      } else if (execution.run_type == RunType::kPeriodic) {
        const std::pair key(execution.source, execution.due);
        ASSERT_TRUE(due_times.insert(key).second) << "one due time has started " << id << " too";
      }
      ASSERT_EQ(execution.begin == Millis(0) && !IsFinished(execution.status),
                execution.status == ExecutionStatus::kInit);
    }
  }

  std::mt19937_64 random_;
};

TEST_P(StartsRandomTest, NobodyWaitsBesideRoomAndNothingStartsTwice) {
  random_.seed(static_cast<uint64_t>(GetParam()));
  if (GetParam() % 2 == 0) {  // decisions in parts, and another server after each
    max_executions_ = 1 + static_cast<size_t>(GetParam() / 2 % 3);
    reload_between_parts_ = true;
  }
  now_ = Millis(1'704'067'200'000);
  for (int i = 0; i < 300 && !HasFatalFailure(); ++i) {
    Step();
    CheckStarts();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StartsRandomTest, ::testing::Range(1, 11));

}  // namespace
}  // namespace aiflow::test
