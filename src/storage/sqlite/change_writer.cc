#include "storage/sqlite/change_writer.h"

#include <initializer_list>
#include <string>
#include <variant>

#include "storage/sqlite/row_tables.h"

namespace aiflow::sqlite {
namespace {

Status PrepareInto(const Connection& connection, std::string_view sql, Statement* statement) {
  Result<Statement> prepared = connection.Prepare(sql);
  if (!prepared) return prepared.error();
  *statement = *std::move(prepared);
  return Status::Ok();
}

template <typename T>
Status RunEach(const std::initializer_list<Statement*>& statements, const T& key) {
  for (Statement* statement : statements) {
    statement->Bind(key);
    AIFLOW_RETURN_IF_ERROR(statement->Run());
  }
  return Status::Ok();
}

template <typename Row>
Status FixedColumnChanged() {
  return {Code::kInternal,
          "metadata database: a change would alter the identity of a row of table " +
              std::string(Table<Row>::kName)};
}

struct Preparation {
  Statement* statement;
  const char* sql;
};

}  // namespace

Result<ChangeWriter> ChangeWriter::Prepare(const Connection& connection) {
  ChangeWriter writer;
  Status status;
  const auto prepare = [&](std::string_view sql, Statement* statement) {
    if (status.ok()) status = PrepareInto(connection, sql, statement);
  };
  std::apply([&]<typename... Row>(
                 Upsert<Row>&... upsert) { (prepare(UpsertSql<Row>(), &upsert.statement), ...); },
             writer.upserts_);

  auto& e = writer.erase_execution_;
  auto& w = writer.erase_workflow_;
  const auto preparations = {
      // Leaves out every column that an index looks at, so that no index page is touched.
      Preparation{&writer.touch_execution_,
                  "UPDATE execution SET stop_cause = ?, begin_time = ?, end_time = ?, "
                  "event_offset = ?, reason = ? WHERE id = ? AND status = ? AND workflow_id = ? "
                  "AND snapshot_id = ? AND run_type = ? AND created_offset = ?"},
      Preparation{&writer.counters_,
                  "UPDATE counters SET workflow = ?, snapshot = ?, execution = ?, "
                  "task_execution = ?, outbox = ? WHERE id = 1"},
      Preparation{&writer.erase_namespace_, "DELETE FROM namespace WHERE name = ?"},
      Preparation{&writer.erase_snapshot_, "DELETE FROM snapshot WHERE id = ?"},
      Preparation{&writer.erase_outbox_, "DELETE FROM outbox WHERE id = ?"},
      Preparation{&e.cause, "DELETE FROM cause WHERE execution_id = ?"},
      Preparation{&e.rule_state, "DELETE FROM rule_state WHERE execution_id = ?"},
      Preparation{&e.task_execution, "DELETE FROM task_execution WHERE execution_id = ?"},
      Preparation{&e.task, "DELETE FROM task WHERE execution_id = ?"},
      Preparation{&e.execution, "DELETE FROM execution WHERE id = ?"},
      Preparation{&w.cause,
                  "DELETE FROM cause WHERE execution_id IN "
                  "(SELECT id FROM execution WHERE workflow_id = ?)"},
      Preparation{&w.rule_state,
                  "DELETE FROM rule_state WHERE execution_id IN "
                  "(SELECT id FROM execution WHERE workflow_id = ?)"},
      Preparation{&w.task_execution,
                  "DELETE FROM task_execution WHERE execution_id IN "
                  "(SELECT id FROM execution WHERE workflow_id = ?)"},
      Preparation{&w.task,
                  "DELETE FROM task WHERE execution_id IN "
                  "(SELECT id FROM execution WHERE workflow_id = ?)"},
      Preparation{&w.execution, "DELETE FROM execution WHERE workflow_id = ?"},
      Preparation{&w.snapshot, "DELETE FROM snapshot WHERE workflow_id = ?"},
      Preparation{&w.workflow, "DELETE FROM workflow WHERE id = ?"},
  };
  for (const Preparation& preparation : preparations) {
    prepare(preparation.sql, preparation.statement);
  }
  if (!status.ok()) return Error(std::move(status));
  return writer;
}

Status ChangeWriter::Apply(const Connection& connection, const Change& change) {
  return std::visit([&](const auto& value) { return Write(connection, value); }, change);
}

template <typename Row>
Status ChangeWriter::Write(const Connection& connection, const Row& row) {
  Statement& statement = std::get<Upsert<Row>>(upserts_).statement;
  statement.BindTuple(Table<Row>::Tie(row));
  AIFLOW_RETURN_IF_ERROR(statement.Run());
  if constexpr (Table<Row>::kFixed > 0) {
    if (connection.changes() != 1) return FixedColumnChanged<Row>();
  }
  return Status::Ok();
}

Status ChangeWriter::Write(const Connection& connection, const ExecutionRow& row) {
  touch_execution_.Bind(row.stop_cause, row.begin, row.end, row.event_offset, row.reason, row.id,
                        row.status, row.workflow_id, row.snapshot_id, row.run_type,
                        row.created_offset);
  AIFLOW_RETURN_IF_ERROR(touch_execution_.Run());
  if (connection.changes() == 1) return Status::Ok();
  return Write<ExecutionRow>(connection, row);
}

Status ChangeWriter::Write(const Connection&, const CountersRow& row) {
  counters_.BindTuple(Table<CountersRow>::Tie(row));
  return counters_.Run();
}

Status ChangeWriter::Write(const Connection&, const EraseNamespace& erase) {
  return RunEach({&erase_namespace_}, erase.name);
}

Status ChangeWriter::Write(const Connection&, const EraseWorkflow& erase) {
  auto& w = erase_workflow_;
  return RunEach(
      {&w.cause, &w.rule_state, &w.task_execution, &w.task, &w.execution, &w.snapshot, &w.workflow},
      erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseSnapshot& erase) {
  return RunEach({&erase_snapshot_}, erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseExecution& erase) {
  auto& e = erase_execution_;
  return RunEach({&e.cause, &e.rule_state, &e.task_execution, &e.task, &e.execution}, erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseOutbox& erase) {
  return RunEach({&erase_outbox_}, erase.id);
}

}  // namespace aiflow::sqlite
