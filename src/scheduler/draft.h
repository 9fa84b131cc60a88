#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/rows.h"
#include "scheduler/conditions/condition.h"
#include "scheduler/state_rep.h"
#include "scheduler/suspensions.h"

namespace aiflow {

class Draft;

/// One unfinished execution while an event is decided: reads fall through to the state, the first
/// write of a row copies it.
class ExecutionDraft final : public TaskStatuses {
 public:
  /// `base` is null for an execution that this event creates.
  ExecutionDraft(Draft& draft, const ExecutionEntry* base, ExecutionRow row,
                 const CompiledWorkflow& workflow);

  [[nodiscard]] Draft& draft() const { return draft_; }
  [[nodiscard]] const CompiledWorkflow& workflow() const { return workflow_; }
  [[nodiscard]] ExecutionId id() const { return row_.id; }
  [[nodiscard]] const ExecutionRow& row() const { return row_; }
  ExecutionRow& Edit() {
    edited_ = true;
    return row_;
  }
  [[nodiscard]] bool running() const { return row_.status == ExecutionStatus::kRunning; }
  [[nodiscard]] const std::string& TaskName(TaskIndex task) const {
    return workflow_.task_spec(task).name;
  }

  /// Null when the task was never touched.
  [[nodiscard]] const TaskRow* FindTask(TaskIndex task) const;
  TaskRow& EditTask(TaskIndex task);
  /// Null unless a TaskRow names it.
  [[nodiscard]] const TaskExecutionRow* FindRun(TaskIndex task, int64_t sequence) const;
  TaskExecutionRow& EditRun(TaskIndex task, int64_t sequence);
  void AddRun(TaskExecutionRow row);
  /// Events that wait for answers before its rules look at them.
  [[nodiscard]] EvaluationDraft& evaluations() { return evaluations_; }
  [[nodiscard]] const EvaluationDraft& evaluations() const { return evaluations_; }
  /// Numbers what its rules see in this event, from 0.
  int32_t NextOrdinal() { return ordinal_++; }
  /// Null when no event touched the rule.
  [[nodiscard]] const RuleStateRow* FindRuleState(RuleRef ref) const;
  RuleStateRow& EditRuleState(RuleRef ref);

  [[nodiscard]] std::optional<TaskStatus> LatestStatus(TaskIndex task) const override;
  [[nodiscard]] int64_t LatestSequence(TaskIndex task) const override;
  /// Some task has a run that is dispatched, waits, or is asked for.
  [[nodiscard]] bool HasLiveTask() const;
  /// Some task that counts has a tick to come.
  [[nodiscard]] bool HasTick() const;

  /// This event did something that the execution may end with.
  [[nodiscard]] bool MayHaveEnded() const;

  /// The run's new status is announced, whoever caused it.
  void Announce(const TaskExecutionRow& run);
  /// A report that the engine makes itself, because nothing of the run is at an executor. It comes
  /// back as an event.
  void ReportSelf(const TaskExecutionRow& run, TaskStatus status);
  /// The run is QUEUED and wants a slot; `text` says why it is started.
  void AskForSlot(TaskIndex task, std::string text) { slot_asked_[task] = std::move(text); }
  /// Why the run of `task`, which got or awaits its slot in this event, was started.
  [[nodiscard]] std::string SlotAskedFor(TaskIndex task) const;
  /// How much this event has changed of it.
  [[nodiscard]] size_t changed_rows() const {
    return 1 + tasks_.size() + runs_.size() + rules_.size() + causes_.size();
  }
  /// What the changed tasks claimed before this event, and claim now.
  void AppendClaims(std::vector<TaskClaims>& before, std::vector<TaskClaims>& after) const;
  [[nodiscard]] const std::map<TaskIndex, std::string>& slot_asked() const { return slot_asked_; }
  void Record(CauseKind kind, TaskIndex task, int64_t sequence, RuleIndex rule, std::string text);

  /// Takes a stored row of an execution that is not in the state.
  void Restore(const Change& row);

  void AppendChanges(std::vector<Change>& changes) const;
  void AppendCauses(std::vector<Change>& changes) const;

 private:
  Draft& draft_;
  const ExecutionEntry* const base_;
  const CompiledWorkflow& workflow_;
  bool edited_ = false;
  ExecutionRow row_;
  std::map<TaskIndex, TaskRow> tasks_;
  std::map<RunKey, TaskExecutionRow> runs_;
  std::map<RuleRef, RuleStateRow> rules_;
  EvaluationDraft evaluations_;
  int32_t ordinal_ = 0;
  std::vector<CauseRow> causes_;
  std::map<TaskIndex, int32_t> ordinals_;
  std::map<TaskIndex, std::string> slot_asked_;
};

/// The changes of one event over an immutable state. Namespaces and snapshots are read from the
/// state only; they, and each workflow that is not edited, are put at most once per event.
class Draft {
 public:
  /// `loaded` is DecideInput::loaded. `replayed`: the held event that is decided in place of
  /// `event`, as if its own offset came now; may be null.
  Draft(const State::Rep& state, const Event& event, const std::vector<Change>& loaded,
        size_t max_executions, const HeldEventRow* replayed = nullptr);
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  [[nodiscard]] const State::Rep& state() const { return state_; }
  [[nodiscard]] const Event& event() const { return event_; }
  [[nodiscard]] Offset offset() const { return event_.offset; }
  /// Of the event in the log, also when it replays another.
  [[nodiscard]] Offset log_offset() const { return log_offset_; }
  /// When it is decided, by the log's clock.
  [[nodiscard]] Millis now() const { return now_; }

  /// The event is a report that the engine made itself.
  [[nodiscard]] bool engine_made() const { return engine_made_; }
  void SetEngineMade(bool engine_made) { engine_made_ = engine_made; }
  /// The event is an answer of a user-written condition.
  [[nodiscard]] bool is_answer() const { return is_answer_; }
  void SetIsAnswer() { is_answer_ = true; }

  /// Rows that are not in the state, because their executions have finished.
  [[nodiscard]] const std::vector<Change>& loaded() const { return loaded_; }

  CountersRow& counters() { return counters_; }

  /// Where the decision stands; all zero in its first part.
  [[nodiscard]] const CursorRow& cursor() const { return state_.cursor; }
  /// An earlier part of the decision is committed.
  [[nodiscard]] bool resumed() const { return cursor().part != 0; }
  [[nodiscard]] size_t max_executions() const { return max_executions_; }
  /// This part ends before everybody was asked; the next one goes on at the cursor that is
  /// returned.
  CursorRow& Cut();
  /// Likewise, and nobody is promoted or gets a slot before everybody was asked: those that come
  /// later may not want it any more.
  CursorRow& CutAndHoldBack();
  [[nodiscard]] bool holds_back() const { return holds_back_; }
  /// Everybody was asked, unless it was cut; but there are waiting executions or runs left that
  /// may begin.
  void LeaveRest() { rest_ = true; }

  /// Null when it is finished, deleted or was never there, and when its snapshot has no
  /// specification.
  ExecutionDraft* FindExecution(ExecutionId id);
  /// The same, to apply the current event to it; null also when the event is kept from it.
  ExecutionDraft* Receive(ExecutionId id) {
    return suspensions_.TakesOrHolds(id) ? FindExecution(id) : nullptr;
  }
  [[nodiscard]] SuspensionDraft& suspensions() { return suspensions_; }
  [[nodiscard]] const SuspensionDraft& suspensions() const { return suspensions_; }
  ExecutionDraft& AddExecution(ExecutionRow row, const CompiledWorkflow& workflow);

  /// The finished execution whose rows came with the event; null when none came.
  [[nodiscard]] const ExecutionRow* FinishedRow() const;
  /// The same, to look at: what is done to it counts only after TakeFinished. Null also when its
  /// snapshot is gone.
  ExecutionDraft* FindFinished();
  /// From now on it is one of executions(), with all its rows. REQUIRES: FindFinished found it.
  ExecutionDraft& TakeFinished();
  /// An execution that has ended and uses the snapshot; null when none came with the event.
  [[nodiscard]] const ExecutionRow* FinishedUserOf(SnapshotId snapshot) const;

  /// Those looked at in this event, ascending.
  [[nodiscard]] const std::map<ExecutionId, std::unique_ptr<ExecutionDraft>>& executions() const {
    return executions_;
  }

  /// A row that no execution of this event owns, or any removal.
  void Put(Change change);

  /// What was put so far.
  [[nodiscard]] const std::vector<Change>& put() const { return others_; }

  /// For what several effects of one event may change. REQUIRES: it is in the state, and this event
  /// does not put it.
  WorkflowRow& EditWorkflow(WorkflowId id);
  /// The workflow has taken this event.
  void TouchWorkflow(WorkflowId id);

  /// Null when it was never there, was deleted, or is by this event.
  [[nodiscard]] const TriggerRow* FindTrigger(TriggerId id) const;
  /// REQUIRES: FindTrigger(id) is not null.
  TriggerRow& EditTrigger(TriggerId id);
  /// Events that wait for answers before the workflow's triggers look at them.
  EvaluationDraft& TriggerEvaluations(WorkflowId id);
  /// Those looked at in this event.
  [[nodiscard]] const std::map<WorkflowId, EvaluationDraft>& trigger_evaluations() const {
    return trigger_evaluations_;
  }
  /// A pool is as in the row, for the starts of this event already.
  void PutPool(PoolRow row);
  [[nodiscard]] const PoolRow* FindPool(std::string_view pool) const;
  [[nodiscard]] int64_t PoolSlots(std::string_view pool) const;
  [[nodiscard]] bool pools_changed() const { return !pools_.empty(); }

  void Send(OutboxKind kind, const AttemptKey& attempt);
  void Publish(Event event);
  /// `call` is a HookCall, of hook `hook` of the execution's workflow.
  void SendHook(ExecutionId execution, int32_t hook, std::string call);
  /// Takes back the unacknowledged command, if there is one.
  void EraseCommand(OutboxKind kind, const AttemptKey& attempt);
  /// Asks the leaf `question` of a rule, or of the trigger, about the entry's event.
  void Ask(const EvaluationRow& entry, int32_t question);
  /// Takes back the question that is in flight in the entry's scope.
  void EraseQuestion(const EvaluationRow& entry);

  void Reply(Code code, std::string message, int64_t id = 0, std::string detail = "");

  /// Final rows in an order that depends on their keys alone: owners before what they own.
  [[nodiscard]] std::vector<Change> Finish() const;

 private:
  OutboxRow& AddOutbox(OutboxKind kind);
  void DropTrigger(TriggerId id);

  const State::Rep& state_;
  const Offset log_offset_;  // also of a replay
  const Event& event_;
  const Millis now_;
  const std::vector<Change>& loaded_;
  const size_t max_executions_;
  CountersRow counters_;
  std::optional<CursorRow> next_;  // the decision is cut
  bool rest_ = false;
  bool holds_back_ = false;
  bool engine_made_ = false;
  bool is_answer_ = false;
  SuspensionDraft suspensions_;
  std::vector<Change> others_;
  std::map<WorkflowId, WorkflowRow> workflows_;
  std::map<TriggerId, TriggerRow> triggers_;
  std::set<TriggerId> erased_triggers_;
  std::map<WorkflowId, EvaluationDraft> trigger_evaluations_;
  std::map<std::string, PoolRow, std::less<>> pools_;  // changed ones
  std::map<ExecutionId, std::unique_ptr<ExecutionDraft>> executions_;
  std::unique_ptr<ExecutionDraft> finished_;
  std::vector<OutboxRow> outbox_;
  std::set<OutboxId> erased_outbox_;
  std::optional<ReplyRow> reply_;
};

}  // namespace aiflow
