#include "storage/sqlite/state_loader.h"

#include <string>
#include <utility>

#include "storage/sqlite/row_tables.h"

namespace aiflow::sqlite {
namespace {

// The unfinished executions are found by their own index; everything they own is joined in the
// order of that index, which is the order of the owned tables' keys: sequential reads.
constexpr const char* kUnfinished = "execution e INDEXED BY execution_unfinished";
constexpr const char* kIsUnfinished = "e.status IN (0, 1, 5)";

template <typename Row, typename... Args>
Status LoadRows(const Connection& connection, const std::string& from, const std::string& prefix,
                std::vector<Change>* changes, const Args&... args) {
  Result<Statement> select = connection.Prepare("SELECT " + Columns<Row>(prefix) + " FROM " + from);
  if (!select) return select.error();
  select->Bind(args...);
  for (;;) {
    const Result<bool> more = select->Step();
    if (!more) return more.error();
    if (!*more) return Status::Ok();
    Row& row = std::get<Row>(changes->emplace_back(std::in_place_type<Row>));
    AIFLOW_RETURN_IF_ERROR(select->ReadTuple(Table<Row>::Tie(row)));
  }
}

Status ReserveFor(const Connection& connection, std::vector<Change>* changes) {
  Result<Statement> count = connection.Prepare(std::string("SELECT count(*) FROM ") + kUnfinished +
                                               " WHERE " + kIsUnfinished);
  if (!count) return count.error();
  const Result<bool> row = count->Step();
  if (!row) return row.error();
  size_t executions = 0;
  AIFLOW_RETURN_IF_ERROR(count->Read(executions));
  changes->reserve(executions * 2 + 64);
  return Status::Ok();
}

Status LoadAll(const Connection& connection, std::vector<Change>* changes) {
  AIFLOW_RETURN_IF_ERROR(ReserveFor(connection, changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<CountersRow>(connection, "counters", "", changes));
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<CursorRow>(connection, "decision_cursor WHERE part > 0", "", changes));
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<RecoveryRow>(connection, "recovery WHERE crashes > 0", "", changes));
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<NamespaceRow>(connection, "namespace ORDER BY name", "", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<WorkflowRow>(connection, "workflow ORDER BY id", "", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<SnapshotRow>(connection, "snapshot ORDER BY id", "", changes));
  const std::string unfinished = kUnfinished;
  const std::string where = std::string(" WHERE ") + kIsUnfinished;
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<ExecutionRow>(connection, unfinished + where + " ORDER BY e.id", "e.", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<TaskRow>(
      connection, unfinished + " CROSS JOIN task t ON t.execution_id = e.id" + where, "t.",
      changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<TaskExecutionRow>(
      connection,
      unfinished +
          " CROSS JOIN task t ON t.execution_id = e.id"
          " CROSS JOIN task_execution x ON x.execution_id = t.execution_id AND x.task = t.task"
          " AND x.sequence IN (t.latest, t.current, t.successor)" +
          where,
      "x.", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<RuleStateRow>(
      connection, unfinished + " CROSS JOIN rule_state r ON r.execution_id = e.id" + where, "r.",
      changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<EvaluationRow>(
      connection, unfinished + " CROSS JOIN evaluation v ON v.execution_id = e.id" + where, "v.",
      changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<EvaluationRow>(
      connection, "evaluation WHERE execution_id = 0 ORDER BY trigger_id, log_offset, ordinal", "",
      changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<ScheduleRow>(connection, "schedule ORDER BY id", "", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<TriggerRow>(connection, "trigger ORDER BY id", "", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<PoolRow>(connection, "pool ORDER BY name", "", changes));
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<DeadLetterRow>(connection, "dead_letter ORDER BY id", "", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<SuspensionRow>(
      connection, "suspension ORDER BY execution_id, workflow_id", "", changes));
  AIFLOW_RETURN_IF_ERROR(LoadRows<HeldEventRow>(
      connection, "held_event ORDER BY execution_id, workflow_id, log_offset", "", changes));
  return LoadRows<OutboxRow>(connection, "outbox ORDER BY id", "", changes);
}

Status LoadOne(const Connection& connection, ExecutionId id, std::vector<Change>* changes) {
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<ExecutionRow>(connection, "execution WHERE id = ?", "", changes, id));
  if (changes->empty()) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(
      LoadRows<TaskRow>(connection, "task WHERE execution_id = ?", "", changes, id));
  AIFLOW_RETURN_IF_ERROR(LoadRows<TaskExecutionRow>(
      connection,
      "task t CROSS JOIN task_execution x ON x.execution_id = t.execution_id AND x.task = t.task"
      " AND x.sequence IN (t.latest, t.current, t.successor) WHERE t.execution_id = ?",
      "x.", changes, id));
  return LoadRows<RuleStateRow>(connection, "rule_state WHERE execution_id = ?", "", changes, id);
}

/// In one transaction: one committed state.
template <typename F>
Result<std::vector<Change>> InTransaction(const Connection& connection, const F& load) {
  if (Status status = connection.Execute("BEGIN"); !status.ok()) return Error(std::move(status));
  std::vector<Change> changes;
  Status status = load(&changes);
  connection.Rollback();
  if (!status.ok()) return Error(std::move(status));
  return changes;
}

}  // namespace

Result<std::vector<Change>> LoadState(const Connection& connection) {
  return InTransaction(connection, [&](auto* changes) { return LoadAll(connection, changes); });
}

Result<std::vector<Change>> LoadSnapshotUsers(const Connection& connection,
                                              const std::vector<SnapshotId>& snapshots) {
  return InTransaction(connection, [&](std::vector<Change>* changes) {
    for (const SnapshotId snapshot : snapshots) {
      AIFLOW_RETURN_IF_ERROR(LoadRows<ExecutionRow>(
          connection,
          "execution INDEXED BY execution_snapshot WHERE snapshot_id = ? ORDER BY id LIMIT 1", "",
          changes, snapshot));
    }
    return Status::Ok();
  });
}

Result<std::vector<Change>> LoadDueExecutions(const Connection& connection, WorkflowId workflow,
                                              Millis from, Millis to) {
  return InTransaction(connection, [&](std::vector<Change>* changes) {
    return LoadRows<ExecutionRow>(
        connection,
        "execution INDEXED BY execution_due"
        " WHERE workflow_id = ? AND due > 0 AND due >= ? AND due < ? ORDER BY due, id",
        "", changes, workflow, from, to);
  });
}

Result<std::vector<Change>> LoadWorkflowExecutions(const Connection& connection,
                                                   WorkflowId workflow, int64_t limit) {
  return InTransaction(connection, [&](std::vector<Change>* changes) {
    return LoadRows<ExecutionRow>(
        connection,
        "execution INDEXED BY execution_workflow WHERE workflow_id = ? ORDER BY id LIMIT ?", "",
        changes, workflow, limit);
  });
}

Result<std::vector<Change>> LoadExecution(const Connection& connection, ExecutionId id) {
  return InTransaction(connection, [&](auto* changes) { return LoadOne(connection, id, changes); });
}

}  // namespace aiflow::sqlite
