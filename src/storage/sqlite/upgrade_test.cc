// A database of schema version 1, with rows, after the upgrade.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using sqlite::Connection;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRowsOfVersion1 = R"sql(
UPDATE lease SET epoch = 3, committed = 41, holder = 'server-a';
UPDATE counters SET workflow = 1, snapshot = 2, execution = 3, task_execution = 9, outbox = 5;
INSERT INTO workflow VALUES (1, 'default', 'w', 1, 10, 20, 40, 2, 'content', '');
INSERT INTO snapshot VALUES (2, 1, 10, 'spec', 'bundle', 'project', 'uri', 'md5', '');
INSERT INTO execution VALUES (3, 1, 2, 0, 30, 1, 0, 100, 0, 40, '');
INSERT INTO execution VALUES (2, 1, 2, 0, 20, 3, 0, 50, 90, 25, 'failed');
INSERT INTO task VALUES (3, 0, 1, 1, 1, 0, NULL);
INSERT INTO task VALUES (3, 1, 3, 3, 0, 0, x'010104');
INSERT INTO task_execution VALUES (1, 3, 0, 1, 'a', 1, 2, 0, 100, 0, 30, -1, 0, 4711, '');
INSERT INTO task_execution VALUES (2, 3, 1, 1, 'b', 1, 3, 0, 100, 200, 30, -1, 0, 4712, '');
INSERT INTO task_execution VALUES (3, 3, 1, 2, 'b', 1, 1, 0, 100, 0, 30, -1, 0, 0, '');
INSERT INTO task_execution VALUES (4, 3, 1, 3, 'b', 1, 5, 0, 100, 0, 30, -1, 0, 0, '');
INSERT INTO task_execution VALUES (5, 3, 1, 4, 'b', 1, 0, 0, 100, 0, 30, -1, 0, 0, '');
INSERT INTO rule_state VALUES (3, 1, 0, x'0101', NULL);
INSERT INTO cause VALUES (3, 30, 1, 0, 0, 2, 0, 100, 'why');
INSERT INTO outbox VALUES (5, 0, 40, 3, 0, 1, 1, NULL);
INSERT INTO reply VALUES (30, 0, 'done', 3, '');
)sql";

class UpgradeTest : public testing::Test {
 protected:
  UpgradeTest() {
    const Connection connection = Raw();
    EXPECT_TRUE(ApplyMigrations(connection, sqlite::Migrations().first(1)).ok());
    const Status filled = connection.Execute(kRowsOfVersion1);
    EXPECT_TRUE(filled.ok()) << filled;
  }
  ~UpgradeTest() override { fs::remove_all(dir_); }

  static fs::path MakeDir() {
    std::string pattern = fs::temp_directory_path() / "aiflow-upgrade-XXXXXX";
    return mkdtemp(pattern.data());
  }
  Connection Raw() const {
    return *Connection::Open(path_, Connection::Mode::kReadWrite, std::chrono::milliseconds(100));
  }
  std::unique_ptr<SqliteStore> Upgrade() const {
    const auto versions = SqliteStore::Migrate(path_);
    EXPECT_TRUE(versions) << versions.error();
    EXPECT_EQ(versions->before, 1);
    EXPECT_EQ(versions->after, sqlite::CurrentSchemaVersion());
    auto store = SqliteStore::Open(path_);
    EXPECT_TRUE(store) << store.error();
    return *std::move(store);
  }

  const fs::path dir_ = MakeDir();
  const fs::path path_ = dir_ / "aiflow.db";
};

TEST_F(UpgradeTest, AnOlderDatabaseIsRefusedUntilItIsUpgraded) {
  const auto store = SqliteStore::Open(path_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(store.error().message(), HasSubstr("aiflow db upgrade"));
  EXPECT_EQ(*sqlite::ReadSchemaVersion(Raw()), 1);
}

TEST_F(UpgradeTest, RowsOfVersion1AreReadableWithDefaultsForWhatIsNew) {
  const auto store = Upgrade();
  const StoreMeta meta = *store->Meta();
  EXPECT_EQ(meta.committed, 41);
  EXPECT_EQ(meta.epoch, 3);
  const ExecutionRow execution = **store->GetExecution(ExecutionId(3));
  EXPECT_EQ(execution.status, ExecutionStatus::kRunning);
  EXPECT_EQ(execution.event_offset, 40);
  EXPECT_EQ(execution.params_json, "");
  EXPECT_EQ(execution.deadline, Millis(0));
  const std::vector<TaskRow> tasks = *store->ListTasks(ExecutionId(3));
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_THAT(tasks[1].pending_starts, ElementsAre(2));
  EXPECT_EQ(tasks[1].next_tick, Millis(0));
  EXPECT_EQ(store->ListCauses(ExecutionId(3), -1, {})->size(), 1U);
  EXPECT_EQ((*store->GetReply(30))->message, "done");
  const std::vector<OutboxRow> outbox = *store->ListOutbox({});
  ASSERT_EQ(outbox.size(), 1U);
  EXPECT_EQ(outbox[0].attempt.execution, ExecutionId(3));
  EXPECT_EQ(outbox[0].due, Millis(0));
  // Indexes that are new know the old rows.
  EXPECT_EQ(store->ListEndedBefore(Millis(91), 9)->size(), 1U);
  const auto loaded = store->Load();
  ASSERT_TRUE(loaded) << loaded.error();
  const auto* counters = std::get_if<CountersRow>(loaded->data());
  ASSERT_NE(counters, nullptr);
  EXPECT_EQ(counters->task_execution, 9);
  EXPECT_EQ(counters->schedule, 0);
}

// Otherwise a process that runs would not count, and one that is about to start would wait for a
// slot that nobody grants.
TEST_F(UpgradeTest, RunsThatTheExecutorHadHoldASlot) {
  const auto store = Upgrade();
  std::vector<int64_t> with_slot;
  const auto runs = store->ListTaskExecutions(ExecutionId(3), -1, {});
  for (const TaskExecutionRow& run : *runs) {
    if (run.has_slot) with_slot.push_back(run.id.value());
  }
  EXPECT_THAT(with_slot, ElementsAre(1, 3, 4));  // RUNNING, QUEUED, STOPPING
}

TEST_F(UpgradeTest, TheEngineCommitsOnTopOfOldRows) {
  const auto store = Upgrade();
  const Epoch epoch = *store->TakeLease("server-b");
  ExecutionRow execution = **store->GetExecution(ExecutionId(3));
  execution.deadline = Millis(500);
  const Status status = store->Commit(
      {.epoch = epoch,
       .from_offset = 41,
       .to_offset = 42,
       .changes = {execution, EraseTaskExecution{TaskExecutionId(3), ExecutionId(3), 1, 2}}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(**store->GetExecution(ExecutionId(3)), execution);
  EXPECT_EQ(store->ListCauses(ExecutionId(3), -1, {})->size(), 0U);
}

}  // namespace
}  // namespace aiflow
