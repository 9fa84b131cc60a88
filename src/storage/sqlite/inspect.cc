#include "storage/sqlite/inspect.h"

#include "storage/sqlite/connection.h"
#include "storage/sqlite/schema.h"

namespace aiflow {

using sqlite::Connection;
using sqlite::Statement;

namespace {

constexpr std::chrono::milliseconds kPatience{1'000};

/// The first finding, or nothing.
Result<std::string> FindDamage(const Connection& connection) {
  Result<Statement> check = connection.Prepare("PRAGMA quick_check(1)");
  if (!check) return Error(check.error());
  const Result<bool> row = check->Step();
  if (!row) return Error(row.error());
  std::string text;
  if (*row) {
    if (Status read = check->Read(text); !read.ok()) return Error(std::move(read));
  }
  return text == "ok" ? "" : text;
}

}  // namespace

Result<StoreInspection> InspectSqliteStore(const std::filesystem::path& path, bool check) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return Error(Code::kNotFound, path.string() + " does not exist");
  }
  Result<Connection> connection = Connection::Open(path, Connection::Mode::kReadOnly, kPatience);
  if (!connection) return Error(connection.error());
  const Result<int> version = sqlite::ReadSchemaVersion(*connection);
  if (!version) return Error(version.error());
  StoreInspection found;
  found.version = *version;
  found.current_version = sqlite::CurrentSchemaVersion();
  if (*version == 0) return found;
  Result<Statement> select = connection->Prepare(
      "SELECT COALESCE((SELECT value FROM meta WHERE key = 'log_id'), ''), committed FROM lease");
  if (!select) return Error(select.error());
  const Result<bool> row = select->Step();
  if (!row) return Error(row.error());
  if (!*row) return Error(Code::kDataLoss, "the lease row is missing");
  if (Status read = select->Read(found.log_id, found.committed); !read.ok()) {
    return Error(std::move(read));
  }
  if (!check) return found;
  Result<std::string> damage = FindDamage(*connection);
  if (!damage) return Error(damage.error());
  found.damage = *std::move(damage);
  return found;
}

}  // namespace aiflow
