#pragma once

#include <utility>

#include "storage/sqlite/change_writer.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/home_lock.h"
#include "storage/sqlite/read_pool.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow {

/// The lock is declared first: it is given up last.
struct SqliteStore::Rep {
  Rep(sqlite::HomeLock l, sqlite::Connection c, sqlite::ChangeWriter w,
      const std::filesystem::path& path, const SqliteOptions& options)
      : lock(std::move(l)),
        writer(std::move(c)),
        changes(std::move(w)),
        readers(path, options.read_connections, options.busy_timeout) {}

  sqlite::HomeLock lock;
  sqlite::Connection writer;
  sqlite::ChangeWriter changes;
  sqlite::Statement begin;
  sqlite::Statement commit;
  sqlite::Statement advance;
  sqlite::ReadPool readers;
};

}  // namespace aiflow
