#include "storage/sqlite/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/schema.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using sqlite::Connection;
using testing::HasSubstr;

class SqliteStoreTest : public testing::Test {
 protected:
  ~SqliteStoreTest() override { fs::remove_all(dir_); }

  static fs::path MakeDir() {
    std::string pattern = fs::temp_directory_path() / "aiflow-sqlite-XXXXXX";
    return mkdtemp(pattern.data());
  }
  std::unique_ptr<SqliteStore> MustOpen() const {
    auto store = SqliteStore::Open(path_);
    EXPECT_TRUE(store) << store.error();
    return *std::move(store);
  }
  /// A connection beside the store's, as a shell or an older program would have.
  Connection Raw() const {
    return *Connection::Open(path_, Connection::Mode::kReadWrite, std::chrono::milliseconds(100));
  }

  const fs::path dir_ = MakeDir();
  const fs::path path_ = dir_ / "aiflow.db";
};

TEST_F(SqliteStoreTest, ANewerDatabaseIsRefusedUntouched) {
  MustOpen().reset();
  ASSERT_TRUE(Raw().Execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'").ok());
  for (const Status& status :
       {SqliteStore::Open(path_).error(), SqliteStore::Migrate(path_).error()}) {
    EXPECT_EQ(status.code(), Code::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr("written by a newer version"));
    EXPECT_THAT(status.message(), HasSubstr("schema 99"));
    EXPECT_THAT(status.message(), HasSubstr("use another home"));
  }
  EXPECT_EQ(*sqlite::ReadSchemaVersion(Raw()), 99);
}

TEST_F(SqliteStoreTest, MigrateMakesADatabaseAndKeepsOneThatIsCurrent) {
  const auto made = SqliteStore::Migrate(path_);
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->before, 0);
  EXPECT_EQ(made->after, sqlite::CurrentSchemaVersion());
  const std::string secret = MustOpen()->Meta()->secret;
  const auto kept = SqliteStore::Migrate(path_);
  ASSERT_TRUE(kept) << kept.error();
  EXPECT_EQ(kept->before, sqlite::CurrentSchemaVersion());
  EXPECT_EQ(MustOpen()->Meta()->secret, secret);
}

TEST_F(SqliteStoreTest, ASecondOpenerIsRefusedWithTheHoldersPid) {
  const auto store = MustOpen();
  for (const Status& status : {SqliteStore::Open(path_).error(),
                               SqliteStore::Migrate(path_).error(), SqliteStore::Reset(path_)}) {
    EXPECT_EQ(status.code(), Code::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr("pid " + std::to_string(getpid())));
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto second = SqliteStore::Open(path_);
    const bool refused =
        !second && second.error().code() == Code::kFailedPrecondition &&
        second.error().message().find(std::to_string(getppid())) != std::string::npos;
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(SqliteStoreTest, TheLockEndsWithTheStore) {
  MustOpen().reset();
  MustOpen().reset();
}

TEST_F(SqliteStoreTest, TheSecretIsReadableByItsOwnerOnly) {
  const auto store = MustOpen();
  ASSERT_TRUE(store->TakeLease("a"));
  for (const char* suffix : {"", "-wal", ".lock"}) {
    struct stat info {};
    ASSERT_EQ(stat((path_.string() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << suffix;
  }
}

TEST_F(SqliteStoreTest, MissingDatabasesAreNotMadeWhenNotAskedTo) {
  const auto store = SqliteStore::Open(path_, {.create = false});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(store.error().message(), HasSubstr("aiflow db init"));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SqliteStoreTest, FilesThatAreNoDatabaseOfOursAreRefusedUntouched) {
  std::ofstream(path_) << std::string(5000, 'x');
  const auto store = SqliteStore::Open(path_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(store.error().message(), HasSubstr(path_.string()));
  EXPECT_EQ(fs::file_size(path_), 5000U);
}

TEST_F(SqliteStoreTest, AHomeThatIsNotThereIsAClearRefusal) {
  const auto store = SqliteStore::Open(dir_ / "gone" / "aiflow.db");
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), HasSubstr("No such file or directory"));
}

TEST_F(SqliteStoreTest, ResetMakesANewEmptyStore) {
  std::string secret;
  {
    const auto store = MustOpen();
    secret = store->Meta()->secret;
    ASSERT_TRUE(store->BindLog("log-1").ok());
    ASSERT_TRUE(store->TakeLease("a"));
  }
  const Status reset = SqliteStore::Reset(path_);
  ASSERT_TRUE(reset.ok()) << reset;
  const StoreMeta meta = *MustOpen()->Meta();
  EXPECT_EQ(meta.log_id, "");
  EXPECT_EQ(meta.epoch, 0);
  EXPECT_NE(meta.secret, secret);
}

TEST_F(SqliteStoreTest, ADatabaseLockedByAnotherProgramIsUnavailableAndRecovers) {
  const auto store = *SqliteStore::Open(path_, {.busy_timeout = std::chrono::milliseconds(1)});
  ASSERT_TRUE(store->TakeLease("a"));
  const CommitBatch batch{
      .epoch = 1, .from_offset = 0, .to_offset = 1, .changes = {NamespaceRow{"n"}}};
  {
    const Connection shell = Raw();
    ASSERT_TRUE(shell.Execute("BEGIN IMMEDIATE").ok());
    EXPECT_EQ(store->Commit(batch).code(), Code::kUnavailable);
    EXPECT_EQ(store->Meta()->committed, 0);
  }
  EXPECT_TRUE(store->Commit(batch).ok());
}

/// Lets no file grow beyond a size, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_ = nullptr;
};

// Rule 33: after a failed commit the store answers what is so, and goes on when the cause is gone.
TEST_F(SqliteStoreTest, Rule33ACommitThatCannotBeWrittenChangesNothing) {
  const auto store = MustOpen();
  ASSERT_TRUE(store->TakeLease("a"));
  std::vector<Change> changes;
  for (int64_t id = 1; id <= 2000; ++id) {
    changes.emplace_back(ReplyRow{.offset = id, .message = std::string(500, 'm')});
  }
  const CommitBatch batch{
      .epoch = 1, .from_offset = 0, .to_offset = 9, .changes = std::move(changes)};
  {
    const FileSizeLimit limit(fs::file_size(path_.string() + "-wal") + 100'000);
    const Status status = store->Commit(batch);
    EXPECT_TRUE(status.code() == Code::kUnavailable || status.code() == Code::kResourceExhausted)
        << status;
    EXPECT_EQ(store->Meta()->committed, 0);
    EXPECT_FALSE(store->GetReply(1)->has_value());
  }
  const Status status = store->Commit(batch);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(store->GetReply(2000)->has_value());
}

TEST_F(SqliteStoreTest, QueriesBesideCommitsSeeWholeCommits) {
  const auto store = MustOpen();
  ASSERT_TRUE(store->TakeLease("a"));
  constexpr Offset kCommits = 300;
  std::atomic<bool> done = false;
  std::atomic<int> seen = 0;
  const auto read = [&] {
    Offset last = 0;
    while (!done) {
      const auto rows = store->ListExecutions(WorkflowId(1), {});
      ASSERT_TRUE(rows) << rows.error();
      if (rows->empty()) continue;
      ASSERT_EQ(rows->size(), 10U);
      for (const ExecutionRow& row : *rows) ASSERT_EQ(row.event_offset, rows->front().event_offset);
      ASSERT_GE(rows->front().event_offset, last);
      last = rows->front().event_offset;
      ++seen;
    }
  };
  {
    // More readers than connections: some wait for their turn.
    std::vector<std::jthread> readers;
    for (int i = 0; i < 5; ++i) readers.emplace_back(read);
    for (Offset offset = 1; offset <= kCommits; ++offset) {
      std::vector<Change> changes;
      for (int64_t id = 1; id <= 10; ++id) {
        changes.emplace_back(ExecutionRow{
            .id = ExecutionId(id), .workflow_id = WorkflowId(1), .event_offset = offset});
      }
      const Status status = store->Commit(
          {.epoch = 1, .from_offset = offset - 1, .to_offset = offset, .changes = changes});
      EXPECT_TRUE(status.ok()) << status;
    }
    done = true;
  }
  EXPECT_GT(seen, 0);
}

/// What the child of the crash test commits for an event: rows that belong together.
std::vector<Change> CrashChanges(Offset offset) {
  std::vector<Change> changes = {
      ExecutionRow{.id = ExecutionId(offset), .workflow_id = WorkflowId(1), .event_offset = offset},
      TaskRow{.execution_id = ExecutionId(offset), .last_sequence = 1, .latest = 1},
      TaskExecutionRow{.id = TaskExecutionId(offset),
                       .execution_id = ExecutionId(offset),
                       .sequence = 1,
                       .reason = std::string(static_cast<size_t>(offset % 7) * 1000, 'r')},
      OutboxRow{.id = OutboxId(offset), .offset = offset},
      CountersRow{.execution = offset, .outbox = offset}};
  if (offset > 10) changes.emplace_back(EraseOutbox{OutboxId(offset - 10)});
  return changes;
}

[[noreturn]] void CommitUntilKilled(const fs::path& path, int acknowledged) {
  auto store = SqliteStore::Open(path);
  if (!store) _exit(1);
  const Result<Epoch> epoch = (*store)->TakeLease("child");
  if (!epoch) _exit(2);
  Offset offset = (*store)->Meta()->committed;
  for (;;) {
    ++offset;
    if (!(*store)
             ->Commit({.epoch = *epoch,
                       .from_offset = offset - 1,
                       .to_offset = offset,
                       .changes = CrashChanges(offset)})
             .ok()) {
      _exit(3);
    }
    if (write(acknowledged, &offset, sizeof offset) != sizeof offset) _exit(4);
  }
}

/// Kills a committing child after `commits` acknowledged ones and `more` of time; returns the last
/// offset that was acknowledged.
Offset RunAndKill(const fs::path& path, Offset commits, std::chrono::microseconds more) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(pipe_ends[0]);
    CommitUntilKilled(path, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  Offset last = 0;
  const auto next = [&] { return read(pipe_ends[0], &last, sizeof last) == sizeof last; };
  for (Offset n = 0; n < commits; ++n) EXPECT_TRUE(next());
  std::this_thread::sleep_for(more);  // anywhere within a commit
  EXPECT_EQ(kill(child, SIGKILL), 0);
  while (next()) {
  }
  close(pipe_ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
  return last;
}

// Rules 1 to 3 for the store: what was acknowledged is there after kill -9, commits are whole, and
// counters never go back.
TEST_F(SqliteStoreTest, Rule3KillNineLosesNoAcknowledgedCommitAndTearsNone) {
  std::mt19937 random(17);
  for (int round = 1; round <= 12; ++round) {
    const Offset commits = static_cast<Offset>(random() % 40);
    const auto more = std::chrono::microseconds(random() % 2000);
    const Offset acknowledged = RunAndKill(path_, commits, more);
    const auto store = MustOpen();
    const StoreMeta meta = *store->Meta();
    ASSERT_GE(meta.committed, acknowledged);
    ASSERT_LE(meta.epoch, round);
    const Offset committed = meta.committed;
    if (committed == 0) continue;
    ASSERT_TRUE(store->GetExecution(ExecutionId(committed))->has_value());
    ASSERT_TRUE(store->GetTaskExecution(TaskExecutionId(committed))->has_value());
    ASSERT_FALSE(store->GetExecution(ExecutionId(committed + 1))->has_value());
    ASSERT_FALSE(store->GetTaskExecution(TaskExecutionId(committed + 1))->has_value());
    const auto outbox = *store->ListOutbox({.limit = 1000});
    ASSERT_EQ(outbox.size(), static_cast<size_t>(std::min<Offset>(committed, 10)));
    ASSERT_EQ(outbox.back().id, OutboxId(committed));
    size_t executions = 0;
    size_t runs = 0;
    const auto loaded = store->Load();
    for (const Change& change : *loaded) {
      executions += std::holds_alternative<ExecutionRow>(change) ? 1 : 0;
      runs += std::holds_alternative<TaskExecutionRow>(change) ? 1 : 0;
      if (const auto* counters = std::get_if<CountersRow>(&change)) {
        ASSERT_EQ(counters->execution, committed);
      }
    }
    ASSERT_EQ(executions, static_cast<size_t>(committed));
    ASSERT_EQ(runs, static_cast<size_t>(committed));
  }
}

TEST_F(SqliteStoreTest, ADamagedPackedColumnIsDataLossNotAWrongRow) {
  {
    const auto store = MustOpen();
    ASSERT_TRUE(store->TakeLease("a"));
    ASSERT_TRUE(
        store
            ->Commit({.epoch = 1,
                      .from_offset = 0,
                      .to_offset = 1,
                      .changes = {ExecutionRow{.id = ExecutionId(1)},
                                  RuleStateRow{.execution_id = ExecutionId(1), .fired = {{1, 2}}}}})
            .ok());
  }
  ASSERT_TRUE(Raw().Execute("UPDATE rule_state SET fired = x'0105'").ok());
  const auto store = MustOpen();
  EXPECT_EQ(store->Load().error().code(), Code::kDataLoss);
  EXPECT_EQ(store->ListRuleStates(ExecutionId(1)).error().code(), Code::kDataLoss);
}

}  // namespace
}  // namespace aiflow
