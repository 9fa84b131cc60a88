#include "aiflow_sqlite/sqlite_operator.h"

#include <aiflow/task_context.h>
#include <sqlite3.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace aiflow_sqlite {
namespace {

/// Steps of SQLite's machine, some milliseconds, between two looks at whether the task is to stop.
constexpr int kSteps = 100'000;

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

Statement Prepare(sqlite3* connection, const std::string& text) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(connection, text.c_str(), -1, &prepared, nullptr) != SQLITE_OK) {
    throw std::runtime_error(text + ": " + sqlite3_errmsg(connection));
  }
  return {prepared, sqlite3_finalize};
}

void Bind(sqlite3_stmt* statement, int index, const std::string& text) {
  sqlite3_bind_text(statement, index, text.c_str(), -1, SQLITE_TRANSIENT);
}

/// Runs it to its end; the first column of its first row.
std::string Finish(sqlite3* connection, sqlite3_stmt* statement) {
  std::string value;
  bool first = true;
  int code = sqlite3_step(statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    const unsigned char* text = first ? sqlite3_column_text(statement, 0) : nullptr;
    if (text != nullptr) value = reinterpret_cast<const char*>(text);
    first = false;
  }
  if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(connection));
  return value;
}

}  // namespace

// Runs wherever the program is started, also to compile it: only keeps what is given.
SqliteOperator::SqliteOperator(std::string database, std::vector<std::string> statements)
    : database_(std::move(database)), statements_(std::move(statements)) {}

SqliteOperator::~SqliteOperator() { sqlite3_close(connection_); }

int SqliteOperator::Start(aiflow::TaskContext& context) {
  if (sqlite3_open(database_.c_str(), &connection_) != SQLITE_OK) {
    return context.Fail(database_ + ": " + sqlite3_errmsg(connection_));
  }
  const auto asked_to_stop = [](void* self) -> int {
    return static_cast<SqliteOperator*>(self)->stopping_ ? 1 : 0;
  };
  sqlite3_progress_handler(connection_, kSteps, asked_to_stop, this);
  return 0;
}

int SqliteOperator::AwaitTermination(aiflow::TaskContext& context) {
  Execute("BEGIN IMMEDIATE", context);
  try {
    const aiflow::Status kept = context.SetOutput(OutputOfThisRun(context));
    if (!kept.ok()) throw std::runtime_error(kept.message());
    if (stopping_) throw std::runtime_error("stopped before the commit");
    Execute("COMMIT", context);
  } catch (...) {
    sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;  // its text becomes the reason of the failure
  }
  return 0;
}

void SqliteOperator::Stop(aiflow::TaskContext&) { stopping_ = true; }

std::string SqliteOperator::Execute(const std::string& text, const aiflow::TaskContext& context) {
  const Statement statement = Prepare(connection_, text);
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement.get()); ++i) {
    const char* name = sqlite3_bind_parameter_name(statement.get(), i);
    const auto value = context.param(name == nullptr ? "" : name + 1);
    if (!value) throw std::runtime_error(text + ": no parameter " + (name == nullptr ? "?" : name));
    Bind(statement.get(), i, *value);
  }
  return Finish(connection_, statement.get());
}

std::string SqliteOperator::OutputOfThisRun(const aiflow::TaskContext& context) {
  const std::string run = std::to_string(context.execution_id()) + "_" + context.task() + "_" +
                          std::to_string(context.sequence_number());
  Execute("CREATE TABLE IF NOT EXISTS aiflow_runs (run TEXT PRIMARY KEY, output)", context);
  const Statement known =
      Prepare(connection_, "SELECT '=' || output FROM aiflow_runs WHERE run = ?");
  Bind(known.get(), 1, run);
  const std::string kept = Finish(connection_, known.get());
  if (!kept.empty()) return kept.substr(1);  // committed by an earlier try
  std::string output;
  for (const std::string& statement : statements_) output = Execute(statement, context);
  const Statement remember = Prepare(connection_, "INSERT INTO aiflow_runs VALUES (?, ?)");
  Bind(remember.get(), 1, run);
  Bind(remember.get(), 2, output);
  Finish(connection_, remember.get());
  return output;
}

SqliteTask::SqliteTask(aiflow::Workflow& flow, std::string name, std::string database,
                       std::vector<std::string> statements)
    : OperatorTask(flow, std::move(name),
                   std::make_shared<SqliteOperator>(std::move(database), std::move(statements))) {}

}  // namespace aiflow_sqlite
