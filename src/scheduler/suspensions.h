#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "model/requests.h"
#include "scheduler/state_rep.h"

/// Events that took the server down again and again (rule 22). Such an event is quarantined: kept
/// as a dead letter, and whoever would have received it is suspended. A suspended execution, or the
/// triggers and schedules of a suspended workflow, takes no events; what comes for it is held, the
/// quarantined event first. When a person retries or drops that one, what is held is replayed: one
/// REPLAY_HELD per event goes through the log, so that a replay which takes the server down is
/// noticed like any other event; meanwhile later events still go to the end of what is held. Runs
/// go on, but get no slot; due times wait.
namespace aiflow {

class Draft;
class ExecutionDraft;

/// Who receives the current event, and for whom it is held.
class SuspensionDraft {
 public:
  /// `replayed`: the held event that is decided in place of the current one; may be null.
  SuspensionDraft(Draft& draft, const HeldEventRow* replayed)
      : draft_(draft), replayed_(replayed) {}

  /// Whoever would receive the event is suspended instead. `letter` is put with their names.
  void SuspendReceivers(DeadLetterRow letter) { letter_ = std::move(letter); }

  /// The event is to be applied to the execution, or to be seen by the workflow's triggers and
  /// schedules, now. False: not in this event; it is held if it is one for a suspended receiver.
  bool TakesOrHolds(ExecutionId id);
  bool TakesOrHolds(WorkflowId id);

  /// One of its held events comes to the receiver in this event.
  [[nodiscard]] bool replays(const Receiver& receiver) const;
  [[nodiscard]] bool replays() const { return replayed_ != nullptr; }
  /// Invalid when there is no replay, or it is one for a workflow.
  [[nodiscard]] ExecutionId replayed_execution() const {
    return replayed_ == nullptr ? ExecutionId() : replayed_->execution_id;
  }
  /// Runs that a suspension has kept from slots may get them.
  [[nodiscard]] bool frees_runs() const { return frees_runs_; }

  /// Held events come to the receiver from now on, unless it ends with this event.
  void Released(const Receiver& receiver) { released_.insert(receiver); }

  /// Writes down what was held, and goes on with a replay. Once per event, after SettleExecution.
  void Settle();
  /// REPLAY_HELD with nothing held: the suspension ends.
  void End(const Receiver& receiver);

 private:
  bool TakesOrHolds(const Receiver& receiver, bool receives);
  [[nodiscard]] bool nobody_is_suspended() const {
    return replayed_ == nullptr && !letter_.has_value() && draft_state().suspensions.empty();
  }
  [[nodiscard]] const State::Rep& draft_state() const;
  [[nodiscard]] bool IsHeld() const;
  [[nodiscard]] bool MayBeLost() const;
  void Hold(const Receiver& receiver);
  SuspensionRow NewSuspension(const Receiver& receiver);
  [[nodiscard]] bool HasEnded(const Receiver& receiver) const;
  void SendOn(const Suspension& suspension);
  void EndReplayStep();

  Draft& draft_;
  const HeldEventRow* const replayed_;
  std::optional<DeadLetterRow> letter_;
  std::set<Receiver> holding_;
  std::set<Receiver> released_;
  size_t held_bytes_ = 0;  // by this event, on top of the state's
  bool frees_runs_ = false;
};

/// The held event that comes next when `event` is a REPLAY_HELD which is still wanted; else null.
const HeldEventRow* FindReplayed(const State::Rep& state, const Event& event);

/// The receiver takes no events until the letter is retried or dropped, and says so. The row is for
/// the caller to put. Also of a receiver whose replay is quarantined.
SuspensionRow MakeSuspension(Draft& draft, const Receiver& receiver, const DeadLetterRow& letter);
/// What a person reads at the suspended ones.
std::string SuspendedText(const DeadLetterRow& letter);
/// The same; empty when the receiver is not suspended.
std::string SuspendedText(const State::Rep& state, const Receiver& receiver);
/// The suspension that the request is for, while it is ending; else null.
const Suspension* FindReplaying(const State::Rep& state, const ReplayHeld& request);
/// Publishes a copy of an event under an id of its own.
void PublishAgain(Draft& draft, Event event, std::string id);
/// Publishes the REPLAY_HELD for the event that is held at `offset`.
void PublishReplay(Draft& draft, const Receiver& receiver, Offset offset, DeadLetterId letter);

/// The timer's owner is suspended: it does not fire.
bool IsSuspended(const State& state, const TimerFired& timer);
/// A run of the execution gets no slot.
bool IsKeptFromSlots(const State::Rep& state, ExecutionId id);

}  // namespace aiflow
