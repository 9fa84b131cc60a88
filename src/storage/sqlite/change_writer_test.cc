#include "storage/sqlite/change_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <set>
#include <string>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/schema.h"

namespace aiflow::sqlite {
namespace {

namespace fs = std::filesystem;

class ChangeWriterTest : public testing::Test {
 protected:
  ChangeWriterTest() { EXPECT_TRUE(ApplyMigrations(connection_, Migrations()).ok()); }
  ~ChangeWriterTest() override { fs::remove_all(dir_); }

  static fs::path MakeDir() {
    std::string pattern = fs::temp_directory_path() / "aiflow-writer-XXXXXX";
    return mkdtemp(pattern.data());
  }
  /// The instructions that SQLite would run.
  std::multiset<std::string> Instructions(const std::string& sql) const {
    auto program = connection_.Prepare("EXPLAIN " + sql);
    EXPECT_TRUE(program) << program.error();
    std::multiset<std::string> names;
    int64_t address = 0;
    std::string name;
    while (*program->Step()) {
      EXPECT_TRUE(program->Read(address, name).ok());
      names.insert(name);
    }
    return names;
  }
  /// How SQLite would find the rows.
  std::string Plan(const std::string& sql) const {
    auto plan = connection_.Prepare("EXPLAIN QUERY PLAN " + sql);
    EXPECT_TRUE(plan) << plan.error();
    std::string text;
    int64_t number = 0;
    std::string step;
    while (*plan->Step()) {
      EXPECT_TRUE(plan->Read(number, number, number, step).ok());
      text += step + "\n";
    }
    return text;
  }

  const fs::path dir_ = MakeDir();
  const Connection connection_ =
      *Connection::Open(dir_ / "db", Connection::Mode::kReadWrite, std::chrono::milliseconds(100));
};

// The path that every waiting execution takes with each event must stay a write of one page.
TEST_F(ChangeWriterTest, TouchingAWaitingExecutionWritesNoIndex) {
  const auto touch = Instructions(kTouchExecutionSql);
  EXPECT_EQ(touch.count("Insert"), 1U);
  EXPECT_EQ(touch.count("IdxInsert") + touch.count("IdxDelete"), 0U);
  EXPECT_GT(Instructions("UPDATE execution SET status = 2 WHERE id = 1").count("IdxInsert"), 0U);
}

// An execution that never ends has many causes; erasing one of its runs must not read them all.
TEST_F(ChangeWriterTest, TheCausesOfARunAreFoundByItsSequence) {
  EXPECT_THAT(Plan(kEraseRunCausesSql),
              testing::HasSubstr("cause_run (execution_id=? AND task=? AND sequence=?)"));
}

}  // namespace
}  // namespace aiflow::sqlite
