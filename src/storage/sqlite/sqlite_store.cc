#include "storage/sqlite/sqlite_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/sqlite_store_rep.h"
#include "storage/sqlite/state_loader.h"

namespace aiflow {
namespace {

using sqlite::Connection;
using sqlite::Statement;

// Large checkpoints: fewer syncs of the database file inside commits. The WAL stays under about 16
// MB.
constexpr const char* kWriterPragmas =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY";

/// The secret is in the file, so it is readable by its owner only; SQLite gives the WAL the same
/// mode.
Status CreateFile(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return {Code::kUnavailable,
            "cannot create the metadata database " + path.string() + ": " + std::strerror(errno)};
  }
  close(fd);
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const int directory = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && fsync(directory) == 0;
  const int error = errno;
  if (directory >= 0) close(directory);
  if (synced) return Status::Ok();
  return {Code::kUnavailable,
          "cannot sync the directory " + parent.string() + ": " + std::strerror(error)};
}

Status CheckVersion(const std::filesystem::path& path, int version, const SqliteOptions& options) {
  const int current = sqlite::CurrentSchemaVersion();
  const std::string subject = "metadata database " + path.string();
  if (version > current) {
    return {Code::kFailedPrecondition,
            subject + " was written by a newer version of aiflow (schema " +
                std::to_string(version) + ", this program knows up to " + std::to_string(current) +
                "); install that version again, or use another home"};
  }
  if (version == 0 && !options.create) {
    return {Code::kFailedPrecondition, subject + " does not exist; run 'aiflow db init' first"};
  }
  if (version > 0 && version < current && !options.upgrade) {
    return {Code::kFailedPrecondition,
            subject + " was written by an older version of aiflow (schema " +
                std::to_string(version) + ", this program needs " + std::to_string(current) +
                "); make a backup and run 'aiflow db upgrade'"};
  }
  return Status::Ok();
}

struct OpenedDatabase {
  Connection connection;
  int version_before = 0;
};

/// REQUIRES: the lock is held.
Result<OpenedDatabase> OpenDatabase(const std::filesystem::path& path,
                                    const SqliteOptions& options) {
  if (!std::filesystem::exists(path)) {
    if (Status status = CheckVersion(path, 0, options); !status.ok()) return Error(status);
    if (Status status = CreateFile(path); !status.ok()) return Error(status);
  }
  Result<Connection> connection =
      Connection::Open(path, Connection::Mode::kReadWrite, options.busy_timeout);
  if (!connection) return Error(connection.error());
  const Result<int> version = sqlite::ReadSchemaVersion(*connection);
  if (!version) {
    return Error(version.error().code(), "cannot use " + path.string() +
                                             " as metadata database: " + version.error().message());
  }
  // Before anything is written.
  if (Status status = CheckVersion(path, *version, options); !status.ok()) return Error(status);
  if (Status status = connection->Execute(kWriterPragmas); !status.ok()) return Error(status);
  if (Status status = sqlite::ApplyMigrations(*connection, sqlite::Migrations()); !status.ok()) {
    return Error(status);
  }
  return OpenedDatabase{*std::move(connection), *version};
}

Result<sqlite::HomeLock> LockHome(const std::filesystem::path& path) {
  return sqlite::HomeLock::Take(path.string() + ".lock");
}

Result<StoreMeta> ReadMeta(const Connection& connection) {
  Result<Statement> select = connection.Prepare(
      "SELECT (SELECT value FROM meta WHERE key = 'log_id'), committed,"
      " (SELECT part FROM decision_cursor), epoch, holder,"
      " (SELECT value FROM meta WHERE key = 'secret'),"
      " (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema_version') FROM lease");
  if (!select) return Error(select.error());
  const Result<bool> row = select->Step();
  if (!row) return Error(row.error());
  if (!*row) return Error(Code::kDataLoss, "metadata database: the lease row is missing");
  StoreMeta meta;
  Status status = select->Read(meta.log_id, meta.committed, meta.part, meta.epoch, meta.holder,
                               meta.secret, meta.schema_version);
  if (!status.ok()) return Error(std::move(status));
  return meta;
}

Status Refusal(const Connection& connection, const CommitBatch& batch) {
  const Result<StoreMeta> meta = ReadMeta(connection);
  if (!meta) return meta.error();
  if (meta->epoch != batch.epoch) {
    return {Code::kAborted, "commit refused: the lease is with " + meta->holder + " (epoch " +
                                std::to_string(meta->epoch) + ", ours was " +
                                std::to_string(batch.epoch) + ")"};
  }
  const auto position = [](Offset offset, int64_t part) {
    return std::to_string(offset) +
           (part == 0 ? "" : " and " + std::to_string(part) + " parts of the next decision");
  };
  return {Code::kAborted, "commit refused: the committed offset is " +
                              position(meta->committed, meta->part) + ", not " +
                              position(batch.from_offset, batch.from_part)};
}

}  // namespace

SqliteStore::SqliteStore(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::filesystem::path& path,
                                                       const SqliteOptions& options) {
  Result<sqlite::HomeLock> lock = LockHome(path);
  if (!lock) return Error(lock.error());
  Result<OpenedDatabase> opened = OpenDatabase(path, options);
  if (!opened) return Error(opened.error());
  Result<sqlite::ChangeWriter> changes = sqlite::ChangeWriter::Prepare(opened->connection);
  if (!changes) return Error(changes.error());
  auto rep = std::make_unique<Rep>(*std::move(lock), std::move(opened->connection),
                                   *std::move(changes), path, options);
  for (const auto& [statement, sql] :
       {std::pair{&rep->begin, "BEGIN IMMEDIATE"}, std::pair{&rep->commit, "COMMIT"},
        std::pair{&rep->advance,
                  "UPDATE lease SET committed = ? WHERE id = 1 AND committed = ? AND epoch = ?"
                  " AND (SELECT part FROM decision_cursor) = ?"}}) {
    Result<Statement> prepared = rep->writer.Prepare(sql);
    if (!prepared) return Error(prepared.error());
    *statement = *std::move(prepared);
  }
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(rep)));
}

Result<SqliteStore::SchemaVersions> SqliteStore::Migrate(const std::filesystem::path& path) {
  const Result<sqlite::HomeLock> lock = LockHome(path);
  if (!lock) return Error(lock.error());
  SqliteOptions options;
  options.upgrade = true;
  const Result<OpenedDatabase> opened = OpenDatabase(path, options);
  if (!opened) return Error(opened.error());
  return SchemaVersions{opened->version_before, sqlite::CurrentSchemaVersion()};
}

Status SqliteStore::Reset(const std::filesystem::path& path) {
  const Result<sqlite::HomeLock> lock = LockHome(path);
  if (!lock) return lock.error();
  // The journals first: left behind alone, they would be taken for the new database's.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    std::error_code error;
    std::filesystem::remove(path.string() + suffix, error);
    if (error) {
      return {Code::kUnavailable,
              "cannot remove " + path.string() + suffix + ": " + error.message()};
    }
  }
  const Result<OpenedDatabase> opened = OpenDatabase(path, {});
  return opened ? Status::Ok() : opened.error();
}

Result<StoreMeta> SqliteStore::Meta() const { return ReadMeta(rep_->writer); }

Status SqliteStore::BindLog(const std::string& log_id) {
  CHECK(!log_id.empty()) << "a log without an id";
  Result<Statement> bind =
      rep_->writer.Prepare("UPDATE meta SET value = ?1 WHERE key = 'log_id' AND value = ''");
  if (!bind) return bind.error();
  bind->Bind(std::string_view(log_id));
  AIFLOW_RETURN_IF_ERROR(bind->Run());
  const Result<StoreMeta> meta = Meta();
  if (!meta) return meta.error();
  if (meta->log_id == log_id) return Status::Ok();
  return {Code::kFailedPrecondition, "the metadata belongs to event log " + meta->log_id +
                                         ", but the log here is " + log_id +
                                         "; put the matching log back, or start with a new home"};
}

Result<Epoch> SqliteStore::TakeLease(const std::string& holder) {
  Result<Statement> take = rep_->writer.Prepare(
      "UPDATE lease SET epoch = epoch + 1, holder = ? WHERE id = 1 RETURNING epoch");
  if (!take) return Error(take.error());
  take->Bind(std::string_view(holder));
  Result<bool> row = take->Step();
  if (!row) return Error(row.error());
  if (!*row) return Error(Code::kDataLoss, "metadata database: the lease row is missing");
  Epoch epoch = 0;
  if (Status status = take->Read(epoch); !status.ok()) return Error(std::move(status));
  // The change is durable only once the statement has run to its end.
  if (Status status = take->Run(); !status.ok()) return Error(std::move(status));
  return epoch;
}

Status SqliteStore::Commit(const CommitBatch& batch) {
  CHECK(batch.to_offset >= batch.from_offset)
      << "commit from " << batch.from_offset << " back to " << batch.to_offset;
  const auto write = [&]() -> Status {
    AIFLOW_RETURN_IF_ERROR(rep_->begin.Run());
    rep_->advance.Bind(batch.to_offset, batch.from_offset, batch.epoch, batch.from_part);
    AIFLOW_RETURN_IF_ERROR(rep_->advance.Run());
    if (rep_->writer.changes() != 1) return Refusal(rep_->writer, batch);
    for (const Change& change : batch.changes) {
      AIFLOW_RETURN_IF_ERROR(rep_->changes.Apply(rep_->writer, change));
    }
    return rep_->commit.Run();
  };
  Status status = write();
  if (!status.ok()) rep_->writer.Rollback();
  return status;
}

Result<std::vector<Change>> SqliteStore::Load() const { return sqlite::LoadState(rep_->writer); }

Result<std::vector<Change>> SqliteStore::LoadSnapshotUsers(
    const std::vector<SnapshotId>& snapshots) const {
  return sqlite::LoadSnapshotUsers(rep_->writer, snapshots);
}

Result<std::vector<Change>> SqliteStore::LoadDueExecutions(WorkflowId workflow, Millis from,
                                                           Millis to) const {
  return sqlite::LoadDueExecutions(rep_->writer, workflow, from, to);
}

Result<std::vector<Change>> SqliteStore::LoadWorkflowExecutions(WorkflowId workflow,
                                                                int64_t limit) const {
  return sqlite::LoadWorkflowExecutions(rep_->writer, workflow, limit);
}

Result<std::vector<Change>> SqliteStore::LoadExecution(ExecutionId id) const {
  return sqlite::LoadExecution(rep_->writer, id);
}

}  // namespace aiflow
