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

// Schedules, triggers, pools, user-written conditions, limits and retries. A run that the executor
// had at the time of the upgrade holds a slot. The causes of one run are found by an index when it
// is erased; first runs are left out, so that tasks that run once do not pay for it.
constexpr const char* kMigration2 = R"sql(
ALTER TABLE counters ADD COLUMN schedule INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN trigger INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN dead_letter INTEGER NOT NULL DEFAULT 0;

ALTER TABLE execution ADD COLUMN params TEXT NOT NULL DEFAULT '';
ALTER TABLE execution ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE execution ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE execution ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;
ALTER TABLE execution ADD COLUMN cascade INTEGER NOT NULL DEFAULT 0;
CREATE INDEX execution_snapshot ON execution (snapshot_id);
CREATE INDEX execution_due ON execution (workflow_id, due) WHERE due > 0;
CREATE INDEX execution_ended ON execution (end_time) WHERE status IN (2, 3, 4);

ALTER TABLE task ADD COLUMN next_tick INTEGER NOT NULL DEFAULT 0;

ALTER TABLE task_execution ADD COLUMN has_slot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_execution ADD COLUMN deadline INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_execution ADD COLUMN output TEXT NOT NULL DEFAULT '';
UPDATE task_execution SET has_slot = 1 WHERE status IN (1, 2, 5);

CREATE INDEX cause_run ON cause (execution_id, task, sequence) WHERE sequence NOT IN (0, 1);

ALTER TABLE outbox ADD COLUMN trigger_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN question INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN due INTEGER NOT NULL DEFAULT 0;

CREATE TABLE schedule (
  id INTEGER PRIMARY KEY,
  workflow_id INTEGER NOT NULL,
  expression TEXT NOT NULL,
  timezone TEXT NOT NULL,
  catchup INTEGER NOT NULL,
  skip_if_active INTEGER NOT NULL,
  params TEXT NOT NULL,
  paused INTEGER NOT NULL,
  created INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  next_due INTEGER NOT NULL,
  last_due INTEGER NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX schedule_workflow ON schedule (workflow_id);

CREATE TABLE trigger (
  id INTEGER PRIMARY KEY,
  workflow_id INTEGER NOT NULL,
  condition TEXT NOT NULL,
  params TEXT NOT NULL,
  paused INTEGER NOT NULL,
  created INTEGER NOT NULL,
  created_offset INTEGER NOT NULL,
  pickled_digest TEXT NOT NULL,
  bundle_digest TEXT NOT NULL,
  bundle_name TEXT NOT NULL,
  host TEXT NOT NULL,
  slots BLOB,
  reason TEXT NOT NULL
);
CREATE INDEX trigger_workflow ON trigger (workflow_id);

CREATE TABLE pool (
  name TEXT PRIMARY KEY,
  slots INTEGER NOT NULL,
  description TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE state (
  execution_id INTEGER NOT NULL,
  workflow_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (execution_id, workflow_id, name)
) WITHOUT ROWID;

CREATE TABLE evaluation (
  execution_id INTEGER NOT NULL,
  trigger_id INTEGER NOT NULL,
  log_offset INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  task INTEGER NOT NULL,
  workflow_id INTEGER NOT NULL,
  event BLOB,
  source INTEGER NOT NULL,
  statuses BLOB,
  answers BLOB,
  decided INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  question INTEGER NOT NULL,
  PRIMARY KEY (execution_id, trigger_id, log_offset, ordinal, task)
) WITHOUT ROWID;

CREATE TABLE dead_letter (
  id INTEGER PRIMARY KEY,
  execution_id INTEGER NOT NULL,
  trigger_id INTEGER NOT NULL,
  workflow_id INTEGER NOT NULL,
  task INTEGER NOT NULL,
  rule INTEGER NOT NULL,
  question INTEGER NOT NULL,
  decided INTEGER NOT NULL,
  event BLOB,
  time INTEGER NOT NULL,
  error TEXT NOT NULL
);
CREATE INDEX dead_letter_execution ON dead_letter (execution_id);
)sql";

// Decisions that are committed in parts.
constexpr const char* kMigration3 = R"sql(
CREATE TABLE decision_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  log_offset INTEGER NOT NULL,
  part INTEGER NOT NULL,
  workflow_id INTEGER NOT NULL,
  execution_id INTEGER NOT NULL,
  count INTEGER NOT NULL,
  handled INTEGER NOT NULL
);
INSERT INTO decision_cursor VALUES (1, 0, 0, 0, 0, 0, 0);
)sql";

// Events that take the server down again and again, and whom they suspend.
constexpr const char* kMigration4 = R"sql(
CREATE TABLE recovery (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  log_offset INTEGER NOT NULL,
  part INTEGER NOT NULL,
  crashes INTEGER NOT NULL
);
INSERT INTO recovery VALUES (1, 0, 0, 0);

CREATE TABLE suspension (
  execution_id INTEGER NOT NULL,
  workflow_id INTEGER NOT NULL,
  dead_letter_id INTEGER NOT NULL,
  replaying INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  reason_before TEXT NOT NULL,
  PRIMARY KEY (execution_id, workflow_id)
) WITHOUT ROWID;

CREATE TABLE held_event (
  execution_id INTEGER NOT NULL,
  workflow_id INTEGER NOT NULL,
  log_offset INTEGER NOT NULL,
  event BLOB,
  PRIMARY KEY (execution_id, workflow_id, log_offset)
) WITHOUT ROWID;
)sql";

// Several executors side by side.
constexpr const char* kMigration5 = R"sql(
ALTER TABLE task_execution ADD COLUMN executor TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN executor TEXT NOT NULL DEFAULT '';
)sql";

constexpr std::array kMigrations = {Migration{1, kMigration1}, Migration{2, kMigration2},
                                    Migration{3, kMigration3}, Migration{4, kMigration4},
                                    Migration{5, kMigration5}};

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
