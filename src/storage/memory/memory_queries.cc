#include <algorithm>
#include <limits>

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
  for (auto it = map.upper_bound(typename Map::key_type(page.after));
       it != map.end() && !collector.full(); ++it) {
    if (filter(it->second)) collector.Offer(it->second);
  }
  return collector.Take();
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
  PageCollector<NamespaceRow> collector(page);
  for (auto it = tables_.namespaces.upper_bound(page.after_name); it != tables_.namespaces.end();
       ++it) {
    collector.Offer(it->second);
  }
  return collector.Take();
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

Result<std::vector<WorkflowRow>> MemoryStore::ListWorkflows(const std::string& ns,
                                                            const Page& page) const {
  return PageOf(tables_.workflows, page,
                [&](const WorkflowRow& row) { return ns.empty() || row.ns == ns; });
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

Result<std::vector<ExecutionRow>> MemoryStore::ListExecutions(WorkflowId id,
                                                              const Page& page) const {
  return PageOf(tables_.executions, page,
                [&](const ExecutionRow& row) { return row.workflow_id == id; });
}

Result<std::vector<TaskRow>> MemoryStore::ListTasks(ExecutionId id) const {
  return Owned(tables_.tasks, std::tuple(id, kFirstTask));
}

Result<std::optional<TaskExecutionRow>> MemoryStore::GetTaskExecution(TaskExecutionId id) const {
  return Find(tables_.task_executions, id);
}

Result<std::vector<TaskExecutionRow>> MemoryStore::ListTaskExecutions(ExecutionId id,
                                                                      TaskIndex task,
                                                                      const Page& page) const {
  return PageOf(tables_.task_executions, page, [&](const TaskExecutionRow& row) {
    return row.execution_id == id && (task < 0 || row.task == task);
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
  std::vector<CauseRow> causes;
  int64_t skip = page.skip;
  for (CauseRow& cause : Owned(tables_.causes, std::tuple(id, std::numeric_limits<Offset>::min(),
                                                          kFirstTask, int32_t{0}))) {
    if (cause.offset <= page.after || (task >= 0 && cause.task != task) || skip-- > 0) continue;
    const bool full = static_cast<int64_t>(causes.size()) >= page.limit;
    if (full && (causes.empty() || cause.offset != causes.back().offset)) break;
    causes.push_back(std::move(cause));
  }
  return causes;
}

Result<std::optional<ReplyRow>> MemoryStore::GetReply(Offset offset) const {
  return Find(tables_.replies, offset);
}

Result<std::vector<OutboxRow>> MemoryStore::ListOutbox(const Page& page) const {
  return PageOf(tables_.outbox, page, [](const OutboxRow&) { return true; });
}

}  // namespace aiflow
