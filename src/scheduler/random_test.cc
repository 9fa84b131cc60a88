#include <array>
#include <random>

#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using S = TaskStatus;

/// Random workflows under random events. What is checked is in the fixture: after every event the
/// state equals one loaded from the rows, decisions are pure, and no task ever has two dispatched
/// runs.
class RandomTest : public SchedulerTest, public ::testing::WithParamInterface<int> {
 protected:
  int64_t Pick(int64_t below) {
    return std::uniform_int_distribution<int64_t>(0, below - 1)(random_);
  }
  std::string PickTask(size_t tasks) {
    return "t" + std::to_string(Pick(static_cast<int64_t>(tasks)));
  }
  S PickStatus() {
    constexpr std::array<S, 4> kStatuses = {S::kRunning, S::kSuccess, S::kFailed, S::kStopped};
    return kStatuses[static_cast<size_t>(Pick(4))];
  }

  ConditionSpec PickCondition(size_t tasks, int depth) {
    switch (Pick(depth > 0 ? 7 : 4)) {
      case 0: return OnStatus(PickTask(tasks), PickStatus());
      case 1: return OnStatus(PickTask(tasks), PickStatus(), Pick(2) == 0 ? "w0" : "w1");
      case 2: return OnEvent("k" + std::to_string(Pick(3)));
      case 3:
        return Custom({"k" + std::to_string(Pick(3)),
                       StatusChangedKey("default", Pick(2) == 0 ? "w0" : "w1", PickTask(tasks))});
      case 4: return AllOf({PickCondition(tasks, depth - 1), PickCondition(tasks, depth - 1)});
      case 5: return AnyOf({PickCondition(tasks, depth - 1), PickCondition(tasks, depth - 1)});
      default: return Join({OnStatus(PickTask(tasks), PickStatus()), OnStatus(PickTask(tasks))});
    }
  }

  WorkflowSpec PickWorkflow(const std::string& name) {
    const auto count = static_cast<size_t>(1 + Pick(4));
    std::vector<TaskSpec> tasks;
    for (size_t i = 0; i < count; ++i) {
      TaskSpec task = Task("t" + std::to_string(i), {}, static_cast<OnAlive>(Pick(3)));
      task.optional = Pick(5) == 0;
      task.max_pending_starts = 1 + Pick(3);
      for (int64_t rules = Pick(4); rules > 0; --rules) {
        task.rules.push_back({static_cast<TaskAction>(Pick(3)), PickCondition(count, 2)});
      }
      tasks.push_back(std::move(task));
    }
    WorkflowSpec spec = Workflow(std::move(tasks), name);
    for (TaskSpec& task : spec.tasks) {
      for (RuleSpec& rule : task.rules) Localise(rule.condition, name, /*in_join=*/false);
    }
    spec.keep_open = Pick(4) == 0;
    return spec;
  }
  /// Joins may name tasks of their own workflow only.
  void Localise(ConditionSpec& condition, const std::string& name, bool in_join) {
    if (condition.workflow == "w" || in_join) condition.workflow = name;
    for (ConditionSpec& child : condition.children) {
      Localise(child, name, condition.kind == ConditionKind::kAllTaskStatus);
    }
  }

  void ReportSomething() {
    std::vector<TaskExecutionRow> live;
    for (const auto& [key, run] : rows_.runs) {
      if (!IsFinished(run.status) || Pick(50) == 0) live.push_back(run);
    }
    if (live.empty()) return;
    const TaskExecutionRow& run =
        live[static_cast<size_t>(Pick(static_cast<int64_t>(live.size())))];
    TaskStatusReport report;
    report.attempt = run.attempt();
    report.status = PickStatus();
    Deliver(FormatRequest(report));
  }

  void AnswerSomething() {
    std::vector<OutboxRow> asked;
    for (const auto& [id, row] : rows_.outbox) {
      if (row.kind == OutboxKind::kEvaluate) asked.push_back(row);
    }
    if (asked.empty()) return;
    last_ = asked[static_cast<size_t>(Pick(static_cast<int64_t>(asked.size())))]
                .attempt.execution.value();
    if (Pick(8) == 0) {
      FailToAnswer();
    } else {
      Answer(Pick(2) == 0, Pick(2) == 0 ? R"({"s": "eA=="})" : "");
    }
  }

  void Step() {
    const int64_t execution = 1 + Pick(rows_.counters.execution + 2);
    const std::string task = "t" + std::to_string(Pick(4));
    const std::string workflow = Pick(2) == 0 ? "w0" : "w1";
    switch (Pick(26)) {
      case 0: Upload(PickWorkflow(workflow)); break;
      case 1: Request(StartWorkflowExecution{"default", workflow}); break;
      case 2: Request(StopTaskExecution{execution, task, 0}); break;
      case 3:
        Request(StopTaskExecution{execution, "", 1 + Pick(rows_.counters.task_execution + 1)});
        break;
      case 4: Request(StartTaskExecution{execution, task}); break;
      case 5: Request(RestartTaskExecution{execution, task}); break;
      case 6: RareStep(execution, workflow, task); break;
      case 7: DeliverAnnouncements(); break;
      case 8:
      case 9:
      case 10:
      case 11: Send("k" + std::to_string(Pick(3)), Pick(3) == 0 ? execution : 0); break;
      case 12:
      case 13:
      case 14:
      case 15:
      case 16: AnswerSomething(); break;
      default: ReportSomething();
    }
  }
  void RareStep(int64_t execution, const std::string& workflow, const std::string& task) {
    switch (Pick(12)) {
      case 0: Request(StopWorkflowExecution{execution}); break;
      case 1: Request(StopWorkflowExecutions{"default", workflow}); break;
      case 2: Request(DeleteWorkflowExecution{execution}); break;
      case 3: Request(SetWorkflowEnabled{"default", workflow, Pick(4) != 0}); break;
      case 4:
        if (Pick(5) == 0) Request(DeleteWorkflow{"default", workflow});
        break;
      case 5:
      case 6:
        Request(MarkTask{execution, task, Pick(3) == 0 ? S::kFailed : S::kSuccess, ""});
        break;
      case 7: Request(RerunTasks{execution, {}}); break;
      case 8: Request(RerunTasks{execution, {task, PickTask(4)}}); break;
      case 9: Request(RetryDeadLetter{1 + Pick(rows_.counters.dead_letter + 1)}); break;
      case 10: Request(DropDeadLetter{1 + Pick(rows_.counters.dead_letter + 1)}); break;
      default:
        if (Pick(3) == 0) Request(DeleteSnapshot{1 + Pick(rows_.counters.snapshot + 1)});
    }
  }

  std::mt19937_64 random_;
};

TEST_P(RandomTest, Rule33TheStateEqualsOneLoadedFromTheRows) {
  random_.seed(static_cast<uint64_t>(GetParam()));
  if (GetParam() % 2 == 0) {  // decisions in parts, and another server after each
    max_executions_ = 1 + static_cast<size_t>(GetParam() / 2 % 3);
    reload_between_parts_ = true;
  }
  for (int i = 0; i < 300 && !HasFatalFailure(); ++i) Step();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTest, ::testing::Range(1, 101));

}  // namespace
}  // namespace aiflow::test
