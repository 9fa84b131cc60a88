#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"
#include "model/ids.h"

namespace aiflow {

/// What a metadata database says of itself. Plain value.
struct StoreInspection {
  int version = 0;          // of its schema
  int current_version = 0;  // that this program reads and writes
  std::string log_id;       // of the log that it belongs to; empty: of none yet
  Offset committed = 0;
  std::string damage;  // what the check has found; empty: nothing
};

/// Looks into a database without a lock and without changing anything in it, also beside a running
/// server. `check` reads all of it (as PRAGMA quick_check). kNotFound when there is none;
/// kFailedPrecondition when it is none of ours, kDataLoss and kUnavailable when it cannot be read.
Result<StoreInspection> InspectSqliteStore(const std::filesystem::path& path, bool check);

}  // namespace aiflow
