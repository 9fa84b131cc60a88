#include "scheduler/suspensions.h"

#include <string_view>

#include "model/event_keys.h"
#include "model/limits.h"
#include "scheduler/draft.h"
#include "scheduler/outcome.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/stop_execution.h"

namespace aiflow {
namespace {

constexpr std::string_view kSuspendedMark = "; suspended: ";

ReplayHeld ReplayOf(const Receiver& receiver) {
  return {.execution_id = receiver.first.value(), .workflow_id = receiver.second.value()};
}

std::string NameOf(const State::Rep& state, const Receiver& receiver) {
  if (receiver.first.valid()) {
    return "workflow execution " + std::to_string(receiver.first.value());
  }
  const WorkflowRow* workflow = state.FindWorkflow(receiver.second);
  return "triggers and schedules of workflow " + (workflow == nullptr
                                                      ? std::to_string(receiver.second.value())
                                                      : workflow->ns + "." + workflow->name);
}

std::string LostText(int64_t lost) {
  return std::to_string(lost) + " events came while it was suspended that could not be kept (" +
         std::to_string(limits::kMaxHeldEvents) + " are, or " +
         std::to_string(limits::kMaxHeldBytes >> 20) + " MiB for all who are suspended)";
}

}  // namespace

const State::Rep& SuspensionDraft::draft_state() const { return draft_.state(); }

bool SuspensionDraft::replays(const Receiver& receiver) const {
  return replayed_ != nullptr && receiver == ReceiverOf(*replayed_);
}

// Requests of the API are not held but refused: somebody waits for their answer.
bool SuspensionDraft::IsHeld() const {
  const Event& event = draft_.event();
  return event.kind != EventKind::kInternal || event.value == "TIMER_FIRED" || draft_.is_answer();
}

bool SuspensionDraft::TakesOrHolds(const Receiver& receiver, bool receives) {
  if (replayed_ != nullptr) return replays(receiver);
  if (!letter_.has_value() && !draft_.state().suspensions.contains(receiver)) return true;
  if (receives && IsHeld()) holding_.insert(receiver);
  return false;
}

bool SuspensionDraft::TakesOrHolds(ExecutionId id) {
  if (nobody_is_suspended()) return true;
  const ExecutionEntry* entry = draft_.state().FindExecution(id);
  if (entry == nullptr) return true;  // there is nobody to keep it from
  const EventKind kind = draft_.event().kind;
  const bool is_broadcast = kind == EventKind::kUser || kind == EventKind::kStatusChanged;
  // As whoever applies it sees it.
  const bool receives = !is_broadcast || (entry->row.status == ExecutionStatus::kRunning &&
                                          draft_.offset() > entry->row.created_offset &&
                                          draft_.offset() > entry->row.event_offset);
  return TakesOrHolds(Receiver{id, WorkflowId()}, receives);
}

bool SuspensionDraft::TakesOrHolds(WorkflowId id) {
  return nobody_is_suspended() || TakesOrHolds(Receiver{ExecutionId(), id}, true);
}

// Without reports, answers and firings something would wait for ever, and they never come again.
// There are not many: of each run, question and timer at most a few.
bool SuspensionDraft::MayBeLost() const {
  const EventKind kind = draft_.event().kind;
  return kind == EventKind::kUser || kind == EventKind::kStatusChanged ||
         kind == EventKind::kScheduling;
}

void SuspensionDraft::Hold(const Receiver& receiver) {
  const State::Rep& state = draft_.state();
  HeldEventRow held{receiver.first, receiver.second, draft_.offset(), draft_.event()};
  const auto found = state.suspensions.find(receiver);
  const bool known = found != state.suspensions.end();
  if (known && found->second.held.contains(held.offset)) return;
  SuspensionRow row = known ? found->second.row : NewSuspension(receiver);
  const size_t events = known ? found->second.held.size() : 0;
  const size_t bytes = SizeOf(held);
  const bool fits = events < limits::kMaxHeldEvents &&
                    state.held_bytes + held_bytes_ + bytes <= limits::kMaxHeldBytes;
  const bool keeps = fits || !MayBeLost();
  if (!keeps) ++row.lost;
  if (!known || !keeps) draft_.Put(row);
  if (!keeps) return;
  held_bytes_ += bytes;
  draft_.Put(std::move(held));
  if (row.replaying) PublishReplay(draft_, receiver, draft_.offset(), row.letter);
}

/// By the letter, which then names the receiver.
SuspensionRow SuspensionDraft::NewSuspension(const Receiver& receiver) {
  constexpr size_t kMaxTextBytes = 1'000;
  std::string& text = letter_->error;
  const bool first = text.find(kSuspendedMark) == std::string::npos;
  if (text.size() < kMaxTextBytes) {
    text += (first ? std::string(kSuspendedMark) : ", ") + NameOf(draft_.state(), receiver);
    if (text.size() >= kMaxTextBytes) text += ", ...";
  }
  return MakeSuspension(draft_, receiver, *letter_);
}

void SuspensionDraft::Settle() {
  for (const Receiver& receiver : holding_) Hold(receiver);
  if (letter_.has_value()) draft_.Put(*letter_);
  for (const Receiver& receiver : released_) {
    if (HasEnded(receiver)) End(receiver);
  }
  if (replayed_ != nullptr) EndReplayStep();
}

bool SuspensionDraft::HasEnded(const Receiver& receiver) const {
  const auto execution = draft_.executions().find(receiver.first);
  return execution != draft_.executions().end() && IsFinished(execution->second->row().status);
}

void SuspensionDraft::EndReplayStep() {
  const Receiver receiver = ReceiverOf(*replayed_);
  frees_runs_ = true;
  draft_.Put(EraseHeldEvent{receiver.first, receiver.second, replayed_->offset});
  const Suspension& suspension = draft_.state().suspensions.at(receiver);
  if (HasEnded(receiver) || suspension.held.size() == 1) End(receiver);
}

/// The execution has ended: requests are for an ended one now, and come as later events. Nothing
/// else that is held means anything to it.
void SuspensionDraft::SendOn(const Suspension& suspension) {
  const ReplayHeld replay = ReplayOf(ReceiverOf(suspension.row));
  for (const auto& [offset, held] : suspension.held) {
    const bool is_replayed = replayed_ != nullptr && replayed_->offset == offset;
    if (is_replayed || held.event.kind != EventKind::kScheduling) continue;
    PublishAgain(draft_, held.event,
                 ReplayEventId(replay, offset, suspension.row.letter) + "/request");
  }
}

void SuspensionDraft::End(const Receiver& receiver) {
  const Suspension& suspension = draft_.state().suspensions.at(receiver);
  const SuspensionRow& row = suspension.row;
  if (HasEnded(receiver)) SendOn(suspension);
  frees_runs_ = true;
  draft_.Put(EraseSuspension{receiver.first, receiver.second});
  if (row.lost == 0) return;
  if (!receiver.first.valid()) {
    const WorkflowEntry* workflow = draft_.state().FindWorkflowEntry(receiver.second);
    if (workflow == nullptr) return;
    for (const TriggerId id : workflow->triggers) {
      if (draft_.FindTrigger(id) != nullptr) draft_.EditTrigger(id).reason = LostText(row.lost);
    }
    return;
  }
  ExecutionDraft* execution = draft_.FindExecution(receiver.first);
  if (execution == nullptr || !execution->running()) return;
  StopExecution(*execution, StopCause::kFailure, LostText(row.lost));
  SettleExecution(*execution);
}

const Suspension* FindReplaying(const State::Rep& state, const ReplayHeld& request) {
  const auto found =
      state.suspensions.find({ExecutionId(request.execution_id), WorkflowId(request.workflow_id)});
  const bool ends = found != state.suspensions.end() && found->second.row.replaying;
  return ends ? &found->second : nullptr;
}

void PublishAgain(Draft& draft, Event event, std::string id) {
  event.offset = 0;
  event.create_time = Millis(0);
  event.id = std::move(id);
  draft.Publish(std::move(event));
}

void PublishReplay(Draft& draft, const Receiver& receiver, Offset offset, DeadLetterId letter) {
  Event event = FormatRequest(ReplayOf(receiver));
  event.id = ReplayEventId(ReplayOf(receiver), offset, letter);
  draft.Publish(std::move(event));
}

SuspensionRow MakeSuspension(Draft& draft, const Receiver& receiver, const DeadLetterRow& letter) {
  const State::Rep& state = draft.state();
  const auto known = state.suspensions.find(receiver);
  SuspensionRow row;
  if (known != state.suspensions.end()) row = known->second.row;
  row.execution_id = receiver.first;
  row.workflow_id = receiver.second;
  row.letter = letter.id;
  row.replaying = false;
  const std::string text = SuspendedText(letter);
  if (const ExecutionEntry* execution = state.FindExecution(receiver.first)) {
    ExecutionRow suspended = execution->row;
    row.reason_before = std::exchange(suspended.reason, text);
    draft.Put(std::move(suspended));
  } else if (const WorkflowEntry* workflow = state.FindWorkflowEntry(receiver.second)) {
    for (const TriggerId id : workflow->triggers) draft.EditTrigger(id).reason = text;
    for (const ScheduleId id : workflow->schedules) {
      ScheduleRow schedule = state.schedules.at(id);
      schedule.reason = text;
      draft.Put(std::move(schedule));
    }
  }
  return row;
}

std::string SuspendedText(const DeadLetterRow& letter) {
  const std::string id = std::to_string(letter.id.value());
  return "suspended: the server died again and again at event " +
         std::to_string(letter.event.offset) + ", which is failed event " + id +
         "; 'aiflow event failed retry " + id + "' or 'drop " + id + "' ends it";
}

std::string SuspendedText(const State::Rep& state, const Receiver& receiver) {
  const auto suspension = state.suspensions.find(receiver);
  if (suspension == state.suspensions.end()) return "";
  if (suspension->second.row.replaying) {
    return "suspended: events that it has missed are coming to it; try again in a moment";
  }
  const auto letter = state.dead_letters.find(suspension->second.row.letter);
  return letter == state.dead_letters.end() ? "suspended" : SuspendedText(letter->second);
}

const HeldEventRow* FindReplayed(const State::Rep& state, const Event& event) {
  if (state.suspensions.empty() || state.cursor.part != 0) return nullptr;
  if (event.kind != EventKind::kInternal || event.value != "REPLAY_HELD") return nullptr;
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value()) return nullptr;
  const auto* replay = std::get_if<ReplayHeld>(&*request);
  if (replay == nullptr) return nullptr;
  const Suspension* suspension = FindReplaying(state, *replay);
  if (suspension == nullptr || suspension->held.empty()) return nullptr;
  return &suspension->held.begin()->second;
}

void Handle(Draft& draft, const ReplayHeld& request) {
  const Suspension* suspension = FindReplaying(draft.state(), request);
  if (suspension != nullptr) draft.suspensions().End(ReceiverOf(suspension->row));
}

bool IsSuspended(const State& state, const TimerFired& timer) {
  const State::Rep& rep = state.rep();
  if (rep.suspensions.empty() || timer.kind == TimerKind::kHook) return false;
  if (timer.kind != TimerKind::kSchedule) {
    return rep.suspensions.contains({ExecutionId(timer.owner), WorkflowId()});
  }
  const auto schedule = rep.schedules.find(ScheduleId(timer.owner));
  return schedule != rep.schedules.end() &&
         rep.suspensions.contains({ExecutionId(), schedule->second.workflow_id});
}

bool IsKeptFromSlots(const State::Rep& state, ExecutionId id) {
  if (state.suspensions.empty()) return false;
  const auto suspension = state.suspensions.find({id, WorkflowId()});
  return suspension != state.suspensions.end() && !suspension->second.row.replaying;
}

}  // namespace aiflow
