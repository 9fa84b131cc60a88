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

template <typename... T>
Status RunEach(const std::initializer_list<Statement*>& statements, const T&... key) {
  for (Statement* statement : statements) {
    statement->Bind(key...);
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

  const auto preparations = {
      Preparation{&writer.touch_execution_, kTouchExecutionSql},
      Preparation{&writer.counters_,
                  "UPDATE counters SET workflow = ?, snapshot = ?, execution = ?, "
                  "task_execution = ?, outbox = ?, schedule = ?, trigger = ?, dead_letter = ? "
                  "WHERE id = 1"},
      Preparation{&writer.cursor_,
                  "UPDATE decision_cursor SET log_offset = ?, part = ?, workflow_id = ?, "
                  "execution_id = ?, count = ?, handled = ? WHERE id = 1"},
      Preparation{&writer.recovery_,
                  "UPDATE recovery SET log_offset = ?, part = ?, crashes = ? WHERE id = 1"},
      Preparation{&writer.erase_namespace_, "DELETE FROM namespace WHERE name = ?"},
      Preparation{&writer.erase_snapshot_, "DELETE FROM snapshot WHERE id = ?"},
      Preparation{&writer.erase_schedule_, "DELETE FROM schedule WHERE id = ?"},
      Preparation{&writer.erase_pool_, "DELETE FROM pool WHERE name = ?"},
      Preparation{&writer.erase_state_,
                  "DELETE FROM state WHERE execution_id = ?1 AND workflow_id = ?2 "
                  "AND (?3 = '' OR name = ?3)"},
      Preparation{&writer.erase_evaluation_,
                  "DELETE FROM evaluation WHERE execution_id = ? AND trigger_id = ? "
                  "AND log_offset = ? AND ordinal = ? AND task = ?"},
      Preparation{&writer.erase_dead_letter_, "DELETE FROM dead_letter WHERE id = ?"},
      Preparation{&writer.erase_held_event_,
                  "DELETE FROM held_event WHERE execution_id = ? AND workflow_id = ? "
                  "AND log_offset = ?"},
      Preparation{&writer.erase_suspension_.held_event,
                  "DELETE FROM held_event WHERE execution_id = ? AND workflow_id = ?"},
      Preparation{&writer.erase_suspension_.suspension,
                  "DELETE FROM suspension WHERE execution_id = ? AND workflow_id = ?"},
      Preparation{&writer.erase_replies_, "DELETE FROM reply WHERE log_offset < ?"},
      Preparation{&writer.erase_outbox_, "DELETE FROM outbox WHERE id = ?"},
      Preparation{&writer.erase_task_execution_.cause, kEraseRunCausesSql},
      Preparation{&writer.erase_task_execution_.first_cause,
                  "DELETE FROM cause WHERE execution_id = ? AND task = ? AND sequence = ?"},
      Preparation{&writer.erase_task_execution_.task_execution,
                  "DELETE FROM task_execution WHERE execution_id = ? AND task = ? "
                  "AND sequence = ?"},
      Preparation{&writer.erase_trigger_.evaluation,
                  "DELETE FROM evaluation WHERE execution_id = 0 AND trigger_id = ?"},
      Preparation{&writer.erase_trigger_.trigger, "DELETE FROM trigger WHERE id = ?"},
  };
  for (const Preparation& preparation : preparations) {
    prepare(preparation.sql, preparation.statement);
  }
  if (status.ok()) status = writer.PrepareErasures(connection);
  if (!status.ok()) return Error(std::move(status));
  return writer;
}

/// Whatever an execution owns has its id in `execution_id`.
Status ChangeWriter::PrepareErasures(const Connection& connection) {
  auto& e = erase_execution_;
  auto& w = erase_workflow_;
  struct Owned {
    const char* table;
    Statement* of_execution;
    Statement* of_workflow;
  };
  for (const Owned& owned :
       {Owned{"cause", &e.cause, &w.cause}, Owned{"rule_state", &e.rule_state, &w.rule_state},
        Owned{"task_execution", &e.task_execution, &w.task_execution},
        Owned{"task", &e.task, &w.task}, Owned{"state", &e.state, &w.state},
        Owned{"evaluation", &e.evaluation, &w.evaluation},
        Owned{"dead_letter", &e.dead_letter, &w.dead_letter},
        Owned{"suspension", &e.suspension, &w.suspension},
        Owned{"held_event", &e.held_event, &w.held_event}}) {
    const std::string from = "DELETE FROM " + std::string(owned.table) + " WHERE execution_id ";
    AIFLOW_RETURN_IF_ERROR(PrepareInto(connection, from + "= ?", owned.of_execution));
    AIFLOW_RETURN_IF_ERROR(PrepareInto(connection,
                                       from + "IN (SELECT id FROM execution WHERE workflow_id = ?)",
                                       owned.of_workflow));
  }
  for (const Preparation& preparation : {
           Preparation{&e.execution, "DELETE FROM execution WHERE id = ?"},
           Preparation{&w.execution, "DELETE FROM execution WHERE workflow_id = ?"},
           Preparation{&w.trigger_evaluation,
                       "DELETE FROM evaluation WHERE execution_id = 0 "
                       "AND workflow_id = ?"},
           Preparation{&w.trigger_letter, "DELETE FROM dead_letter WHERE workflow_id = ?"},
           Preparation{&w.own_state,
                       "DELETE FROM state WHERE execution_id = 0 "
                       "AND workflow_id = ?"},
           Preparation{&w.own_suspension,
                       "DELETE FROM suspension WHERE execution_id = 0 AND workflow_id = ?"},
           Preparation{&w.own_held_event,
                       "DELETE FROM held_event WHERE execution_id = 0 AND workflow_id = ?"},
           Preparation{&w.schedule, "DELETE FROM schedule WHERE workflow_id = ?"},
           Preparation{&w.trigger, "DELETE FROM trigger WHERE workflow_id = ?"},
           Preparation{&w.snapshot, "DELETE FROM snapshot WHERE workflow_id = ?"},
           Preparation{&w.workflow, "DELETE FROM workflow WHERE id = ?"},
       }) {
    AIFLOW_RETURN_IF_ERROR(PrepareInto(connection, preparation.sql, preparation.statement));
  }
  return Status::Ok();
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
  touch_execution_.Bind(row.stop_cause, row.begin, row.event_offset, row.reason, row.params_json,
                        row.source, row.deadline, row.cascade, row.id, row.status, row.end, row.due,
                        row.workflow_id, row.snapshot_id, row.run_type, row.created_offset);
  AIFLOW_RETURN_IF_ERROR(touch_execution_.Run());
  if (connection.changes() == 1) return Status::Ok();
  return Write<ExecutionRow>(connection, row);
}

Status ChangeWriter::Write(const Connection&, const CountersRow& row) {
  counters_.BindTuple(Table<CountersRow>::Tie(row));
  return counters_.Run();
}

Status ChangeWriter::Write(const Connection&, const CursorRow& row) {
  cursor_.BindTuple(Table<CursorRow>::Tie(row));
  return cursor_.Run();
}

Status ChangeWriter::Write(const Connection&, const RecoveryRow& row) {
  recovery_.BindTuple(Table<RecoveryRow>::Tie(row));
  return recovery_.Run();
}

Status ChangeWriter::Write(const Connection&, const EraseNamespace& erase) {
  return RunEach({&erase_namespace_}, erase.name);
}

Status ChangeWriter::Write(const Connection&, const EraseWorkflow& erase) {
  auto& w = erase_workflow_;
  return RunEach({&w.cause, &w.rule_state, &w.task_execution, &w.task, &w.state, &w.evaluation,
                  &w.dead_letter, &w.suspension, &w.held_event, &w.execution, &w.trigger_evaluation,
                  &w.trigger_letter, &w.own_state, &w.own_suspension, &w.own_held_event,
                  &w.schedule, &w.trigger, &w.snapshot, &w.workflow},
                 erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseSnapshot& erase) {
  return RunEach({&erase_snapshot_}, erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseExecution& erase) {
  auto& e = erase_execution_;
  return RunEach({&e.cause, &e.rule_state, &e.task_execution, &e.task, &e.state, &e.evaluation,
                  &e.dead_letter, &e.suspension, &e.held_event, &e.execution},
                 erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseTaskExecution& erase) {
  auto& t = erase_task_execution_;
  Statement* causes = erase.sequence > 1 ? &t.cause : &t.first_cause;
  return RunEach({causes, &t.task_execution}, erase.execution_id, erase.task, erase.sequence);
}

Status ChangeWriter::Write(const Connection&, const EraseSchedule& erase) {
  return RunEach({&erase_schedule_}, erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseTrigger& erase) {
  return RunEach({&erase_trigger_.evaluation, &erase_trigger_.trigger}, erase.id);
}

Status ChangeWriter::Write(const Connection&, const ErasePool& erase) {
  return RunEach({&erase_pool_}, erase.name);
}

Status ChangeWriter::Write(const Connection&, const EraseState& erase) {
  return RunEach({&erase_state_}, erase.execution_id, erase.workflow_id, erase.name);
}

Status ChangeWriter::Write(const Connection&, const EraseEvaluation& erase) {
  return RunEach({&erase_evaluation_}, erase.execution_id, erase.trigger_id, erase.offset,
                 erase.ordinal, erase.task);
}

Status ChangeWriter::Write(const Connection&, const EraseDeadLetter& erase) {
  return RunEach({&erase_dead_letter_}, erase.id);
}

Status ChangeWriter::Write(const Connection&, const EraseSuspension& erase) {
  return RunEach({&erase_suspension_.held_event, &erase_suspension_.suspension}, erase.execution_id,
                 erase.workflow_id);
}

Status ChangeWriter::Write(const Connection&, const EraseHeldEvent& erase) {
  return RunEach({&erase_held_event_}, erase.execution_id, erase.workflow_id, erase.offset);
}

Status ChangeWriter::Write(const Connection&, const EraseReplies& erase) {
  return RunEach({&erase_replies_}, erase.below);
}

Status ChangeWriter::Write(const Connection&, const EraseOutbox& erase) {
  return RunEach({&erase_outbox_}, erase.id);
}

}  // namespace aiflow::sqlite
