#include "scheduler/quarantine.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "calendar/recurrence.h"
#include "model/event_keys.h"
#include "model/limits.h"
#include "model/requests.h"
#include "scheduler/events/own_status.h"
#include "scheduler/parts.h"
#include "scheduler/suspensions.h"

namespace aiflow {
namespace {

/// Of the event that is decided, from an earlier part; null when there is none.
const DeadLetterRow* FindLetter(const Draft& draft) {
  if (!draft.resumed()) return nullptr;
  for (const auto& [id, letter] : draft.state().dead_letters) {
    if (IsQuarantine(letter) && letter.event.offset == draft.cursor().offset) return &letter;
  }
  return nullptr;
}

DeadLetterRow NewLetter(Draft& draft, Treatment treatment) {
  DeadLetterRow letter;
  letter.id = DeadLetterId(++draft.counters().dead_letter);
  letter.question = -1;
  letter.event = draft.event();
  letter.time = draft.now();
  const int64_t times = (treatment == Treatment::kSetAside ? 2 : 1) * limits::kMaxCrashes;
  letter.error = "the server died " + std::to_string(times) +
                 " times in a row while it decided about this event";
  return letter;
}

/// The request that the event carries, when it is one of this kind.
template <typename T>
std::optional<T> RequestAs(const Event& event) {
  const Result<Request> request = ParseRequest(event);
  const T* typed = request.has_value() ? std::get_if<T>(&*request) : nullptr;
  return typed == nullptr ? std::nullopt : std::optional<T>(*typed);
}

/// Somebody waits for the answer to the event, or nobody can be suspended in its place.
bool IsForNobody(const Event& event) {
  if (event.key != kSchedulingEventKey) return false;
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value()) return true;
  if (const auto* timer = std::get_if<TimerFired>(&*request)) {
    return timer->kind == TimerKind::kHook;
  }
  return !std::holds_alternative<TaskStatusReport>(*request) &&
         !std::holds_alternative<EvaluationAnswer>(*request);
}

/// The replay of a held event takes the server down, like the event itself before.
void QuarantineReplay(Draft& draft, const ReplayHeld& replay, Treatment treatment) {
  const Suspension* suspension = FindReplaying(draft.state(), replay);
  if (suspension == nullptr) return;
  DeadLetterRow letter = NewLetter(draft, treatment);
  letter.decided = true;
  if (!suspension->held.empty()) letter.event = suspension->held.begin()->second.event;
  draft.Put(MakeSuspension(draft, ReceiverOf(suspension->row), letter));
  draft.Put(std::move(letter));
}

/// What comes in place of a dropped event, when its receiver would wait for it for ever: the end of
/// a run, or an answer. Nothing for all others.
std::optional<Event> SubstituteFor(const Event& dropped) {
  Result<Request> request = ParseRequest(dropped);
  if (!request.has_value()) return std::nullopt;
  if (auto* report = std::get_if<TaskStatusReport>(&*request)) {
    if (!IsFinished(report->status)) return std::nullopt;
    report->reason = "its end (" + std::string(TaskStatusName(report->status)) +
                     ") was reported, but the report was dropped by hand";
    report->status = TaskStatus::kFailed;
    report->non_retriable = true;
  } else if (auto* answer = std::get_if<EvaluationAnswer>(&*request)) {
    answer->met = false;
    answer->states_json.clear();
    answer->error = "the answer was dropped by hand";
  } else {
    return std::nullopt;
  }
  Event event = FormatRequest(*request);
  event.offset = dropped.offset;
  event.create_time = dropped.create_time;
  return event;
}

/// The due time of a dropped firing of a schedule is passed over.
void SkipDueTime(ScheduleRow& row) {
  const Result<Recurrence> recurrence = Recurrence::Parse(row.expression, row.timezone);
  const auto next = recurrence.has_value() ? recurrence->Next(row.next_due) : std::nullopt;
  row.next_due = next.value_or(Millis(0));
  row.reason = "nothing was started for the last due time: it was dropped by hand";
}

/// A time limit is off; without its next try a run has failed.
void SkipDeadline(ExecutionDraft& execution, TaskIndex task, int64_t sequence) {
  TaskExecutionRow& run = execution.EditRun(task, sequence);
  run.deadline = Millis(0);
  if (run.status != TaskStatus::kRetrying) return;
  run.status = TaskStatus::kFailed;
  run.end = execution.draft().now();
  run.reason = "its next try was dropped by hand";
  execution.EditTask(task).current = 0;
  execution.Announce(run);
  LetRulesSee(execution, run);
}

/// A run whose beginning nobody was told of may take as long as it likes to report its end.
void ForgetBeginning(Draft& draft, const Event& dropped) {
  const auto report = RequestAs<TaskStatusReport>(dropped);
  if (!report.has_value() || report->status != TaskStatus::kRunning) return;
  const AttemptKey& attempt = report->attempt;
  ExecutionDraft* execution = draft.FindExecution(attempt.execution);
  if (execution == nullptr || !execution->workflow().HasTask(attempt.task)) return;
  const TaskExecutionRow* run = execution->FindRun(attempt.task, attempt.sequence);
  if (run == nullptr || run->attempt() != attempt || run->status != TaskStatus::kQueued) return;
  execution->EditRun(attempt.task, attempt.sequence).deadline = Millis(0);
}

/// The timer of a dropped firing goes on with the due time after it, or is off. Those of schedules
/// are the caller's.
void SkipTimer(Draft& draft, const TimerFired& timer) {
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(timer.owner));
  if (execution == nullptr) return;
  const TaskIndex task = timer.task;
  switch (timer.kind) {
    case TimerKind::kTick: {
      const auto& periodic = execution->workflow().tasks()[static_cast<size_t>(task)].periodic;
      execution->EditTask(task).next_tick =
          periodic->Next(Millis(timer.due_ms)).value_or(Millis(0));
      return;
    }
    case TimerKind::kTask: SkipDeadline(*execution, task, timer.generation); return;
    case TimerKind::kExecution: execution->Edit().deadline = Millis(0); return;
    case TimerKind::kSchedule:
    case TimerKind::kHook: return;
  }
}

/// The firing that is dropped, if it is one that the state still waits for.
std::optional<TimerFired> DroppedTimer(const Draft& draft, const DeadLetterRow& letter) {
  const auto timer = RequestAs<TimerFired>(letter.event);
  if (!timer.has_value()) return std::nullopt;
  const bool stands = draft.state().timers.contains({Millis(timer->due_ms), *timer});
  return stands ? timer : std::nullopt;
}

/// What kept its triggers and schedules from starting executions is over.
void FreeWorkflow(Draft& draft, WorkflowId id, const std::string& text,
                  const std::optional<TimerFired>& dropped) {
  const WorkflowEntry* workflow = draft.state().FindWorkflowEntry(id);
  if (workflow == nullptr) return;
  for (const TriggerId trigger : workflow->triggers) {
    if (draft.FindTrigger(trigger)->reason == text) draft.EditTrigger(trigger).reason.clear();
  }
  for (const ScheduleId schedule : workflow->schedules) {
    ScheduleRow row = draft.state().schedules.at(schedule);
    if (row.reason == text) row.reason.clear();
    const bool skips = dropped.has_value() && dropped->kind == TimerKind::kSchedule &&
                       dropped->owner == schedule.value();
    if (skips) SkipDueTime(row);
    draft.Put(std::move(row));
  }
}

void FreeExecution(Draft& draft, const Suspension& suspension, const DeadLetterRow& letter,
                   bool drop) {
  ExecutionDraft* execution = draft.FindExecution(suspension.row.execution_id);
  if (execution == nullptr) return;
  if (execution->row().reason == SuspendedText(letter)) {
    execution->Edit().reason = suspension.row.reason_before;
  }
  execution->Record(CauseKind::kMarked, -1, 0, -1,
                    "it was suspended from event " + std::to_string(letter.event.offset) +
                        " on, which was " + (drop ? "dropped" : "retried") + " as failed event " +
                        std::to_string(letter.id.value()) + "; " +
                        std::to_string(suspension.held.size()) + " events were held");
}

/// The event never comes to the receiver. True: something comes in its place.
bool DropHeld(Draft& draft, const Receiver& receiver, const Event& event) {
  draft.Put(EraseHeldEvent{receiver.first, receiver.second, event.offset});
  std::optional<Event> substitute = SubstituteFor(event);
  if (!substitute.has_value()) return false;
  draft.Put(HeldEventRow{receiver.first, receiver.second, event.offset, std::move(*substitute)});
  return true;
}

/// Of one receiver. How many rows it changes.
size_t Release(Draft& draft, const Suspension& suspension, const DeadLetterRow& letter, bool drop) {
  const Receiver receiver = ReceiverOf(suspension.row);
  const auto dropped = drop ? DroppedTimer(draft, letter) : std::nullopt;
  if (receiver.first.valid()) {
    FreeExecution(draft, suspension, letter, drop);
    if (dropped.has_value()) SkipTimer(draft, *dropped);
    if (drop) ForgetBeginning(draft, letter.event);
  } else {
    FreeWorkflow(draft, receiver.second, SuspendedText(letter), dropped);
  }
  size_t replays = 0;
  for (const auto& [offset, held] : suspension.held) {
    const bool is_dropped = drop && offset == letter.event.offset;
    if (is_dropped && !DropHeld(draft, receiver, letter.event)) continue;
    PublishReplay(draft, receiver, offset, letter.id);
    ++replays;
  }
  if (replays == 0) PublishReplay(draft, receiver, 0, letter.id);
  SuspensionRow row = suspension.row;
  row.replaying = true;
  draft.Put(std::move(row));
  draft.suspensions().Released(receiver);
  constexpr size_t kOwnRows = 5;
  return replays + kOwnRows;
}

void ReleaseWithoutReceivers(Draft& draft, const DeadLetterRow& letter, bool drop) {
  if (drop) {
    if (const auto timer = DroppedTimer(draft, letter); timer.has_value()) {
      SkipTimer(draft, *timer);
      if (timer->kind == TimerKind::kSchedule) {
        ScheduleRow row = draft.state().schedules.at(ScheduleId(timer->owner));
        SkipDueTime(row);
        draft.Put(std::move(row));
      }
    }
    ForgetBeginning(draft, letter.event);
  }
  std::optional<Event> event = drop ? SubstituteFor(letter.event) : letter.event;
  if (event.has_value()) PublishAgain(draft, std::move(*event), ResentEventId(letter.id));
  draft.Put(EraseDeadLetter{letter.id});
  draft.Reply(
      Code::kOk,
      "failed event " + std::to_string(letter.id.value()) + (drop ? " dropped" : " is sent again"),
      letter.id.value());
}

}  // namespace

bool IsQuarantine(const DeadLetterRow& letter) {
  return !letter.execution_id.valid() && !letter.trigger_id.valid();
}

bool IsQuarantined(const Draft& draft) { return FindLetter(draft) != nullptr; }

bool QuarantineEvent(Draft& draft, Treatment treatment) {
  const Event& event = draft.event();
  const DeadLetterRow* known = FindLetter(draft);
  if (draft.cursor().handled) {
    // Everybody has received it; what is left is what waits for slots and the like.
    if (known == nullptr) {
      DeadLetterRow letter = NewLetter(draft, treatment);
      letter.decided = true;
      letter.error += ", after everybody had received it: what waits may begin with a later event";
      draft.Put(std::move(letter));
    }
    return false;
  }
  if (event.kind == EventKind::kInternal && event.value == "REPLAY_HELD") {
    const auto replay = RequestAs<ReplayHeld>(event);
    if (replay.has_value()) QuarantineReplay(draft, *replay, treatment);
    return false;
  }
  DeadLetterRow letter = known != nullptr ? *known : NewLetter(draft, treatment);
  // Of what is set aside nothing is looked at, not even what it asks for.
  if (treatment != Treatment::kSetAside && !IsForNobody(event)) {
    letter.decided = true;
    draft.suspensions().SuspendReceivers(std::move(letter));
    return true;
  }
  if (draft.resumed() && treatment == Treatment::kSetAside) {
    // Sent again it would come twice to those whom it has reached.
    letter.decided = true;
    letter.error += "; it is decided up to workflow " +
                    std::to_string(draft.cursor().workflow.value()) + " and workflow execution " +
                    std::to_string(draft.cursor().execution.value()) +
                    ": those behind them have not received it, and a retry changes nothing";
  }
  const bool answered = event.key == kSchedulingEventKey && event.kind != EventKind::kTaskStatus;
  if (answered) {
    draft.Reply(Code::kInternal, letter.error + ": it is set aside as failed event " +
                                     std::to_string(letter.id.value()));
  }
  draft.Put(std::move(letter));
  return false;
}

void ReleaseQuarantine(Draft& draft, const DeadLetterRow& letter, bool drop) {
  if (!letter.decided) return ReleaseWithoutReceivers(draft, letter, drop);
  const auto& suspensions = draft.state().suspensions;
  Receiver last{draft.cursor().execution, draft.cursor().workflow};
  int64_t released = draft.cursor().count;
  PartBudget budget(draft);
  for (auto it = suspensions.upper_bound(last); it != suspensions.end(); ++it) {
    const SuspensionRow& row = it->second.row;
    const bool releases = row.letter == letter.id && !row.replaying;
    // Suspended by another event; this one waits there with the others.
    const bool drops = !releases && drop && it->second.held.contains(letter.event.offset);
    if (!releases && !drops) continue;
    if (budget.full()) {
      CursorRow& next = draft.Cut();
      next.execution = last.first;
      next.workflow = last.second;
      next.count = released;
      return;
    }
    last = it->first;
    if (drops) {
      DropHeld(draft, it->first, letter.event);
      budget.Spend(limits::kRowsOfHolding);
      continue;
    }
    budget.Spend(Release(draft, it->second, letter, drop));
    ++released;
  }
  draft.Put(EraseDeadLetter{letter.id});
  draft.Reply(Code::kOk,
              "failed event " + std::to_string(letter.id.value()) +
                  (drop ? " dropped; " : " is retried; ") + std::to_string(released) +
                  " executions and workflows are suspended no more",
              letter.id.value());
}

}  // namespace aiflow
