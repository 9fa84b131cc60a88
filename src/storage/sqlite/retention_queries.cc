#include <algorithm>
#include <string>

#include "storage/sqlite/row_tables.h"
#include "storage/sqlite/sqlite_store.h"
#include "storage/sqlite/sqlite_store_rep.h"

namespace aiflow {
namespace {

struct DigestResult {
  std::string digest;
};
struct OffsetResult {
  Offset offset = 0;
};

}  // namespace

template <>
struct sqlite::Table<DigestResult> {
  static auto Tie(DigestResult& r) { return std::tie(r.digest); }
};
template <>
struct sqlite::Table<OffsetResult> {
  static auto Tie(OffsetResult& r) { return std::tie(r.offset); }
};

Result<std::vector<ExecutionRow>> SqliteStore::ListEndedBefore(Millis before, int64_t limit) const {
  static const std::string kSql =
      "SELECT " + sqlite::Columns<ExecutionRow>() +
      " FROM execution INDEXED BY execution_ended"
      " WHERE status IN (2, 3, 4) AND end_time < ? ORDER BY end_time, id LIMIT ?";
  return rep_->readers.All<ExecutionRow>(kSql, before, std::max<int64_t>(limit, 0));
}

// No index is kept for it: one would be written with every run that ends. Tasks with one run are
// passed over, and of the others only the first `limit` runs are looked at, so that a task with
// many young runs costs little.
Result<std::vector<TaskExecutionRow>> SqliteStore::ListOldRuns(Millis before, int64_t limit) const {
  static const std::string kSql =
      "SELECT " + sqlite::Columns<TaskExecutionRow>("x.") +
      " FROM execution e INDEXED BY execution_unfinished"
      " CROSS JOIN task t ON t.execution_id = e.id AND t.last_sequence > 1"
      " CROSS JOIN task_execution x ON x.id IN ("
      "  SELECT y.id FROM task_execution y INDEXED BY task_execution_key"
      "  WHERE y.execution_id = t.execution_id AND y.task = t.task"
      "  AND y.sequence NOT IN (t.latest, t.current, t.successor)"
      "  ORDER BY y.sequence LIMIT ?2)"
      " WHERE e.status IN (0, 1, 5) AND x.end_time > 0 AND x.end_time < ?1 LIMIT ?2";
  return rep_->readers.All<TaskExecutionRow>(kSql, before, std::max<int64_t>(limit, 0));
}

Result<std::optional<Offset>> SqliteStore::OldestNeededOffset() const {
  static const std::string kRows =
      "SELECT log_offset FROM (SELECT min(log_offset) AS log_offset FROM outbox UNION ALL "
      "SELECT min(log_offset) FROM evaluation UNION ALL "
      "SELECT min(log_offset) FROM held_event UNION ALL "
      "SELECT min(created_offset) FROM execution INDEXED BY execution_unfinished"
      " WHERE status IN (0, 1, 5) AND status = 0) WHERE log_offset IS NOT NULL "
      "ORDER BY log_offset LIMIT 1";
  // They read their cause when they begin.
  static const std::string kWaiting =
      "SELECT x.cause_offset FROM execution e INDEXED BY execution_unfinished"
      " CROSS JOIN task t ON t.execution_id = e.id AND (t.current > 0 OR t.successor > 0)"
      " CROSS JOIN task_execution x ON x.execution_id = t.execution_id AND x.task = t.task"
      " AND x.sequence IN (t.current, t.successor)"
      " WHERE e.status IN (0, 1, 5) AND x.status IN (0, 1, 7) ORDER BY x.cause_offset LIMIT 1";
  static const std::string kTasks = "SELECT " + sqlite::Columns<TaskRow>("t.") +
                                    " FROM execution e INDEXED BY execution_unfinished"
                                    " CROSS JOIN task t ON t.execution_id = e.id"
                                    " WHERE e.status IN (0, 1, 5) AND t.pending_starts IS NOT NULL";
  const auto named = rep_->readers.One<OffsetResult>(kRows);
  if (!named) return Error(named.error());
  const auto waiting = rep_->readers.One<OffsetResult>(kWaiting);
  if (!waiting) return Error(waiting.error());
  std::optional<Offset> oldest;
  if (*named) oldest = (*named)->offset;
  if (*waiting && (!oldest || (*waiting)->offset < *oldest)) oldest = (*waiting)->offset;
  Status status = rep_->readers.Each<TaskRow>(kTasks, [&](TaskRow&& task) {
    for (const Offset offset : task.pending_starts) {
      if (!oldest || offset < *oldest) oldest = offset;
    }
    return true;
  });
  if (!status.ok()) return Error(std::move(status));
  return oldest;
}

Result<std::vector<std::string>> SqliteStore::ListBlobDigests() const {
  static const std::string kSql =
      "SELECT content_digest AS digest FROM workflow UNION SELECT pickled_digest FROM workflow"
      " UNION SELECT spec_digest FROM snapshot UNION SELECT bundle_digest FROM snapshot"
      " UNION SELECT pickled_digest FROM snapshot UNION SELECT pickled_digest FROM trigger"
      " UNION SELECT bundle_digest FROM trigger ORDER BY digest";
  std::vector<std::string> digests;
  Status status = rep_->readers.Each<DigestResult>(kSql, [&](DigestResult&& row) {
    if (!row.digest.empty()) digests.push_back(std::move(row.digest));
    return true;
  });
  if (!status.ok()) return Error(std::move(status));
  return digests;
}

}  // namespace aiflow
