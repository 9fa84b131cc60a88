#pragma once

#include <span>

#include "base/status.h"
#include "storage/sqlite/connection.h"

/// The numbered migrations of the metadata database (docs/formats/metadata-schema.md).
namespace aiflow::sqlite {

struct Migration {
  int version = 0;  // 1, 2, 3 ...
  const char* sql = nullptr;
};

/// All migrations, in order; the last one's version is what this program reads and writes.
std::span<const Migration> Migrations();
/// The version of the last migration.
int CurrentSchemaVersion();

/// The version the database is at; 0 when it is empty. kFailedPrecondition when it holds tables
/// that are not ours.
Result<int> ReadSchemaVersion(const Connection& connection);

/// Applies the missing migrations, each in its own transaction together with its version number. A
/// new database gets its secret with migration 1.
Status ApplyMigrations(const Connection& connection, std::span<const Migration> migrations);

}  // namespace aiflow::sqlite
