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

template <typename Row>
Status LoadRows(const Connection& connection, const std::string& from, const std::string& prefix,
                std::vector<Change>* changes) {
  Result<Statement> select = connection.Prepare("SELECT " + Columns<Row>(prefix) + " FROM " + from);
  if (!select) return select.error();
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
  return LoadRows<OutboxRow>(connection, "outbox ORDER BY id", "", changes);
}

}  // namespace

Result<std::vector<Change>> LoadState(const Connection& connection) {
  // One transaction: one committed state.
  if (Status status = connection.Execute("BEGIN"); !status.ok()) return Error(std::move(status));
  std::vector<Change> changes;
  Status status = LoadAll(connection, &changes);
  connection.Rollback();
  if (!status.ok()) return Error(std::move(status));
  return changes;
}

}  // namespace aiflow::sqlite
