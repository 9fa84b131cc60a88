#pragma once

#include <aiflow/operator.h>
#include <aiflow/workflow.h>

#include <atomic>
#include <string>
#include <vector>

struct sqlite3;

namespace aiflow_sqlite {

/// Runs SQL statements on an SQLite database, in one transaction: all of them count or none.
///
/// `database` is a path on the server's machine, relative to the working directory of the
/// execution. `:name` in a statement stands for the parameter of that name of the execution. The
/// first column of the first row that the last statement selects is the task's output.
///
/// The database remembers which runs it has: one whose process died between its commit and its
/// report is tried again (Task::Retries) without doing it again.
class SqliteOperator : public aiflow::Operator {
 public:
  SqliteOperator(std::string database, std::vector<std::string> statements);
  ~SqliteOperator() override;

  int Start(aiflow::TaskContext& context) override;
  int AwaitTermination(aiflow::TaskContext& context) override;
  /// In a thread of its own, beside the two above: ends the statement that runs.
  void Stop(aiflow::TaskContext& context) override;

 private:
  /// Throws std::runtime_error with SQLite's text.
  std::string Execute(const std::string& statement, const aiflow::TaskContext& context);
  std::string OutputOfThisRun(const aiflow::TaskContext& context);

  const std::string database_;
  const std::vector<std::string> statements_;
  std::atomic<bool> stopping_ = false;
  sqlite3* connection_ = nullptr;
};

/// A task of it: SqliteTask load(flow, "load", "sales.db", {"INSERT ..."});
class SqliteTask : public aiflow::OperatorTask {
 public:
  SqliteTask(aiflow::Workflow& flow, std::string name, std::string database,
             std::vector<std::string> statements);
};

}  // namespace aiflow_sqlite
