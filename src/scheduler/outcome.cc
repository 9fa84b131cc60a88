#include "scheduler/outcome.h"

#include <string>
#include <vector>

#include "scheduler/hooks.h"

namespace aiflow {
namespace {

/// Which tasks of an execution without a live task something may still start: the least fixpoint
/// over their START and RESTART rules. Optional tasks do not count, neither for themselves nor as
/// somebody's upstream.
class Startable final : public Outlook {
 public:
  explicit Startable(const ExecutionDraft& execution)
      : execution_(execution), startable_(execution.workflow().tasks().size(), false) {}

  const TaskStatuses& tasks() const override { return execution_; }
  bool MayRun(TaskIndex task) const override { return startable_[static_cast<size_t>(task)]; }

  /// True as soon as a task that never ran can start.
  bool AnyThatNeverRan() {
    const std::vector<CompiledTask>& tasks = execution_.workflow().tasks();
    bool grew = true;
    while (grew) {
      grew = false;
      for (size_t i = 0; i < tasks.size(); ++i) {
        const auto task = static_cast<TaskIndex>(i);
        if (startable_[i] || execution_.workflow().task_spec(task).optional) continue;
        if (!MayStart(tasks[i])) continue;
        if (!execution_.LatestStatus(task).has_value()) return true;
        startable_[i] = true;
        grew = true;
      }
    }
    return false;
  }

 private:
  bool MayStart(const CompiledTask& task) const {
    for (const CompiledRule& rule : task.rules) {
      if (rule.action != TaskAction::kStop && rule.condition->MayBeMet(*this)) return true;
    }
    return false;
  }

  const ExecutionDraft& execution_;
  std::vector<bool> startable_;
};

void Finish(ExecutionDraft& execution, ExecutionStatus status, std::string reason) {
  ExecutionRow& row = execution.Edit();
  row.status = status;
  row.end = execution.draft().now();
  row.deadline = Millis(0);
  if (!reason.empty()) row.reason = std::move(reason);
  SendHooks(execution);
}

std::string Named(const ExecutionDraft& execution, const TaskExecutionRow& run) {
  std::string text = "task '" + execution.TaskName(run.task) + "' ";
  text += run.status == TaskStatus::kFailed ? "failed" : "was stopped";
  if (!run.reason.empty()) text += ": " + run.reason;
  return text;
}

/// By the latest run of each task: a failure, else a stop from outside the workflow, else success.
void FinishByTasks(ExecutionDraft& execution) {
  const TaskExecutionRow* failed = nullptr;
  const TaskExecutionRow* stopped = nullptr;
  int64_t failures = 0;
  bool ran = false;
  for (size_t i = 0; i < execution.workflow().tasks().size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    const int64_t latest = execution.LatestSequence(task);
    if (latest == 0) continue;
    ran = true;
    const TaskExecutionRow* run = execution.FindRun(task, latest);
    if (run->status == TaskStatus::kFailed) {
      if (failed == nullptr) failed = run;
      ++failures;
    }
    const bool by_somebody =
        run->stop_cause == StopCause::kRequest || run->stop_cause == StopCause::kLimit;
    if (run->status == TaskStatus::kStopped && by_somebody && stopped == nullptr) stopped = run;
  }
  if (failed != nullptr) {
    std::string reason = Named(execution, *failed);
    if (failures > 1) reason += " (and " + std::to_string(failures - 1) + " more)";
    return Finish(execution, ExecutionStatus::kFailed, std::move(reason));
  }
  if (!ran) {
    return Finish(execution, ExecutionStatus::kFailed, "no task started, and none can");
  }
  if (stopped != nullptr) {
    execution.Edit().stop_cause = stopped->stop_cause;
    return Finish(execution, ExecutionStatus::kStopped, Named(execution, *stopped));
  }
  Finish(execution, ExecutionStatus::kSuccess, "");
}

}  // namespace

void SettleExecution(ExecutionDraft& execution) {
  if (!execution.MayHaveEnded() || execution.HasLiveTask()) return;
  if (execution.row().status == ExecutionStatus::kStopping) {
    const bool failed = execution.row().stop_cause == StopCause::kFailure;
    return Finish(execution, failed ? ExecutionStatus::kFailed : ExecutionStatus::kStopped, "");
  }
  if (!execution.running() || execution.workflow().spec().keep_open) return;
  if (execution.evaluations().First() != nullptr) return;
  if (execution.HasTick() || Startable(execution).AnyThatNeverRan()) return;
  FinishByTasks(execution);
}

}  // namespace aiflow
