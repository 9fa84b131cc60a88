// The operator, without a server: its methods, called with the context that a task's environment
// gives.
#include "aiflow_sqlite/sqlite_operator.h"

#include <aiflow/task_context.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace aiflow_sqlite {
namespace {

namespace fs = std::filesystem;

class SqliteOperatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "aiflow_sqlite_XXXXXX").string();
    dir_ = mkdtemp(name.data());
    setenv("AIFLOW_WORKFLOW", "unit", 1);
    setenv("AIFLOW_TASK", "sql", 1);
    setenv("AIFLOW_WORKFLOW_EXECUTION_ID", "1", 1);
    setenv("AIFLOW_SEQUENCE_NUMBER", "1", 1);
    setenv("AIFLOW_ATTEMPT_KEY", "1-0-1-1", 1);
    setenv("AIFLOW_WORKING_DIR", dir_.c_str(), 1);
    setenv("AIFLOW_OUTPUT", (dir_ / "output").c_str(), 1);
    setenv("AIFLOW_PARAMS_FILE", (dir_ / "params").c_str(), 1);
    std::ofstream(dir_ / "params") << R"({"a": "seven"})";
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::unique_ptr<aiflow::TaskContext> Context() {
    auto context = aiflow::TaskContext::FromEnvironment({});
    if (!context) throw std::runtime_error(context.error().message());
    return *std::move(context);
  }
  /// Runs the statements as a task does.
  void Perform(std::vector<std::string> statements) {
    const auto context = Context();
    SqliteOperator task(Database(), std::move(statements));
    ASSERT_EQ(task.Start(*context), 0) << context->failure();
    ASSERT_EQ(task.AwaitTermination(*context), 0) << context->failure();
  }
  std::string Database() { return (dir_ / "test.db").string(); }
  std::string Output() {
    std::ostringstream text;
    text << std::ifstream(dir_ / "output").rdbuf();
    return text.str();
  }

  fs::path dir_;
};

TEST_F(SqliteOperatorTest, WhatTheLastStatementSelectsIsTheOutput) {
  Perform({"CREATE TABLE t(a)", "INSERT INTO t VALUES (:a)", "SELECT a FROM t"});
  EXPECT_EQ(Output(), "seven");
}

TEST_F(SqliteOperatorTest, AFailingStatementTakesThoseBeforeItBack) {
  EXPECT_THROW(Perform({"CREATE TABLE t(a)", "INSERT INTO nowhere VALUES (1)"}),
               std::runtime_error);
  Perform({"CREATE TABLE t(a)", "SELECT count(*) FROM t"});
  EXPECT_EQ(Output(), "0");
}

TEST_F(SqliteOperatorTest, ARunIsCommittedOnceHoweverOftenItIsTried) {
  const std::vector<std::string> statements = {"CREATE TABLE IF NOT EXISTS t(a)",
                                               "INSERT INTO t VALUES (1)", "SELECT sum(a) FROM t"};
  Perform(statements);
  Perform(statements);
  EXPECT_EQ(Output(), "1");
  setenv("AIFLOW_SEQUENCE_NUMBER", "2", 1);
  Perform(statements);
  EXPECT_EQ(Output(), "2");
}

TEST_F(SqliteOperatorTest, AStopEndsALongStatementAndLeavesNothingBehind) {
  const auto context = Context();
  SqliteOperator task(Database(),
                      {"CREATE TABLE t(a)",
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                       "SELECT count(*) FROM n"});
  ASSERT_EQ(task.Start(*context), 0);
  std::thread stopper([&] { task.Stop(*context); });
  EXPECT_THROW(task.AwaitTermination(*context), std::runtime_error);
  stopper.join();
  Perform({"SELECT count(*) FROM sqlite_master WHERE name = 't'"});
  EXPECT_EQ(Output(), "0");
}

}  // namespace
}  // namespace aiflow_sqlite
