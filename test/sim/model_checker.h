#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "chaos.h"
#include "hook_checker.h"
#include "model/rows.h"
#include "storage/store.h"

namespace aiflow::sim {

/// Watches the parts of a simulated world around its executions: user-written conditions, triggers,
/// schedules, backfills, parameters and retention, and through a HookChecker hooks. Keeps its own
/// record of the rows.
class ModelChecker {
 public:
  ModelChecker(Chaos& chaos, const std::vector<Event>& log)
      : chaos_(chaos), log_(log), hooks_(chaos) {}

  /// A batch has become durable.
  void OnCommit(const CommitBatch& batch);
  [[nodiscard]] HookChecker& hooks() { return hooks_; }
  /// Events below `first` are about to go.
  void OnDrop(Offset first);
  /// Blobs that are not `named` are about to go.
  void OnBlobSweep(const std::set<std::string>& named) const;

  /// Retention has removed what ended before `before`.
  void CheckRetired(Millis before) const;

  /// Nothing waits for an answer, and the reference trigger has started what it had to.
  void CheckRest() const;
  /// And nothing is to be told any more.
  void CheckEnd() const;

  /// How often the reference task that asks must have run in this execution.
  [[nodiscard]] int64_t ExpectedAsked(ExecutionId id) const;
  /// Whether this run may begin without its causing event: it has begun before, or a dead letter
  /// has kept the event.
  [[nodiscard]] bool MayMissCause(const TaskExecutionRow& run) const;
  /// How often dead letters of the run's task were asked again about the event that caused it.
  [[nodiscard]] int AskedAgain(const TaskExecutionRow& run) const;

  // For the user, who never deletes what is the reference's.
  [[nodiscard]] std::vector<int64_t> triggers() const;
  [[nodiscard]] std::vector<int64_t> schedules() const;
  [[nodiscard]] std::vector<int64_t> letters(bool of_triggers) const;
  [[nodiscard]] std::vector<int64_t> snapshots() const;
  [[nodiscard]] bool IsSuspended(ExecutionId id) const {
    return suspensions_.contains({id, WorkflowId()});
  }
  /// Something of the execution was reported, and the report was dropped by hand.
  [[nodiscard]] bool IsReportDropped(ExecutionId id) const { return report_dropped_.contains(id); }
  /// Those that somebody may have received: what was set aside has come as a later event.
  [[nodiscard]] std::vector<Event> WithoutSetAside(const std::vector<Event>& events) const;
  /// Quarantined events; with `droppable` those that nothing of the reference's misses.
  [[nodiscard]] std::vector<int64_t> quarantined(bool droppable) const;
  [[nodiscard]] const std::set<ExecutionId>& gone() const { return gone_; }
  [[nodiscard]] int64_t last_execution() const { return std::ssize(started_); }
  [[nodiscard]] bool WantsReferenceTrigger() const;

 private:
  using TaskKey = std::pair<ExecutionId, TaskIndex>;
  using RunKey = std::tuple<ExecutionId, TaskIndex, int64_t>;
  using EvaluationKey = std::tuple<ExecutionId, TriggerId, Offset, int32_t, TaskIndex>;
  /// What the questions of one reference owner come to.
  struct Verdicts {
    int64_t met = 0;
    int64_t errors = 0;
    int64_t letters = 0;
  };

  void Take(const WorkflowRow& row) { workflows_[row.id] = row; }
  void Take(const SnapshotRow& row) { snapshots_[row.id] = row; }
  void Take(const ExecutionRow& row);
  void Take(const TaskRow& row);
  void Take(const TaskExecutionRow& row);
  void Take(const RuleStateRow& row);
  void Take(const ScheduleRow& row) { schedules_[row.id] = row; }
  void Take(const TriggerRow& row);
  void Take(const EvaluationRow& row);
  void Take(const DeadLetterRow& row);
  void Take(const SuspensionRow& row);
  void Take(const HeldEventRow& row);
  void Take(const CauseRow& row) { hooks_.Take(row); }
  void Take(const OutboxRow& row);
  void Take(const ReplyRow& row);
  void Take(const EraseWorkflow& erase);
  void Take(const EraseSnapshot& erase);
  void Take(const EraseExecution& erase);
  void Take(const EraseTaskExecution& erase);
  void Take(const EraseSchedule& erase) { schedules_.erase(erase.id); }
  void Take(const EraseTrigger& erase);
  void Take(const EraseEvaluation& erase);
  void Take(const EraseDeadLetter& erase);
  void Take(const EraseSuspension& erase);
  void Take(const EraseHeldEvent& erase);
  void Take(const EraseReplies& erase);
  void Take(const EraseOutbox& erase);
  template <typename Row>
  void Take(const Row& /*row*/) {}

  void Started(const ExecutionRow& row);
  void CheckParams(const ExecutionRow& row, const WorkflowSpec& spec);
  void Erase(ExecutionId id);
  void CheckEndedSuspensions();
  [[nodiscard]] const WorkflowSpec* SpecOf(const ExecutionRow& row) const;
  [[nodiscard]] const Event& EventAt(Offset offset) const {
    return log_[static_cast<size_t>(offset - 1)];
  }

  Chaos& chaos_;
  const std::vector<Event>& log_;
  HookChecker hooks_;
  Offset first_ = 1;  // of the events kept
  std::map<WorkflowId, WorkflowRow> workflows_;
  std::map<SnapshotId, SnapshotRow> snapshots_;
  std::map<ExecutionId, ExecutionRow> executions_;  // those that are there
  std::map<ExecutionId, WorkflowId> started_;       // ever
  std::set<ExecutionId> gone_;
  std::set<ExecutionId> ended_;  // ever
  /// Events that have started an execution of a workflow.
  std::set<std::pair<WorkflowId, Offset>> started_by_;
  std::map<TaskKey, TaskRow> tasks_;
  std::map<RunKey, TaskExecutionRow> runs_;
  std::map<std::tuple<ExecutionId, TaskIndex, RuleIndex>, RuleStateRow> rules_;
  std::map<ScheduleId, ScheduleRow> schedules_;
  std::map<TriggerId, TriggerRow> triggers_;
  std::map<EvaluationKey, EvaluationRow> evaluations_;
  std::map<DeadLetterId, DeadLetterRow> letters_;
  using Receiver = std::pair<ExecutionId, WorkflowId>;
  std::map<Receiver, SuspensionRow> suspensions_;
  std::map<Receiver, std::set<Offset>> held_;
  std::vector<Receiver> ended_suspensions_;  // in the batch that is being taken
  std::set<Offset> set_aside_;
  std::set<ExecutionId> report_dropped_;
  std::set<Offset> letter_events_;        // offsets of events that dead letters have, or had
  std::map<RunKey, int> erased_letters_;  // by execution, task and event
  std::map<OutboxId, OutboxRow> outbox_;
  std::map<ExecutionId, Verdicts> asked_;
  Verdicts reached_;
  int64_t reached_starts_ = 0;
  TriggerId reference_trigger_;
  bool answered_ = false;  // by a user-written condition, in the batch that is being taken
};

}  // namespace aiflow::sim
