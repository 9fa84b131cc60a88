#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <tuple>

#include "storage/memory/memory_store.h"

namespace aiflow {
namespace {

constexpr TaskIndex kFirstTask = std::numeric_limits<TaskIndex>::min();

template <typename Map, typename Key>
auto Find(const Map& map, const Key& key) -> Result<std::optional<typename Map::mapped_type>> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

/// Collects the rows of one page from rows offered in order.
template <typename Row>
class PageCollector {
 public:
  explicit PageCollector(const Page& page) : skip_(page.skip), limit_(page.limit) {}

  void Offer(const Row& row) {
    if (skip_ > 0) {
      --skip_;
    } else if (!full()) {
      rows_.push_back(row);
    }
  }
  [[nodiscard]] bool full() const { return static_cast<int64_t>(rows_.size()) >= limit_; }
  std::vector<Row> Take() { return std::move(rows_); }

 private:
  int64_t skip_;
  int64_t limit_;
  std::vector<Row> rows_;
};

/// A page of a map whose keys are ids.
template <typename Map, typename Filter>
auto PageOf(const Map& map, const Page& page, const Filter& filter)
    -> std::vector<typename Map::mapped_type> {
  PageCollector<typename Map::mapped_type> collector(page);
  const auto after = typename Map::key_type(page.after);
  if (page.descending) {
    auto it = page.after == 0 ? map.end() : map.lower_bound(after);
    while (it != map.begin() && !collector.full()) {
      --it;
      if (filter(it->second)) collector.Offer(it->second);
    }
    return collector.Take();
  }
  for (auto it = map.upper_bound(after); it != map.end() && !collector.full(); ++it) {
    if (filter(it->second)) collector.Offer(it->second);
  }
  return collector.Take();
}

template <typename Value>
bool Holds(ValueSet set, Value value) {
  return set == 0 || (set >> static_cast<unsigned>(value) & 1U) != 0;
}

template <typename Map>
auto PageOfNames(const Map& map, const Page& page) -> std::vector<typename Map::mapped_type> {
  PageCollector<typename Map::mapped_type> collector(page);
  for (auto it = map.upper_bound(page.after_name); it != map.end() && !collector.full(); ++it) {
    collector.Offer(it->second);
  }
  return collector.Take();
}

/// A page of rows in the order of their offsets; those of one offset are never parted.
template <typename Row>
std::vector<Row> PageByOffset(std::vector<Row> rows, const Page& page) {
  std::vector<Row> taken;
  int64_t skip = page.skip;
  for (Row& row : rows) {
    if (row.offset <= page.after || skip-- > 0) continue;
    const bool full = std::ssize(taken) >= page.limit;
    if (full && (taken.empty() || row.offset != taken.back().offset)) break;
    taken.push_back(std::move(row));
  }
  return taken;
}

/// All rows whose key begins with `execution`; `first` is the least such key.
template <typename Map>
auto Owned(const Map& map, const typename Map::key_type& first)
    -> std::vector<typename Map::mapped_type> {
  std::vector<typename Map::mapped_type> rows;
  for (auto it = map.lower_bound(first);
       it != map.end() && std::get<0>(it->first) == std::get<0>(first); ++it) {
    rows.push_back(it->second);
  }
  return rows;
}

}  // namespace

Result<std::optional<NamespaceRow>> MemoryStore::GetNamespace(const std::string& name) const {
  return Find(tables_.namespaces, name);
}

Result<std::vector<NamespaceRow>> MemoryStore::ListNamespaces(const Page& page) const {
  return PageOfNames(tables_.namespaces, page);
}

Result<std::optional<WorkflowRow>> MemoryStore::GetWorkflow(WorkflowId id) const {
  return Find(tables_.workflows, id);
}

Result<std::optional<WorkflowRow>> MemoryStore::FindWorkflow(const std::string& ns,
                                                             const std::string& name) const {
  const auto id = tables_.workflow_names.find({ns, name});
  if (id == tables_.workflow_names.end()) return std::nullopt;
  return Find(tables_.workflows, id->second);
}

Result<std::vector<WorkflowRow>> MemoryStore::ListWorkflows(const WorkflowFilter& filter,
                                                            const Page& page) const {
  return PageOf(tables_.workflows, page, [&](const WorkflowRow& row) {
    return (filter.ns.empty() || row.ns == filter.ns) &&
           row.name.find(filter.name_contains) != std::string::npos;
  });
}

Result<std::optional<SnapshotRow>> MemoryStore::GetSnapshot(SnapshotId id) const {
  return Find(tables_.snapshots, id);
}

Result<std::vector<SnapshotRow>> MemoryStore::ListSnapshots(WorkflowId id, const Page& page) const {
  return PageOf(tables_.snapshots, page,
                [&](const SnapshotRow& row) { return row.workflow_id == id; });
}

Result<std::optional<ExecutionRow>> MemoryStore::GetExecution(ExecutionId id) const {
  return Find(tables_.executions, id);
}

Result<std::vector<ExecutionRow>> MemoryStore::ListExecutions(const ExecutionFilter& filter,
                                                              const Page& page) const {
  return PageOf(tables_.executions, page, [&](const ExecutionRow& row) {
    if (filter.workflow.valid() && row.workflow_id != filter.workflow) return false;
    if (!filter.workflow.valid() && !filter.ns.empty()) {
      const auto workflow = tables_.workflows.find(row.workflow_id);
      if (workflow == tables_.workflows.end() || workflow->second.ns != filter.ns) return false;
    }
    return Holds(filter.statuses, row.status) && Holds(filter.run_types, row.run_type);
  });
}

Result<std::vector<TaskRow>> MemoryStore::ListTasks(ExecutionId id) const {
  return Owned(tables_.tasks, std::tuple(id, kFirstTask));
}

Result<std::optional<TaskExecutionRow>> MemoryStore::GetTaskExecution(TaskExecutionId id) const {
  return Find(tables_.task_executions, id);
}

Result<std::vector<TaskExecutionRow>> MemoryStore::ListTaskExecutions(
    const TaskExecutionFilter& filter, const Page& page) const {
  return PageOf(tables_.task_executions, page, [&](const TaskExecutionRow& row) {
    return row.execution_id == filter.execution && (filter.task < 0 || row.task == filter.task) &&
           Holds(filter.statuses, row.status);
  });
}

Result<std::vector<TaskExecutionRow>> MemoryStore::LatestTaskExecutions(ExecutionId id,
                                                                        TaskIndex task,
                                                                        int64_t limit) const {
  std::vector<TaskExecutionRow> rows;
  auto it = tables_.runs.upper_bound(std::tuple(id, task, std::numeric_limits<int64_t>::max()));
  while (it != tables_.runs.begin() && static_cast<int64_t>(rows.size()) < limit) {
    --it;
    if (std::get<0>(it->first) != id || std::get<1>(it->first) != task) break;
    rows.push_back(tables_.task_executions.at(it->second));
  }
  return rows;
}

Result<std::vector<RuleStateRow>> MemoryStore::ListRuleStates(ExecutionId id) const {
  return Owned(tables_.rule_states, std::tuple(id, kFirstTask, RuleIndex{-1}));
}

Result<std::vector<CauseRow>> MemoryStore::ListCauses(ExecutionId id, TaskIndex task,
                                                      const Page& page) const {
  std::vector<CauseRow> causes = Owned(
      tables_.causes, std::tuple(id, std::numeric_limits<Offset>::min(), kFirstTask, int32_t{0}));
  std::erase_if(causes, [&](const CauseRow& cause) { return task >= 0 && cause.task != task; });
  return PageByOffset(std::move(causes), page);
}

Result<std::optional<ReplyRow>> MemoryStore::GetReply(Offset offset) const {
  return Find(tables_.replies, offset);
}

Result<std::vector<OutboxRow>> MemoryStore::ListOutbox(const Page& page) const {
  return PageOf(tables_.outbox, page, [](const OutboxRow&) { return true; });
}

Result<std::optional<ScheduleRow>> MemoryStore::GetSchedule(ScheduleId id) const {
  return Find(tables_.schedules, id);
}

Result<std::vector<ScheduleRow>> MemoryStore::ListSchedules(WorkflowId id, const Page& page) const {
  return PageOf(tables_.schedules, page,
                [&](const ScheduleRow& row) { return row.workflow_id == id; });
}

Result<std::optional<TriggerRow>> MemoryStore::GetTrigger(TriggerId id) const {
  return Find(tables_.triggers, id);
}

Result<std::vector<TriggerRow>> MemoryStore::ListTriggers(WorkflowId id, const Page& page) const {
  return PageOf(tables_.triggers, page,
                [&](const TriggerRow& row) { return row.workflow_id == id; });
}

Result<std::vector<PoolRow>> MemoryStore::ListPools(const Page& page) const {
  return PageOfNames(tables_.pools, page);
}

Result<std::vector<DeadLetterRow>> MemoryStore::ListDeadLetters(const Page& page) const {
  return PageOf(tables_.dead_letters, page, [](const DeadLetterRow&) { return true; });
}

Result<std::vector<EvaluationRow>> MemoryStore::ListEvaluations(ExecutionId execution,
                                                                WorkflowId workflow,
                                                                const Page& page) const {
  std::vector<EvaluationRow> rows;
  for (const auto& [key, row] : tables_.evaluations) {
    if (row.execution_id != execution) continue;
    if (execution.valid() || row.workflow_id == workflow) rows.push_back(row);
  }
  const auto order = [](const EvaluationRow& row) {
    return std::tuple(row.offset, row.ordinal, row.task, row.trigger_id);
  };
  std::ranges::sort(rows, {}, order);
  return PageByOffset(std::move(rows), page);
}

Result<std::vector<StateRow>> MemoryStore::ListStates(ExecutionId execution,
                                                      WorkflowId workflow) const {
  std::vector<StateRow> rows;
  for (const auto& [key, row] : tables_.states) {
    if (row.execution_id != execution) continue;
    if (execution.valid() || row.workflow_id == workflow) rows.push_back(row);
  }
  return rows;
}

Result<std::vector<ExecutionRow>> MemoryStore::ListEndedBefore(Millis before, int64_t limit) const {
  std::vector<ExecutionRow> rows;
  for (const auto& [id, row] : tables_.executions) {
    if (IsFinished(row.status) && row.end < before) rows.push_back(row);
  }
  std::ranges::stable_sort(rows, {}, &ExecutionRow::end);
  if (std::ssize(rows) > limit) rows.resize(static_cast<size_t>(std::max<int64_t>(limit, 0)));
  return rows;
}

Result<std::vector<TaskExecutionRow>> MemoryStore::ListOldRuns(Millis before, int64_t limit) const {
  std::vector<TaskExecutionRow> rows;
  for (const auto& [key, id] : tables_.runs) {
    if (std::ssize(rows) >= limit) break;
    const auto& [execution, task, sequence] = key;
    const TaskExecutionRow& run = tables_.task_executions.at(id);
    const auto owner = tables_.tasks.find(std::tuple(execution, task));
    if (!IsUnfinishedExecution(execution) || owner == tables_.tasks.end()) continue;
    if (run.end == Millis(0) || run.end >= before) continue;
    const TaskRow& names = owner->second;
    if (sequence != names.latest && sequence != names.current && sequence != names.successor) {
      rows.push_back(run);
    }
  }
  return rows;
}

Result<std::optional<Offset>> MemoryStore::OldestNeededOffset() const {
  std::optional<Offset> oldest;
  const auto take = [&oldest](Offset offset) {
    if (!oldest || offset < *oldest) oldest = offset;
  };
  for (const auto& [id, row] : tables_.outbox) take(row.offset);
  for (const auto& [key, row] : tables_.evaluations) take(row.offset);
  for (const auto& [key, row] : tables_.held_events) take(row.offset);
  for (const auto& [id, row] : tables_.executions) {
    if (row.status == ExecutionStatus::kInit) take(row.created_offset);
  }
  for (const auto& [key, row] : tables_.tasks) {
    if (!IsUnfinishedExecution(row.execution_id)) continue;
    std::ranges::for_each(row.pending_starts, take);
    for (const int64_t sequence : {row.current, row.successor}) {
      const auto run = tables_.runs.find(std::tuple(row.execution_id, row.task, sequence));
      if (run == tables_.runs.end()) continue;
      const TaskExecutionRow& waiting = tables_.task_executions.at(run->second);
      if (IsAlive(waiting.status) && waiting.status != TaskStatus::kRunning) {
        take(waiting.cause_offset);
      }
    }
  }
  return oldest;
}

Result<std::vector<std::string>> MemoryStore::ListBlobDigests() const {
  std::set<std::string> digests;
  for (const auto& [id, row] : tables_.workflows) {
    digests.insert({row.content_digest, row.pickled_digest});
  }
  for (const auto& [id, row] : tables_.snapshots) {
    digests.insert({row.spec_digest, row.bundle_digest, row.pickled_digest});
  }
  for (const auto& [id, row] : tables_.triggers) {
    digests.insert({row.pickled_digest, row.bundle_digest});
  }
  digests.erase("");
  return std::vector<std::string>(digests.begin(), digests.end());
}

Result<std::vector<Change>> MemoryStore::LoadSnapshotUsers(
    const std::vector<SnapshotId>& snapshots) const {
  std::vector<Change> changes;
  for (const SnapshotId snapshot : snapshots) {
    const auto user =
        std::find_if(tables_.executions.begin(), tables_.executions.end(),
                     [snapshot](const auto& e) { return e.second.snapshot_id == snapshot; });
    if (user != tables_.executions.end()) changes.emplace_back(user->second);
  }
  return changes;
}

Result<std::vector<Change>> MemoryStore::LoadDueExecutions(WorkflowId workflow, Millis from,
                                                           Millis to) const {
  std::map<std::pair<Millis, ExecutionId>, ExecutionRow> found;
  for (const auto& [id, row] : tables_.executions) {
    const bool wanted = row.due != Millis(0) && row.due >= from && row.due < to;
    if (row.workflow_id == workflow && wanted) found.emplace(std::pair(row.due, id), row);
  }
  std::vector<Change> changes;
  for (const auto& [key, row] : found) changes.emplace_back(row);
  return changes;
}

Result<std::vector<Change>> MemoryStore::LoadWorkflowExecutions(WorkflowId workflow,
                                                                int64_t limit) const {
  std::vector<Change> changes;
  for (const auto& [id, row] : tables_.executions) {
    if (static_cast<int64_t>(changes.size()) >= limit) break;
    if (row.workflow_id == workflow) changes.emplace_back(row);
  }
  return changes;
}

Result<std::vector<Change>> MemoryStore::LoadExecution(ExecutionId id) const {
  std::vector<Change> changes;
  const auto execution = tables_.executions.find(id);
  if (execution == tables_.executions.end()) return changes;
  changes.emplace_back(execution->second);
  const std::vector<TaskRow> tasks = Owned(tables_.tasks, std::tuple(id, kFirstTask));
  for (const TaskRow& row : tasks) changes.emplace_back(row);
  for (const TaskRow& row : tasks) {
    for (const int64_t sequence : std::set{row.latest, row.current, row.successor}) {
      const auto run = tables_.runs.find(std::tuple(id, row.task, sequence));
      if (run != tables_.runs.end()) changes.emplace_back(tables_.task_executions.at(run->second));
    }
  }
  for (RuleStateRow& row : Owned(tables_.rule_states, std::tuple(id, kFirstTask, RuleIndex{-1}))) {
    changes.emplace_back(std::move(row));
  }
  return changes;
}

}  // namespace aiflow
