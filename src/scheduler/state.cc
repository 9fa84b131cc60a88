#include "scheduler/state.h"

#include <algorithm>
#include <type_traits>

#include "scheduler/state_rep.h"

namespace aiflow {
namespace {

/// Applies one list of changes. Rows may come in any order: what does not belong into the state
/// (runs that no task names, everything of finished executions) is dropped at the end.
class Applier {
 public:
  explicit Applier(State::Rep& rep) : rep_(rep) {}

  void operator()(const NamespaceRow& row) { rep_.namespaces.insert_or_assign(row.name, row); }
  void operator()(const EraseNamespace& erase) { rep_.namespaces.erase(erase.name); }

  void operator()(const WorkflowRow& row) {
    rep_.workflow_names[{row.ns, row.name}] = row.id;
    rep_.workflows[row.id].row = row;
  }
  void operator()(const EraseWorkflow& erase) {
    const auto found = rep_.workflows.find(erase.id);
    if (found == rep_.workflows.end()) return;
    for (const ExecutionId id : rep_.ExecutionsOf(erase.id)) DropExecution(id);
    for (const SnapshotId id : found->second.snapshots) rep_.snapshots.erase(id);
    rep_.workflow_names.erase({found->second.row.ns, found->second.row.name});
    rep_.workflows.erase(found);
  }

  void operator()(const SnapshotRow& row) {
    SnapshotEntry& entry = rep_.snapshots[row.id];
    // A snapshot is immutable: only a missing specification can arrive later.
    if (row.spec != nullptr && entry.compiled == nullptr) {
      entry.compiled = std::make_unique<const CompiledWorkflow>(row.spec);
      if (!entry.executions.empty()) Expect(row.id, *entry.compiled);
    }
    std::shared_ptr<const WorkflowSpec> spec = row.spec != nullptr ? row.spec : entry.row.spec;
    entry.row = row;
    entry.row.spec = std::move(spec);
    rep_.workflows[row.workflow_id].snapshots.insert(row.id);
  }
  void operator()(const EraseSnapshot& erase) {
    const auto found = rep_.snapshots.find(erase.id);
    if (found == rep_.snapshots.end()) return;
    const auto workflow = rep_.workflows.find(found->second.row.workflow_id);
    if (workflow != rep_.workflows.end()) workflow->second.snapshots.erase(erase.id);
    rep_.snapshots.erase(found);
  }

  void operator()(const ExecutionRow& row) {
    touched_executions_.insert(row.id);
    if (IsFinished(row.status)) {
      finished_.insert(row.id);
      return;
    }
    rep_.executions[row.id].row = row;
    SnapshotEntry& snapshot = rep_.snapshots[row.snapshot_id];
    if (snapshot.executions.empty() && snapshot.compiled != nullptr) {
      Expect(row.snapshot_id, *snapshot.compiled);
    }
    snapshot.executions.insert(row.id);
  }
  void operator()(const EraseExecution& erase) { finished_.insert(erase.id); }

  void operator()(const TaskRow& row) {
    ExecutionDetail& detail = Detail(row.execution_id);
    TaskRow& slot = detail.tasks[row.task];
    detail.live_tasks += (IsLive(row) ? 1 : 0) - (IsLive(slot) ? 1 : 0);
    slot = row;
    touched_tasks_.insert({row.execution_id, row.task});
  }
  void operator()(const TaskExecutionRow& row) {
    Detail(row.execution_id).runs.insert_or_assign(RunKey{row.task, row.sequence}, row);
    touched_tasks_.insert({row.execution_id, row.task});
  }
  void operator()(const RuleStateRow& row) {
    Detail(row.execution_id).rules.insert_or_assign(RuleRef{row.task, row.rule}, row);
  }

  void operator()(const OutboxRow& row) {
    rep_.outbox.insert_or_assign(row.id, row);
    if (row.kind == OutboxKind::kStartAttempt) rep_.attempt_outbox[row.attempt].start = row.id;
    if (row.kind == OutboxKind::kStopAttempt) rep_.attempt_outbox[row.attempt].stop = row.id;
  }
  void operator()(const EraseOutbox& erase) {
    const auto found = rep_.outbox.find(erase.id);
    if (found == rep_.outbox.end()) return;
    const auto attempt = rep_.attempt_outbox.find(found->second.attempt);
    if (found->second.kind != OutboxKind::kPublish && attempt != rep_.attempt_outbox.end()) {
      AttemptOutbox& ids = attempt->second;
      if (ids.start == erase.id) ids.start = OutboxId();
      if (ids.stop == erase.id) ids.stop = OutboxId();
      if (!ids.start.valid() && !ids.stop.valid()) rep_.attempt_outbox.erase(attempt);
    }
    rep_.outbox.erase(found);
  }

  void operator()(const CountersRow& row) { rep_.counters = row; }
  // Written for people and callers; the fold never reads them.
  void operator()(const CauseRow& /*row*/) {}
  void operator()(const ReplyRow& /*row*/) {}

  void Finish() {
    for (const ExecutionId id : finished_) DropExecution(id);
    for (const auto& [id, task] : touched_tasks_) PruneTask(id, task);
    for (const ExecutionId id : touched_executions_) {
      const auto found = rep_.executions.find(id);
      if (found != rep_.executions.end() && !found->second.row.id.valid()) {
        rep_.executions.erase(found);  // tasks of an execution that is not here
      }
    }
  }

 private:
  ExecutionDetail& Detail(ExecutionId id) {
    touched_executions_.insert(id);
    ExecutionEntry& entry = rep_.executions[id];
    if (entry.detail == nullptr) entry.detail = std::make_unique<ExecutionDetail>();
    return *entry.detail;
  }

  void PruneTask(ExecutionId id, TaskIndex task) {
    const auto found = rep_.executions.find(id);
    if (found == rep_.executions.end() || !found->second.row.id.valid()) return;
    ExecutionDetail& detail = *found->second.detail;
    const auto row = detail.tasks.find(task);
    auto run = detail.runs.lower_bound({task, 0});
    while (run != detail.runs.end() && run->first.first == task) {
      const int64_t sequence = run->first.second;
      const bool named = row != detail.tasks.end() &&
                         (sequence == row->second.current || sequence == row->second.successor ||
                          sequence == row->second.latest);
      run = named ? std::next(run) : detail.runs.erase(run);
    }
    if (row == detail.tasks.end()) return;
    const auto latest = detail.runs.find({task, row->second.latest});
    auto& statuses = detail.latest_status;
    if (static_cast<size_t>(task) >= statuses.size()) {
      statuses.resize(static_cast<size_t>(task) + 1, ExecutionDetail::kNeverRan);
    }
    statuses[static_cast<size_t>(task)] = latest == detail.runs.end()
                                              ? ExecutionDetail::kNeverRan
                                              : static_cast<uint8_t>(latest->second.status);
  }

  void DropExecution(ExecutionId id) {
    const auto found = rep_.executions.find(id);
    if (found == rep_.executions.end()) return;
    const SnapshotId snapshot_id = found->second.row.snapshot_id;
    rep_.executions.erase(found);
    const auto snapshot = rep_.snapshots.find(snapshot_id);
    if (snapshot == rep_.snapshots.end()) return;
    snapshot->second.executions.erase(id);
    if (snapshot->second.executions.empty() && snapshot->second.compiled != nullptr) {
      Forget(snapshot_id, *snapshot->second.compiled);
    }
  }

  void Expect(SnapshotId id, const CompiledWorkflow& compiled) {
    for (const auto& [key, rules] : compiled.by_event_key()) {
      rep_.expecting_event[{compiled.spec().ns, key}].insert(id);
    }
    for (const auto& [key, rules] : compiled.by_foreign_key()) {
      rep_.expecting_foreign[key].insert(id);
    }
  }
  template <typename Index, typename Key>
  static void Remove(Index& index, const Key& key, SnapshotId id) {
    const auto found = index.find(key);
    if (found == index.end()) return;
    found->second.erase(id);
    if (found->second.empty()) index.erase(found);
  }
  void Forget(SnapshotId id, const CompiledWorkflow& compiled) {
    for (const auto& [key, rules] : compiled.by_event_key()) {
      Remove(rep_.expecting_event, std::pair(compiled.spec().ns, key), id);
    }
    for (const auto& [key, rules] : compiled.by_foreign_key()) {
      Remove(rep_.expecting_foreign, key, id);
    }
  }

  State::Rep& rep_;
  std::set<ExecutionId> touched_executions_;
  std::set<std::pair<ExecutionId, TaskIndex>> touched_tasks_;
  std::set<ExecutionId> finished_;
};

template <typename Map>
auto SortedKeys(const Map& map) {
  std::vector<typename Map::key_type> keys;
  keys.reserve(map.size());
  for (const auto& entry : map) keys.push_back(entry.first);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

const WorkflowRow* State::Rep::FindWorkflow(WorkflowId id) const {
  const auto found = workflows.find(id);
  return found == workflows.end() ? nullptr : &found->second.row;
}

const WorkflowRow* State::Rep::FindWorkflow(const std::string& ns, const std::string& name) const {
  const auto found = workflow_names.find({ns, name});
  return found == workflow_names.end() ? nullptr : FindWorkflow(found->second);
}

const SnapshotEntry* State::Rep::FindSnapshot(SnapshotId id) const {
  const auto found = snapshots.find(id);
  return found == snapshots.end() ? nullptr : &found->second;
}

const ExecutionEntry* State::Rep::FindExecution(ExecutionId id) const {
  const auto found = executions.find(id);
  return found == executions.end() ? nullptr : &found->second;
}

std::vector<ExecutionId> State::Rep::ExecutionsOf(WorkflowId id) const {
  std::vector<ExecutionId> ids;
  const auto workflow = workflows.find(id);
  if (workflow == workflows.end()) return ids;
  for (const SnapshotId snapshot : workflow->second.snapshots) {
    const SnapshotEntry* entry = FindSnapshot(snapshot);
    if (entry != nullptr) {
      ids.insert(ids.end(), entry->executions.begin(), entry->executions.end());
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

State::State() : rep_(std::make_unique<Rep>()) {}
State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

void State::Apply(std::span<const Change> changes) {
  Applier applier(*rep_);
  for (const Change& change : changes) std::visit(applier, change);
  applier.Finish();
}

std::vector<Change> State::Dump() const {
  std::vector<Change> rows;
  rows.emplace_back(rep_->counters);
  for (const auto& [name, row] : rep_->namespaces) rows.emplace_back(row);
  for (const WorkflowId id : SortedKeys(rep_->workflows)) {
    rows.emplace_back(rep_->workflows.at(id).row);
  }
  for (const SnapshotId id : SortedKeys(rep_->snapshots)) {
    rows.emplace_back(rep_->snapshots.at(id).row);
  }
  for (const ExecutionId id : SortedKeys(rep_->executions)) {
    const ExecutionEntry& entry = rep_->executions.at(id);
    rows.emplace_back(entry.row);
    if (entry.detail == nullptr) continue;
    for (const auto& [key, row] : entry.detail->tasks) rows.emplace_back(row);
    for (const auto& [key, row] : entry.detail->runs) rows.emplace_back(row);
    for (const auto& [key, row] : entry.detail->rules) rows.emplace_back(row);
  }
  for (const auto& [id, row] : rep_->outbox) rows.emplace_back(row);
  return rows;
}

}  // namespace aiflow
