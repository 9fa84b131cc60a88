#pragma once

#include <tuple>

#include "model/rows.h"
#include "storage/sqlite/connection.h"

namespace aiflow::sqlite {

/// Takes the place of an execution's row whose status, end and due time stay as they are. It leaves
/// out every column that an index looks at, so that no index page is touched.
inline constexpr const char* kTouchExecutionSql =
    "UPDATE execution SET stop_cause = ?, begin_time = ?, event_offset = ?, reason = ?, "
    "params = ?, source = ?, deadline = ?, cascade = ? WHERE id = ? AND status = ? "
    "AND end_time = ? AND due = ? AND workflow_id = ? AND snapshot_id = ? AND run_type = ? "
    "AND created_offset = ?";

/// Takes the causes of a run, which must not be its task's first.
inline constexpr const char* kEraseRunCausesSql =
    "DELETE FROM cause INDEXED BY cause_run WHERE execution_id = ?1 AND task = ?2 "
    "AND sequence = ?3 AND sequence NOT IN (0, 1)";

/// Writes changes inside an open transaction, with statements prepared once. Engine thread only.
class ChangeWriter {
 public:
  static Result<ChangeWriter> Prepare(const Connection& connection);

  /// `connection` is the one it was prepared on.
  Status Apply(const Connection& connection, const Change& change);

 private:
  template <typename Row>
  struct Upsert {
    Statement statement;
  };
  /// One statement per table that loses rows; all are bound to the same id.
  struct EraseExecutionStatements {
    Statement cause, rule_state, task_execution, task, state, evaluation, dead_letter;
    Statement suspension, held_event, execution;
  };
  struct EraseWorkflowStatements {
    Statement cause, rule_state, task_execution, task, state, evaluation, dead_letter;
    Statement suspension, held_event, execution;
    Statement trigger_evaluation, trigger_letter, own_state, own_suspension, own_held_event;
    Statement schedule, trigger, snapshot, workflow;
  };
  struct EraseTaskExecutionStatements {
    Statement cause, first_cause, task_execution;
  };
  struct EraseSuspensionStatements {
    Statement held_event, suspension;
  };
  struct EraseTriggerStatements {
    Statement evaluation, trigger;
  };

  ChangeWriter() = default;
  Status PrepareErasures(const Connection& connection);

  template <typename Row>
  Status Write(const Connection& connection, const Row& row);
  Status Write(const Connection& connection, const ExecutionRow& row);
  Status Write(const Connection& connection, const CountersRow& row);
  Status Write(const Connection& connection, const CursorRow& row);
  Status Write(const Connection& connection, const RecoveryRow& row);
  Status Write(const Connection& connection, const EraseNamespace& erase);
  Status Write(const Connection& connection, const EraseWorkflow& erase);
  Status Write(const Connection& connection, const EraseSnapshot& erase);
  Status Write(const Connection& connection, const EraseExecution& erase);
  Status Write(const Connection& connection, const EraseTaskExecution& erase);
  Status Write(const Connection& connection, const EraseSchedule& erase);
  Status Write(const Connection& connection, const EraseTrigger& erase);
  Status Write(const Connection& connection, const ErasePool& erase);
  Status Write(const Connection& connection, const EraseState& erase);
  Status Write(const Connection& connection, const EraseEvaluation& erase);
  Status Write(const Connection& connection, const EraseDeadLetter& erase);
  Status Write(const Connection& connection, const EraseSuspension& erase);
  Status Write(const Connection& connection, const EraseHeldEvent& erase);
  Status Write(const Connection& connection, const EraseReplies& erase);
  Status Write(const Connection& connection, const EraseOutbox& erase);

  std::tuple<Upsert<NamespaceRow>, Upsert<WorkflowRow>, Upsert<SnapshotRow>, Upsert<ExecutionRow>,
             Upsert<TaskRow>, Upsert<TaskExecutionRow>, Upsert<RuleStateRow>, Upsert<ScheduleRow>,
             Upsert<TriggerRow>, Upsert<PoolRow>, Upsert<StateRow>, Upsert<EvaluationRow>,
             Upsert<DeadLetterRow>, Upsert<SuspensionRow>, Upsert<HeldEventRow>, Upsert<CauseRow>,
             Upsert<OutboxRow>, Upsert<ReplyRow>>
      upserts_;
  Statement touch_execution_;
  Statement counters_;
  Statement cursor_;
  Statement recovery_;
  Statement erase_namespace_;
  Statement erase_snapshot_;
  Statement erase_schedule_;
  Statement erase_pool_;
  Statement erase_state_;
  Statement erase_evaluation_;
  Statement erase_dead_letter_;
  Statement erase_held_event_;
  Statement erase_replies_;
  Statement erase_outbox_;
  EraseTaskExecutionStatements erase_task_execution_;
  EraseTriggerStatements erase_trigger_;
  EraseSuspensionStatements erase_suspension_;
  EraseExecutionStatements erase_execution_;
  EraseWorkflowStatements erase_workflow_;
};

}  // namespace aiflow::sqlite
