#include "scheduler/task_actions.h"

#include <algorithm>

#include "base/check.h"

namespace aiflow {
namespace {

std::string RunText(int64_t sequence) { return "run " + std::to_string(sequence); }

void SetStatus(TaskExecutionRow& run, TaskStatus status) {
  CHECK(IsLegalTransition(run.status, status))
      << "attempt " << run.attempt().ToString() << ": " << TaskStatusName(run.status) << " -> "
      << TaskStatusName(status);
  run.status = status;
}

/// The offset of the event that leads to an action.
Offset CauseOf(const ExecutionDraft& execution, const Why& why) {
  return why.cause != 0 ? why.cause : execution.draft().offset();
}

/// A new run in INIT, with the next sequence number.
TaskExecutionRow& MakeRun(ExecutionDraft& execution, TaskIndex task, Offset cause, RuleIndex rule) {
  TaskExecutionRow run;
  run.id = TaskExecutionId(++execution.draft().counters().task_execution);
  run.execution_id = execution.id();
  run.task = task;
  run.task_name = execution.TaskName(task);
  run.sequence = ++execution.EditTask(task).last_sequence;
  run.begin = execution.draft().now();
  run.cause_offset = cause;
  run.cause_rule = rule;
  const int64_t sequence = run.sequence;
  execution.AddRun(std::move(run));
  return execution.EditRun(task, sequence);
}

/// Makes the run the task's current one and queues it: for a slot, or, with nothing to run, for the
/// event of its success.
void Enqueue(ExecutionDraft& execution, TaskExecutionRow& run, std::string text) {
  TaskRow& row = execution.EditTask(run.task);
  CHECK(row.current == 0 || row.current == run.sequence)
      << "execution " << execution.id() << ": task " << run.task_name
      << " would have two current runs";
  SetStatus(run, TaskStatus::kQueued);
  row.current = run.sequence;
  row.latest = run.sequence;
  run.has_slot = false;
  run.deadline = Millis(0);
  const TaskSpec& spec = execution.workflow().task_spec(run.task);
  if (spec.op == OperatorKind::kEmpty) {
    execution.ReportSelf(run, TaskStatus::kSuccess);
    execution.Record(CauseKind::kStarted, run.task, run.sequence, run.cause_rule, std::move(text));
    return;
  }
  if (spec.queue_timeout != Millis(0)) run.deadline = execution.draft().now() + spec.queue_timeout;
  execution.AskForSlot(run.task, std::move(text));
}

const TaskExecutionRow* CurrentRun(const ExecutionDraft& execution, TaskIndex task) {
  const TaskRow* row = execution.FindTask(task);
  return row == nullptr || row->current == 0 ? nullptr : execution.FindRun(task, row->current);
}

/// Asks for the end of the current run, once. The executor decides by the claim whether one that it
/// was sent ever runs; what it was not sent is ended by the engine. The first cause stays, but a
/// stop weighs more than a restart or a limit of the task.
void StopCurrent(ExecutionDraft& execution, TaskIndex task, StopCause cause, RuleIndex rule,
                 const std::string& text) {
  const TaskRow* row = execution.FindTask(task);
  TaskExecutionRow& run = execution.EditRun(task, row->current);
  if (run.status == TaskStatus::kStopping) {
    const bool weak = run.stop_cause == StopCause::kRestart || run.stop_cause == StopCause::kLimit;
    if (weak && cause != StopCause::kRestart) {
      run.stop_cause = cause;
      run.reason.clear();
    }
    return;
  }
  const TaskSpec& spec = execution.workflow().task_spec(task);
  SetStatus(run, TaskStatus::kStopping);
  run.stop_cause = cause;
  run.reason.clear();
  execution.Record(CauseKind::kStopped, task, run.sequence, rule, text);
  if (run.has_slot) {
    run.deadline = execution.draft().now() + spec.stop_grace + kStopAlarm;
    execution.draft().Send(OutboxKind::kStopAttempt, run.attempt());
    return;
  }
  run.deadline = Millis(0);
  // An empty task has its success under way already: that is the real outcome.
  if (spec.op != OperatorKind::kEmpty) execution.ReportSelf(run, TaskStatus::kStopped);
}

StartOutcome Coalesce(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const int64_t sequence = execution.FindTask(task)->successor;
  TaskExecutionRow& run = execution.EditRun(task, sequence);
  const Offset before = run.cause_offset;
  run.cause_offset = CauseOf(execution, why);
  run.cause_rule = why.rule;
  ++run.coalesced;
  execution.Record(CauseKind::kCoalesced, task, sequence, why.rule,
                   why.text + "; folded into the waiting " + RunText(sequence) +
                       ", in place of its cause at offset " + std::to_string(before));
  return {StartEffect::kCoalesced, sequence};
}

StartOutcome MakeSuccessor(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const TaskExecutionRow& run = MakeRun(execution, task, CauseOf(execution, why), why.rule);
  TaskRow& row = execution.EditTask(task);
  row.successor = run.sequence;
  const std::string waits_for =
      row.current == 0 ? "" : "; waits for the end of " + RunText(row.current);
  execution.Record(CauseKind::kQueued, task, run.sequence, why.rule, why.text + waits_for);
  return {StartEffect::kSuccessor, run.sequence};
}

StartOutcome KeepStart(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const int64_t limit = execution.workflow().task_spec(task).max_pending_starts;
  const auto waiting = static_cast<int64_t>(execution.FindTask(task)->pending_starts.size());
  if (waiting >= limit) {
    execution.Record(CauseKind::kDropped, task, 0, why.rule,
                     why.text + "; dropped: " + std::to_string(waiting) +
                         " starts wait, the limit of max_pending_starts");
    return {StartEffect::kDropped, 0};
  }
  execution.EditTask(task).pending_starts.push_back(CauseOf(execution, why));
  execution.Record(CauseKind::kQueued, task, 0, why.rule,
                   why.text + "; kept, " + std::to_string(waiting) + " starts are before it");
  return {StartEffect::kQueued, 0};
}

void DropPending(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  std::vector<Offset> dropped;
  dropped.swap(execution.EditTask(task).pending_starts);
  constexpr size_t kNamed = 20;
  std::string offsets;
  for (size_t i = 0; i < std::min(dropped.size(), kNamed); ++i) {
    offsets += (i == 0 ? "" : ", ") + std::to_string(dropped[i]);
  }
  if (dropped.size() > kNamed) offsets += ", ...";
  execution.Record(CauseKind::kDropped, task, 0, why.rule,
                   why.text + "; cancels " + std::to_string(dropped.size()) +
                       " kept starts, of the events at offsets " + offsets);
}

}  // namespace

StartOutcome StartTask(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const TaskRow* row = execution.FindTask(task);
  if (row == nullptr || !IsLive(*row)) {
    TaskExecutionRow& run = MakeRun(execution, task, CauseOf(execution, why), why.rule);
    Enqueue(execution, run, why.text);
    return {StartEffect::kStarted, run.sequence};
  }
  const OnAlive on_alive = execution.workflow().task_spec(task).on_alive;
  const TaskExecutionRow* current = CurrentRun(execution, task);
  const bool stopping = current != nullptr && current->status == TaskStatus::kStopping;
  if (stopping && row->successor == 0) return MakeSuccessor(execution, task, why);
  if (on_alive == OnAlive::kQueue) return KeepStart(execution, task, why);
  if (stopping) return Coalesce(execution, task, why);
  if (on_alive == OnAlive::kRestart) return RestartTask(execution, task, why);
  const int64_t live = row->current != 0 ? row->current : row->successor;
  execution.Record(CauseKind::kIgnored, task, live, why.rule,
                   why.text + "; ignored, " + RunText(live) + " is alive");
  return {StartEffect::kIgnored, live};
}

StartOutcome RestartTask(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const TaskRow* row = execution.FindTask(task);
  if (row == nullptr || !IsLive(*row)) return StartTask(execution, task, why);
  if (row->current != 0) {
    StopCurrent(execution, task, StopCause::kRestart, why.rule,
                why.text + "; stopped for a restart");
  }
  if (execution.FindTask(task)->successor != 0) return Coalesce(execution, task, why);
  return MakeSuccessor(execution, task, why);
}

StartOutcome QueueTask(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const TaskRow* row = execution.FindTask(task);
  if (row == nullptr || !IsLive(*row)) return StartTask(execution, task, why);
  return KeepStart(execution, task, why);
}

void StopForLimit(ExecutionDraft& execution, TaskIndex task, std::string reason) {
  StopCurrent(execution, task, StopCause::kLimit, -1, reason);
  execution.EditRun(task, execution.FindTask(task)->current).reason = std::move(reason);
}

void Retry(ExecutionDraft& execution, TaskIndex task) {
  TaskExecutionRow& run = execution.EditRun(task, execution.FindTask(task)->current);
  ++run.try_number;
  run.stop_cause = StopCause::kNone;
  run.reason.clear();
  Enqueue(execution, run,
          "try " + std::to_string(run.try_number) + " of " + RunText(run.sequence) +
              ", of the event at offset " + std::to_string(run.cause_offset));
}

bool StopTask(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  const TaskRow* row = execution.FindTask(task);
  if (row == nullptr || !IsLive(*row)) return false;
  if (row->successor != 0) CancelSuccessor(execution, task, why);
  row = execution.FindTask(task);
  if (!row->pending_starts.empty()) DropPending(execution, task, why);
  row = execution.FindTask(task);
  if (row->current != 0) StopCurrent(execution, task, why.stop_cause, why.rule, why.text);
  return true;
}

// Rules of the same execution look at the status of the task, which a run that never began does not
// change: its end is announced, and evaluated by nobody here.
void CancelSuccessor(ExecutionDraft& execution, TaskIndex task, const Why& why) {
  TaskRow& row = execution.EditTask(task);
  CHECK(row.successor != 0) << "task " << task << " has no successor";
  TaskExecutionRow& run = execution.EditRun(task, row.successor);
  SetStatus(run, TaskStatus::kStopped);
  run.stop_cause = why.stop_cause;
  run.end = execution.draft().now();
  run.reason = "stopped before it ran";
  row.successor = 0;
  execution.Record(CauseKind::kStopped, task, run.sequence, why.rule,
                   why.text + "; " + RunText(run.sequence) + " never ran");
  execution.Announce(run);
}

void DispatchNext(ExecutionDraft& execution, TaskIndex task) {
  const TaskRow* row = execution.FindTask(task);
  if (row == nullptr || row->current != 0 || !IsLive(*row)) return;
  const std::string after = "; waited for " + RunText(row->latest);
  if (row->successor != 0) {
    TaskRow& edited = execution.EditTask(task);
    TaskExecutionRow& run = execution.EditRun(task, edited.successor);
    edited.successor = 0;
    Enqueue(execution, run, "event at offset " + std::to_string(run.cause_offset) + after);
    return;
  }
  TaskRow& edited = execution.EditTask(task);
  const Offset cause = edited.pending_starts.front();
  edited.pending_starts.erase(edited.pending_starts.begin());
  TaskExecutionRow& run = MakeRun(execution, task, cause, -1);
  Enqueue(execution, run, "event at offset " + std::to_string(cause) + after);
}

TaskExecutionRow& RecordRun(ExecutionDraft& execution, TaskIndex task, TaskStatus status,
                            std::string reason, std::string text) {
  TaskExecutionRow& run = MakeRun(execution, task, execution.draft().offset(), -1);
  TaskRow& row = execution.EditTask(task);
  CHECK(!IsLive(row)) << "execution " << execution.id() << ": task " << run.task_name
                      << " is alive";
  SetStatus(run, TaskStatus::kQueued);
  SetStatus(run, status);
  run.end = execution.draft().now();
  run.reason = std::move(reason);
  row.latest = run.sequence;
  execution.Record(CauseKind::kMarked, task, run.sequence, -1, std::move(text));
  execution.Announce(run);
  return run;
}

}  // namespace aiflow
