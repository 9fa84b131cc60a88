#include <string>

#include "scheduler/events/events.h"
#include "scheduler/events/own_status.h"
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

/// Sets the status, announces it, and lets the rules of this execution see it.
void ApplyStatus(ExecutionDraft& execution, const TaskStatusReport& report, TaskStatus status) {
  const AttemptKey& attempt = report.attempt;
  TaskExecutionRow& run = execution.EditRun(attempt.task, attempt.sequence);
  run.status = status;
  if (report.pid != 0) run.pid = report.pid;
  if (IsFinished(status)) {
    run.end = execution.draft().now();
    run.reason = report.reason;
    // Nobody here asked for it: it was stopped from outside.
    if (status == TaskStatus::kStopped && run.stop_cause == StopCause::kNone) {
      run.stop_cause = StopCause::kRequest;
    }
    execution.EditTask(attempt.task).current = 0;
    execution.draft().EraseCommand(OutboxKind::kStopAttempt, attempt);
  }
  execution.draft().EraseCommand(OutboxKind::kStartAttempt, attempt);
  execution.Announce(run);
  LetRulesSee(execution, run);
}

}  // namespace

void OnTaskStatus(Draft& draft, const TaskStatusReport& report) {
  const AttemptKey& attempt = report.attempt;
  ExecutionDraft* execution = draft.FindExecution(attempt.execution);
  if (execution == nullptr) return;  // finished or deleted
  if (const std::string refusal = Refusal(*execution, report); !refusal.empty()) {
    execution->Record(CauseKind::kRejected, attempt.task, attempt.sequence, -1,
                      "report " + std::string(TaskStatusName(report.status)) + " of attempt " +
                          attempt.ToString() + " at offset " + std::to_string(draft.offset()) +
                          " changes nothing: " + refusal);
    return;
  }
  execution->Edit().event_offset = draft.offset();
  const TaskStatus before = execution->FindRun(attempt.task, attempt.sequence)->status;
  if (before == TaskStatus::kQueued && report.status == TaskStatus::kSuccess) {
    // It did run; the report of that was merged into this one.
    ApplyStatus(*execution, report, TaskStatus::kRunning);
  }
  ApplyStatus(*execution, report, report.status);
  if (IsFinished(report.status) && execution->running()) DispatchNext(*execution, attempt.task);
}

}  // namespace aiflow
