#include "storage/sqlite/schema.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace aiflow::sqlite {
namespace {

// No foreign keys: the engine writes rows in the order of its decisions and erases by name, and a
// check per row would cost look-ups on the hot path. Indexes beside the primary keys are few, and
// none holds a column that changes while an execution merely waits.
constexpr const char* kMigration1 = R"sql(
CREATE TABLE lease (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  holder TEXT NOT NULL
);
INSERT INTO lease VALUES (1, 0, 0, '');

CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  workflow INTEGER NOT NULL,
  snapshot INTEGER NOT NULL,
  execution INTEGER NOT NULL,
  task_execution INTEGER NOT NULL,
  outbox INTEGER NOT NULL
);
INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE namespace (
  name TEXT PRIMARY KEY,
  properties TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO namespace VALUES ('default', '{}');

CREATE TABLE workflow (
  id INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  event_offset INTEGER NOT NULL,
  latest_snapshot INTEGER NOT NULL,
  content_digest TEXT NOT NULL,
  pickled_digest TEXT NOT NULL
);
CREATE UNIQUE INDEX workflow_name ON workflow (namespace, name);

CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY,
  workflow_id INTEGER NOT NULL,
  created INTEGER NOT NULL,
  spec_digest TEXT NOT NULL,
  bundle_digest TEXT NOT NULL,
  bundle_name TEXT NOT NULL,
  uri TEXT NOT NULL,
  signature TEXT NOT NULL,
  pickled_digest TEXT NOT NULL
);
CREATE INDEX snapshot_workflow ON snapshot (workflow_id);

CREATE TABLE execution (
  id INTEGER PRIMARY KEY,
  workflow_id INTEGER NOT NULL,
  snapshot_id INTEGER NOT NULL,
  run_type INTEGER NOT NULL,
  created_offset INTEGER NOT NULL,
  status INTEGER NOT NULL,
  stop_cause INTEGER NOT NULL,
  begin_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  event_offset INTEGER NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX execution_workflow ON execution (workflow_id);
CREATE INDEX execution_unfinished ON execution (id) WHERE status IN (0, 1, 5);

CREATE TABLE task (
  execution_id INTEGER NOT NULL,
  task INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  latest INTEGER NOT NULL,
  current INTEGER NOT NULL,
  successor INTEGER NOT NULL,
  pending_starts BLOB,
  PRIMARY KEY (execution_id, task)
) WITHOUT ROWID;

CREATE TABLE task_execution (
  id INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL,
  task INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  task_name TEXT NOT NULL,
  try_number INTEGER NOT NULL,
  status INTEGER NOT NULL,
  stop_cause INTEGER NOT NULL,
  begin_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  cause_offset INTEGER NOT NULL,
  cause_rule INTEGER NOT NULL,
  coalesced INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  reason TEXT NOT NULL
);
CREATE UNIQUE INDEX task_execution_key ON task_execution (execution_id, task, sequence);

CREATE TABLE rule_state (
  execution_id INTEGER NOT NULL,
  task INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  slots BLOB,
  fired BLOB,
  PRIMARY KEY (execution_id, task, rule)
) WITHOUT ROWID;

CREATE TABLE cause (
  execution_id INTEGER NOT NULL,
  log_offset INTEGER NOT NULL,
  task INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  time INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (execution_id, log_offset, task, ordinal)
) WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  log_offset INTEGER NOT NULL,
  execution_id INTEGER NOT NULL,
  task INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  try_number INTEGER NOT NULL,
  publish BLOB
);

CREATE TABLE reply (
  log_offset INTEGER PRIMARY KEY,
  code INTEGER NOT NULL,
  message TEXT NOT NULL,
  id INTEGER NOT NULL,
  detail TEXT NOT NULL
);
)sql";

constexpr std::array kMigrations = {Migration{1, kMigration1}};

Result<std::string> RandomHex32() {
  std::array<unsigned char, 32> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Error(Code::kUnavailable,
                 std::string("cannot make the store's secret: ") + std::strerror(errno));
  }
  std::string hex;
  for (const unsigned char byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Status CreateMeta(const Connection& connection) {
  AIFLOW_RETURN_IF_ERROR(connection.Execute(
      "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"));
  const Result<std::string> secret = RandomHex32();
  if (!secret) return secret.error();
  Result<Statement> insert =
      connection.Prepare("INSERT INTO meta VALUES ('secret', ?), ('log_id', '')");
  if (!insert) return insert.error();
  insert->Bind(std::string_view(*secret));
  return insert->Run();
}

Status ApplyOne(const Connection& connection, const Migration& migration) {
  AIFLOW_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  if (migration.version == 1) AIFLOW_RETURN_IF_ERROR(CreateMeta(connection));
  AIFLOW_RETURN_IF_ERROR(connection.Execute(migration.sql));
  AIFLOW_RETURN_IF_ERROR(
      connection.Execute("INSERT OR REPLACE INTO meta VALUES ('schema_version', '" +
                         std::to_string(migration.version) + "')"));
  return connection.Execute("COMMIT");
}

Result<int64_t> ReadNumber(const Connection& connection, std::string_view sql) {
  Result<Statement> select = connection.Prepare(sql);
  if (!select) return Error(select.error());
  const Result<bool> row = select->Step();
  if (!row) return Error(row.error());
  int64_t value = 0;
  if (*row) {
    if (Status status = select->Read(value); !status.ok()) return Error(std::move(status));
  }
  return value;
}

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

int CurrentSchemaVersion() { return kMigrations.back().version; }

Result<int> ReadSchemaVersion(const Connection& connection) {
  const Result<int64_t> tables =
      ReadNumber(connection, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  if (!tables) return Error(tables.error());
  if (*tables == 0) return 0;
  const Result<int64_t> ours = ReadNumber(
      connection,
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'lease')");
  if (!ours) return Error(ours.error());
  if (*ours != 2) {
    return Error(Code::kFailedPrecondition,
                 "the file holds tables of another program (or of the Python forerunner)");
  }
  const Result<int64_t> version = ReadNumber(
      connection, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema_version'");
  if (!version) return Error(version.error());
  return static_cast<int>(*version);
}

Status ApplyMigrations(const Connection& connection, std::span<const Migration> migrations) {
  const Result<int> version = ReadSchemaVersion(connection);
  if (!version) return version.error();
  for (const Migration& migration : migrations) {
    if (migration.version <= *version) continue;
    if (Status status = ApplyOne(connection, migration); !status.ok()) {
      connection.Rollback();
      return {status.code(),
              "migration " + std::to_string(migration.version) + ": " + status.message()};
    }
  }
  return Status::Ok();
}

}  // namespace aiflow::sqlite
