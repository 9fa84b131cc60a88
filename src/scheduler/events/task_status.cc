#include <algorithm>
#include <string>

#include "model/limits.h"
#include "scheduler/events/events.h"
#include "scheduler/events/own_status.h"
#include "scheduler/stop_execution.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

/// Why the report cannot be applied; empty when it can.
std::string Refusal(const ExecutionDraft& execution, const TaskStatusReport& report) {
  const AttemptKey& attempt = report.attempt;
  if (!execution.workflow().HasTask(attempt.task)) return "the workflow has no such task";
  const std::string& name = execution.TaskName(attempt.task);
  if (!report.task_name.empty() && report.task_name != name) {
    return "task " + std::to_string(attempt.task) + " is '" + name + "'";
  }
  if (!IsFinished(report.status) && report.status != TaskStatus::kRunning) {
    return "an attempt does not report this status";
  }
  const TaskRow* task = execution.FindTask(attempt.task);
  if (task == nullptr || task->current == 0) return "the task has no current run";
  const TaskExecutionRow* run = execution.FindRun(attempt.task, task->current);
  if (run->attempt() != attempt) {
    return "the current attempt is " + run->attempt().ToString();
  }
  if (!IsLegalTransition(run->status, report.status)) {
    return "the run is " + std::string(TaskStatusName(run->status));
  }
  return "";
}

/// The engine makes statuses itself; with too many of them between two events from outside, rules
/// start each other for ever, and the execution fails.
void EndRuleLoop(ExecutionDraft& execution) {
  const auto tasks = static_cast<int64_t>(execution.workflow().tasks().size());
  if (!execution.running() || execution.row().cascade < limits::kMaxCascade + tasks) return;
  std::string names;
  int64_t empty = 0;
  for (const TaskSpec& task : execution.workflow().spec().tasks) {
    if (task.op != OperatorKind::kEmpty || ++empty > 10) continue;
    names += (names.empty() ? "'" : ", '") + task.name + "'";
  }
  if (empty > 10) names += ", ...";
  StopExecution(execution, StopCause::kFailure,
                "rule loop: " + std::to_string(execution.row().cascade) +
                    " runs of tasks without a process followed one another without an event from "
                    "outside; look at the rules of " +
                    names);
}

/// Before the try after number `failed`: doubled with each when the task says so.
Millis RetryDelay(const RetrySpec& retry, int64_t failed) {
  if (!retry.exponential) return retry.delay;
  const Millis bound =
      retry.max_delay == Millis(0) ? Millis(limits::kMaxRetryDelayMs) : retry.max_delay;
  Millis delay = retry.delay;
  for (int64_t i = 1; i < failed && delay < bound && delay > Millis(0); ++i) delay *= 2;
  return std::min(delay, bound);
}

/// What the report means for the run: a stop because of a limit of its own is a failure, and a
/// failure is RETRYING while tries are left and nobody wants it stopped.
TaskStatus Meaning(const ExecutionDraft& execution, const TaskExecutionRow& run,
                   const TaskStatusReport& report) {
  TaskStatus status = report.status;
  const bool limited = run.stop_cause == StopCause::kLimit && execution.running();
  if (limited && status == TaskStatus::kStopped) status = TaskStatus::kFailed;
  if (status != TaskStatus::kFailed || report.non_retriable || !execution.running()) return status;
  const RetrySpec& retry = execution.workflow().task_spec(run.task).retry;
  const bool wanted = run.stop_cause == StopCause::kNone || limited;
  return wanted && run.try_number <= retry.retries ? TaskStatus::kRetrying : status;
}

/// The try has ended, one way or the other.
void EndTry(ExecutionDraft& execution, TaskExecutionRow& run, const TaskStatusReport& report) {
  run.has_slot = false;
  run.deadline = Millis(0);
  // The limit says more than the signal that followed from it.
  const bool limited = run.stop_cause == StopCause::kLimit && !run.reason.empty();
  if (!limited) run.reason = report.reason;
  // Nobody here asked for it: it was stopped from outside.
  if (report.status == TaskStatus::kStopped && run.stop_cause == StopCause::kNone) {
    run.stop_cause = StopCause::kRequest;
  }
  execution.draft().EraseCommand(OutboxKind::kStopAttempt, report.attempt);
}

void EndRun(ExecutionDraft& execution, TaskExecutionRow& run, const TaskStatusReport& report) {
  run.end = execution.draft().now();
  if (run.status == TaskStatus::kSuccess) {
    run.reason = report.reason;
    run.output = report.output;
  }
  execution.EditTask(run.task).current = 0;
}

void WaitForRetry(ExecutionDraft& execution, TaskExecutionRow& run) {
  const RetrySpec& retry = execution.workflow().task_spec(run.task).retry;
  const Millis delay = RetryDelay(retry, run.try_number);
  run.deadline = execution.draft().now() + delay;
  run.reason = "try " + std::to_string(run.try_number) + " of " +
               std::to_string(retry.retries + 1) + " failed" +
               (run.reason.empty() ? "" : ": " + run.reason) + "; the next one follows in " +
               std::to_string(delay.count()) + " ms";
  execution.Record(CauseKind::kRetrying, run.task, run.sequence, -1, run.reason);
}

/// Sets the status, announces it, and lets the rules of this execution see it.
void ApplyStatus(ExecutionDraft& execution, const TaskStatusReport& report, TaskStatus status) {
  const AttemptKey& attempt = report.attempt;
  TaskExecutionRow& run = execution.EditRun(attempt.task, attempt.sequence);
  run.status = status;
  if (report.pid != 0) run.pid = report.pid;
  if (status == TaskStatus::kRunning) {
    const Millis limit = execution.workflow().task_spec(attempt.task).execution_timeout;
    run.deadline = limit == Millis(0) ? Millis(0) : execution.draft().now() + limit;
  } else {
    EndTry(execution, run, report);
  }
  if (IsFinished(status)) EndRun(execution, run, report);
  if (status == TaskStatus::kRetrying) WaitForRetry(execution, run);
  execution.draft().EraseCommand(OutboxKind::kStartAttempt, attempt);
  execution.Announce(run);
  LetRulesSee(execution, run);
}

}  // namespace

void OnTaskStatus(Draft& draft, const TaskStatusReport& report) {
  const AttemptKey& attempt = report.attempt;
  ExecutionDraft* execution = draft.Receive(attempt.execution);
  if (execution == nullptr) return;  // finished or deleted
  if (const std::string refusal = Refusal(*execution, report); !refusal.empty()) {
    execution->Record(CauseKind::kRejected, attempt.task, attempt.sequence, -1,
                      "report " + std::string(TaskStatusName(report.status)) + " of attempt " +
                          attempt.ToString() + " at offset " + std::to_string(draft.offset()) +
                          " changes nothing: " + refusal);
    return;
  }
  execution->Edit().event_offset = draft.offset();
  if (report.engine_made) EndRuleLoop(*execution);
  const TaskStatus before = execution->FindRun(attempt.task, attempt.sequence)->status;
  if (before == TaskStatus::kQueued && report.status == TaskStatus::kSuccess) {
    // It did run; the report of that was merged into this one.
    ApplyStatus(*execution, report, TaskStatus::kRunning);
  }
  const TaskStatus status =
      Meaning(*execution, *execution->FindRun(attempt.task, attempt.sequence), report);
  ApplyStatus(*execution, report, status);
  if (IsFinished(status) && execution->running()) DispatchNext(*execution, attempt.task);
}

}  // namespace aiflow
