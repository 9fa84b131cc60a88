#include <algorithm>
#include <limits>
#include <string>

#include "storage/sqlite/row_tables.h"
#include "storage/sqlite/sqlite_store.h"
#include "storage/sqlite/sqlite_store_rep.h"

namespace aiflow {
namespace {

template <typename Row>
std::string Select(const char* rest) {
  return "SELECT " + sqlite::Columns<Row>() + " FROM " + std::string(sqlite::Table<Row>::kName) +
         " " + rest;
}

/// SQLite takes a negative limit for "all".
int64_t Limit(const Page& page) { return std::max<int64_t>(page.limit, 0); }
int64_t Skip(const Page& page) { return std::max<int64_t>(page.skip, 0); }

/// Where a page begins, for a comparison in its own direction.
int64_t After(const Page& page) {
  return page.descending && page.after == 0 ? std::numeric_limits<int64_t>::max() : page.after;
}

/// One query for each order of its pages.
struct BothWays {
  std::string ascending;
  std::string descending;
  [[nodiscard]] const std::string& For(const Page& page) const {
    return page.descending ? descending : ascending;
  }
};
/// `where` ends where the condition of the page comes; its parameters are those of the page.
template <typename Row>
BothWays InBothOrders(const std::string& where) {
  return {Select<Row>((where + "id > ? ORDER BY id LIMIT ? OFFSET ?").c_str()),
          Select<Row>((where + "id < ? ORDER BY id DESC LIMIT ? OFFSET ?").c_str())};
}

constexpr TaskIndex kLastTask = std::numeric_limits<TaskIndex>::max();
/// Causes of the execution itself have this task.
constexpr TaskIndex kWholeExecution = -1;

/// Takes rows in the order of their offsets, at least `limit`; those of one offset are never
/// parted.
template <typename Row>
class OffsetPage {
 public:
  explicit OffsetPage(const Page& page) : limit_(static_cast<size_t>(Limit(page))) {}

  /// False: the page is complete without this row.
  bool operator()(Row&& row) {
    const bool full = rows_.size() >= limit_;
    if (full && (rows_.empty() || row.offset != rows_.back().offset)) return false;
    rows_.push_back(std::move(row));
    return true;
  }
  std::vector<Row> Take() { return std::move(rows_); }

 private:
  size_t limit_;
  std::vector<Row> rows_;
};

}  // namespace

Result<std::optional<NamespaceRow>> SqliteStore::GetNamespace(const std::string& name) const {
  static const std::string kSql = Select<NamespaceRow>("WHERE name = ?");
  return rep_->readers.One<NamespaceRow>(kSql, name);
}

Result<std::vector<NamespaceRow>> SqliteStore::ListNamespaces(const Page& page) const {
  static const std::string kSql =
      Select<NamespaceRow>("WHERE name > ? ORDER BY name LIMIT ? OFFSET ?");
  return rep_->readers.All<NamespaceRow>(kSql, page.after_name, Limit(page), Skip(page));
}

Result<std::optional<WorkflowRow>> SqliteStore::GetWorkflow(WorkflowId id) const {
  static const std::string kSql = Select<WorkflowRow>("WHERE id = ?");
  return rep_->readers.One<WorkflowRow>(kSql, id);
}

Result<std::optional<WorkflowRow>> SqliteStore::FindWorkflow(const std::string& ns,
                                                             const std::string& name) const {
  static const std::string kSql = Select<WorkflowRow>("WHERE namespace = ? AND name = ?");
  return rep_->readers.One<WorkflowRow>(kSql, ns, name);
}

Result<std::vector<WorkflowRow>> SqliteStore::ListWorkflows(const WorkflowFilter& filter,
                                                            const Page& page) const {
  static const BothWays kSql = InBothOrders<WorkflowRow>(
      "WHERE (?1 = '' OR namespace = ?1) AND (?2 = '' OR instr(name, ?2) > 0) AND ");
  return rep_->readers.All<WorkflowRow>(kSql.For(page), filter.ns, filter.name_contains,
                                        After(page), Limit(page), Skip(page));
}

Result<std::optional<SnapshotRow>> SqliteStore::GetSnapshot(SnapshotId id) const {
  static const std::string kSql = Select<SnapshotRow>("WHERE id = ?");
  return rep_->readers.One<SnapshotRow>(kSql, id);
}

Result<std::vector<SnapshotRow>> SqliteStore::ListSnapshots(WorkflowId id, const Page& page) const {
  static const std::string kSql = Select<SnapshotRow>(
      "INDEXED BY snapshot_workflow WHERE workflow_id = ? AND id > ? ORDER BY id LIMIT ? OFFSET ?");
  return rep_->readers.All<SnapshotRow>(kSql, id, page.after, Limit(page), Skip(page));
}

Result<std::optional<ExecutionRow>> SqliteStore::GetExecution(ExecutionId id) const {
  static const std::string kSql = Select<ExecutionRow>("WHERE id = ?");
  return rep_->readers.One<ExecutionRow>(kSql, id);
}

Result<std::vector<ExecutionRow>> SqliteStore::ListExecutions(const ExecutionFilter& filter,
                                                              const Page& page) const {
  static const BothWays kOfWorkflow = InBothOrders<ExecutionRow>(
      "INDEXED BY execution_workflow WHERE workflow_id = ?1 AND (?2 = 0 OR ?2 >> status & 1)"
      " AND (?3 = 0 OR ?3 >> run_type & 1) AND ");
  static const BothWays kOfAll = InBothOrders<ExecutionRow>(
      "WHERE (?1 = '' OR workflow_id IN (SELECT id FROM workflow WHERE namespace = ?1))"
      " AND (?2 = 0 OR ?2 >> status & 1) AND (?3 = 0 OR ?3 >> run_type & 1) AND ");
  const int64_t statuses = filter.statuses;
  const int64_t run_types = filter.run_types;
  if (filter.workflow.valid()) {
    return rep_->readers.All<ExecutionRow>(kOfWorkflow.For(page), filter.workflow, statuses,
                                           run_types, After(page), Limit(page), Skip(page));
  }
  return rep_->readers.All<ExecutionRow>(kOfAll.For(page), filter.ns, statuses, run_types,
                                         After(page), Limit(page), Skip(page));
}

Result<std::vector<TaskRow>> SqliteStore::ListTasks(ExecutionId id) const {
  static const std::string kSql = Select<TaskRow>("WHERE execution_id = ? ORDER BY task");
  return rep_->readers.All<TaskRow>(kSql, id);
}

Result<std::optional<TaskExecutionRow>> SqliteStore::GetTaskExecution(TaskExecutionId id) const {
  static const std::string kSql = Select<TaskExecutionRow>("WHERE id = ?");
  return rep_->readers.One<TaskExecutionRow>(kSql, id);
}

Result<std::vector<TaskExecutionRow>> SqliteStore::ListTaskExecutions(
    const TaskExecutionFilter& filter, const Page& page) const {
  static const BothWays kSql = InBothOrders<TaskExecutionRow>(
      "INDEXED BY task_execution_key WHERE execution_id = ?1 AND task BETWEEN ?2 AND ?3"
      " AND (?4 = 0 OR ?4 >> status & 1) AND ");
  const int64_t statuses = filter.statuses;
  return rep_->readers.All<TaskExecutionRow>(
      kSql.For(page), filter.execution, std::max(filter.task, 0),
      filter.task < 0 ? kLastTask : filter.task, statuses, After(page), Limit(page), Skip(page));
}

Result<std::vector<TaskExecutionRow>> SqliteStore::LatestTaskExecutions(ExecutionId id,
                                                                        TaskIndex task,
                                                                        int64_t limit) const {
  static const std::string kSql = Select<TaskExecutionRow>(
      "INDEXED BY task_execution_key WHERE execution_id = ? AND task = ? "
      "ORDER BY sequence DESC LIMIT ?");
  return rep_->readers.All<TaskExecutionRow>(kSql, id, task, std::max<int64_t>(limit, 0));
}

Result<std::vector<RuleStateRow>> SqliteStore::ListRuleStates(ExecutionId id) const {
  static const std::string kSql =
      Select<RuleStateRow>("WHERE execution_id = ? ORDER BY task, rule");
  return rep_->readers.All<RuleStateRow>(kSql, id);
}

Result<std::vector<CauseRow>> SqliteStore::ListCauses(ExecutionId id, TaskIndex task,
                                                      const Page& page) const {
  static const std::string kSql = Select<CauseRow>(
      "WHERE execution_id = ? AND log_offset > ? AND task BETWEEN ? AND ? "
      "ORDER BY log_offset, task, ordinal LIMIT -1 OFFSET ?");
  OffsetPage<CauseRow> causes(page);
  Status status = rep_->readers.Each<CauseRow>(
      kSql, [&](CauseRow&& cause) { return causes(std::move(cause)); }, id, page.after,
      task < 0 ? kWholeExecution : task, task < 0 ? kLastTask : task, Skip(page));
  if (!status.ok()) return Error(std::move(status));
  return causes.Take();
}

Result<std::optional<ReplyRow>> SqliteStore::GetReply(Offset offset) const {
  static const std::string kSql = Select<ReplyRow>("WHERE log_offset = ?");
  return rep_->readers.One<ReplyRow>(kSql, offset);
}

Result<std::vector<OutboxRow>> SqliteStore::ListOutbox(const Page& page) const {
  static const std::string kSql = Select<OutboxRow>("WHERE id > ? ORDER BY id LIMIT ? OFFSET ?");
  return rep_->readers.All<OutboxRow>(kSql, page.after, Limit(page), Skip(page));
}

Result<std::optional<ScheduleRow>> SqliteStore::GetSchedule(ScheduleId id) const {
  static const std::string kSql = Select<ScheduleRow>("WHERE id = ?");
  return rep_->readers.One<ScheduleRow>(kSql, id);
}

Result<std::vector<ScheduleRow>> SqliteStore::ListSchedules(WorkflowId id, const Page& page) const {
  static const std::string kSql =
      Select<ScheduleRow>("WHERE workflow_id = ? AND id > ? ORDER BY id LIMIT ? OFFSET ?");
  return rep_->readers.All<ScheduleRow>(kSql, id, page.after, Limit(page), Skip(page));
}

Result<std::optional<TriggerRow>> SqliteStore::GetTrigger(TriggerId id) const {
  static const std::string kSql = Select<TriggerRow>("WHERE id = ?");
  return rep_->readers.One<TriggerRow>(kSql, id);
}

Result<std::vector<TriggerRow>> SqliteStore::ListTriggers(WorkflowId id, const Page& page) const {
  static const std::string kSql =
      Select<TriggerRow>("WHERE workflow_id = ? AND id > ? ORDER BY id LIMIT ? OFFSET ?");
  return rep_->readers.All<TriggerRow>(kSql, id, page.after, Limit(page), Skip(page));
}

Result<std::vector<PoolRow>> SqliteStore::ListPools(const Page& page) const {
  static const std::string kSql = Select<PoolRow>("WHERE name > ? ORDER BY name LIMIT ? OFFSET ?");
  return rep_->readers.All<PoolRow>(kSql, page.after_name, Limit(page), Skip(page));
}

Result<std::vector<DeadLetterRow>> SqliteStore::ListDeadLetters(const Page& page) const {
  static const std::string kSql =
      Select<DeadLetterRow>("WHERE id > ? ORDER BY id LIMIT ? OFFSET ?");
  return rep_->readers.All<DeadLetterRow>(kSql, page.after, Limit(page), Skip(page));
}

Result<std::vector<EvaluationRow>> SqliteStore::ListEvaluations(ExecutionId execution,
                                                                WorkflowId workflow,
                                                                const Page& page) const {
  static const std::string kSql = Select<EvaluationRow>(
      "WHERE execution_id = ?1 AND log_offset > ?2 AND (?1 <> 0 OR workflow_id = ?3) "
      "ORDER BY log_offset, ordinal, task, trigger_id LIMIT -1 OFFSET ?4");
  OffsetPage<EvaluationRow> evaluations(page);
  Status status = rep_->readers.Each<EvaluationRow>(
      kSql, [&](EvaluationRow&& row) { return evaluations(std::move(row)); }, execution, page.after,
      workflow, Skip(page));
  if (!status.ok()) return Error(std::move(status));
  return evaluations.Take();
}

Result<std::vector<StateRow>> SqliteStore::ListStates(ExecutionId execution,
                                                      WorkflowId workflow) const {
  static const std::string kSql = Select<StateRow>(
      "WHERE execution_id = ?1 AND (?1 <> 0 OR workflow_id = ?2) ORDER BY workflow_id, name");
  return rep_->readers.All<StateRow>(kSql, execution, workflow);
}

}  // namespace aiflow
