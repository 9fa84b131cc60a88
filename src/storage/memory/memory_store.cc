#include "storage/memory/memory_store.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "base/check.h"

namespace aiflow {
namespace {

constexpr TaskIndex kFirstTask = std::numeric_limits<TaskIndex>::min();

template <typename Map, typename Key, typename Row>
bool Put(Map* map, Key&& key, const Row& row) {
  map->insert_or_assign(std::forward<Key>(key), row);
  return true;
}

/// Erases every element whose tuple key begins with `execution`.
template <typename Map, typename First>
void EraseOwned(Map* map, const First& first, ExecutionId execution) {
  auto it = map->lower_bound(first);
  while (it != map->end() && std::get<0>(it->first) == execution) it = map->erase(it);
}

bool IsUnfinished(const ExecutionRow& row) {
  return row.status != ExecutionStatus::kSuccess && row.status != ExecutionStatus::kFailed &&
         row.status != ExecutionStatus::kStopped;
}

bool SameIdentity(const ExecutionRow& a, const ExecutionRow& b) {
  return a.workflow_id == b.workflow_id && a.snapshot_id == b.snapshot_id &&
         a.run_type == b.run_type && a.created_offset == b.created_offset;
}

/// A row that keeps its workflow.
template <typename Map, typename Row>
bool PutOfWorkflow(Map* map, const Row& row) {
  const auto [it, fresh] = map->try_emplace(row.id, row);
  if (it->second.workflow_id != row.workflow_id) return false;
  it->second = row;
  return true;
}

bool SameIdentity(const DeadLetterRow& a, const DeadLetterRow& b) {
  return a.execution_id == b.execution_id && a.trigger_id == b.trigger_id &&
         a.workflow_id == b.workflow_id;
}

bool SameIdentity(const TaskExecutionRow& a, const TaskExecutionRow& b) {
  return a.execution_id == b.execution_id && a.task == b.task && a.sequence == b.sequence;
}

}  // namespace

bool MemoryStore::Tables::Apply(const NamespaceRow& row) { return Put(&namespaces, row.name, row); }

bool MemoryStore::Tables::Apply(const WorkflowRow& row) {
  const auto [name, fresh_name] = workflow_names.try_emplace({row.ns, row.name}, row.id);
  const bool fresh = !workflows.contains(row.id);
  if (name->second != row.id || fresh != fresh_name) return false;
  return Put(&workflows, row.id, row);
}

bool MemoryStore::Tables::Apply(const SnapshotRow& row) {
  SnapshotRow stored = row;
  stored.spec = nullptr;  // not stored
  const auto [it, fresh] = snapshots.try_emplace(row.id, stored);
  if (it->second.workflow_id != row.workflow_id) return false;
  it->second = std::move(stored);
  return true;
}

bool MemoryStore::Tables::Apply(const ExecutionRow& row) {
  const auto [it, fresh] = executions.try_emplace(row.id, row);
  if (!SameIdentity(it->second, row)) return false;
  it->second = row;
  return true;
}

bool MemoryStore::Tables::Apply(const TaskRow& row) {
  return Put(&tasks, std::tuple(row.execution_id, row.task), row);
}

bool MemoryStore::Tables::Apply(const TaskExecutionRow& row) {
  const auto [run, fresh_run] =
      runs.try_emplace(std::tuple(row.execution_id, row.task, row.sequence), row.id);
  const auto [it, fresh] = task_executions.try_emplace(row.id, row);
  if (run->second != row.id || fresh != fresh_run) return false;
  it->second = row;
  return true;
}

bool MemoryStore::Tables::Apply(const RuleStateRow& row) {
  return Put(&rule_states, std::tuple(row.execution_id, row.task, row.rule), row);
}

bool MemoryStore::Tables::Apply(const ScheduleRow& row) { return PutOfWorkflow(&schedules, row); }

bool MemoryStore::Tables::Apply(const TriggerRow& row) { return PutOfWorkflow(&triggers, row); }

bool MemoryStore::Tables::Apply(const PoolRow& row) { return Put(&pools, row.name, row); }

bool MemoryStore::Tables::Apply(const StateRow& row) {
  return Put(&states, std::tuple(row.execution_id, row.workflow_id, row.name), row);
}

bool MemoryStore::Tables::Apply(const EvaluationRow& row) {
  const auto [it, fresh] = evaluations.try_emplace(
      std::tuple(row.execution_id, row.trigger_id, row.offset, row.ordinal, row.task), row);
  if (it->second.workflow_id != row.workflow_id) return false;
  it->second = row;
  return true;
}

bool MemoryStore::Tables::Apply(const DeadLetterRow& row) {
  const auto [it, fresh] = dead_letters.try_emplace(row.id, row);
  if (!SameIdentity(it->second, row)) return false;
  it->second = row;
  return true;
}

bool MemoryStore::Tables::Apply(const SuspensionRow& row) {
  return Put(&suspensions, std::pair(row.execution_id, row.workflow_id), row);
}

bool MemoryStore::Tables::Apply(const HeldEventRow& row) {
  return Put(&held_events, std::tuple(row.execution_id, row.workflow_id, row.offset), row);
}

bool MemoryStore::Tables::Apply(const CauseRow& row) {
  return Put(&causes, std::tuple(row.execution_id, row.offset, row.task, row.ordinal), row);
}

bool MemoryStore::Tables::Apply(const OutboxRow& row) { return Put(&outbox, row.id, row); }

bool MemoryStore::Tables::Apply(const ReplyRow& row) { return Put(&replies, row.offset, row); }

bool MemoryStore::Tables::Apply(const CountersRow& row) {
  counters = row;
  return true;
}

bool MemoryStore::Tables::Apply(const CursorRow& row) {
  cursor = row;
  return true;
}

bool MemoryStore::Tables::Apply(const RecoveryRow& row) {
  recovery = row;
  return true;
}

bool MemoryStore::Tables::Apply(const EraseNamespace& erase) {
  namespaces.erase(erase.name);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseWorkflow& erase) {
  for (auto it = executions.begin(); it != executions.end();) {
    const ExecutionRow& row = (it++)->second;  // the element may go
    if (row.workflow_id == erase.id) Apply(EraseExecution{row.id});
  }
  const auto owned = [&](const auto& item) { return item.second.workflow_id == erase.id; };
  std::erase_if(snapshots, owned);
  std::erase_if(schedules, owned);
  std::erase_if(triggers, owned);
  std::erase_if(states, owned);
  std::erase_if(evaluations, owned);
  std::erase_if(dead_letters, owned);
  Apply(EraseSuspension{{}, erase.id});
  std::erase_if(workflow_names, [&](const auto& item) { return item.second == erase.id; });
  workflows.erase(erase.id);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseSnapshot& erase) {
  snapshots.erase(erase.id);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseExecution& erase) {
  const ExecutionId id = erase.id;  // `erase` may live in a row that goes
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  for (auto it = runs.lower_bound(std::tuple(id, kFirstTask, kFirst));
       it != runs.end() && std::get<0>(it->first) == id; ++it) {
    task_executions.erase(it->second);
  }
  EraseOwned(&runs, std::tuple(id, kFirstTask, kFirst), id);
  EraseOwned(&tasks, std::tuple(id, kFirstTask), id);
  EraseOwned(&rule_states, std::tuple(id, kFirstTask, RuleIndex{-1}), id);
  EraseOwned(&causes, std::tuple(id, Offset{kFirst}, kFirstTask, int32_t{0}), id);
  EraseOwned(&states, std::tuple(id, WorkflowId(kFirst), std::string()), id);
  EraseOwned(&evaluations,
             std::tuple(id, TriggerId(kFirst), Offset{kFirst}, int32_t{0}, kFirstTask), id);
  std::erase_if(dead_letters, [&](const auto& item) { return item.second.execution_id == id; });
  Apply(EraseSuspension{id, {}});
  executions.erase(id);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseTaskExecution& erase) {
  const auto run = runs.find(std::tuple(erase.execution_id, erase.task, erase.sequence));
  if (run != runs.end()) {
    task_executions.erase(run->second);
    runs.erase(run);
  }
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  auto it =
      causes.lower_bound(std::tuple(erase.execution_id, Offset{kFirst}, kFirstTask, int32_t{0}));
  while (it != causes.end() && it->second.execution_id == erase.execution_id) {
    const CauseRow& cause = it->second;
    const bool names_it = cause.task == erase.task && cause.sequence == erase.sequence;
    it = names_it ? causes.erase(it) : std::next(it);
  }
  return true;
}

bool MemoryStore::Tables::Apply(const EraseSchedule& erase) {
  schedules.erase(erase.id);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseTrigger& erase) {
  std::erase_if(evaluations, [&](const auto& item) { return item.second.trigger_id == erase.id; });
  triggers.erase(erase.id);
  return true;
}

bool MemoryStore::Tables::Apply(const ErasePool& erase) {
  pools.erase(erase.name);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseState& erase) {
  std::erase_if(states, [&](const auto& item) {
    const StateRow& state = item.second;
    return state.execution_id == erase.execution_id && state.workflow_id == erase.workflow_id &&
           (erase.name.empty() || state.name == erase.name);
  });
  return true;
}

bool MemoryStore::Tables::Apply(const EraseEvaluation& erase) {
  evaluations.erase(
      std::tuple(erase.execution_id, erase.trigger_id, erase.offset, erase.ordinal, erase.task));
  return true;
}

bool MemoryStore::Tables::Apply(const EraseDeadLetter& erase) {
  dead_letters.erase(erase.id);
  return true;
}

bool MemoryStore::Tables::Apply(const EraseSuspension& erase) {
  suspensions.erase({erase.execution_id, erase.workflow_id});
  std::erase_if(held_events, [&](const auto& item) {
    return item.second.execution_id == erase.execution_id &&
           item.second.workflow_id == erase.workflow_id;
  });
  return true;
}

bool MemoryStore::Tables::Apply(const EraseHeldEvent& erase) {
  held_events.erase(std::tuple(erase.execution_id, erase.workflow_id, erase.offset));
  return true;
}

bool MemoryStore::Tables::Apply(const EraseReplies& erase) {
  replies.erase(replies.begin(), replies.lower_bound(erase.below));
  return true;
}

bool MemoryStore::Tables::Apply(const EraseOutbox& erase) {
  outbox.erase(erase.id);
  return true;
}

bool MemoryStore::Tables::ApplyAll(const std::vector<Change>& changes) {
  return std::all_of(changes.begin(), changes.end(), [this](const Change& change) {
    return std::visit([this](const auto& value) { return Apply(value); }, change);
  });
}

bool MemoryStore::Tables::MightRefuse(const std::vector<Change>& changes) const {
  // Erasures are left out: they can only make room, which a trial on a copy finds out.
  Tables touched;
  for (const Change& change : changes) {
    if (const auto* run = std::get_if<TaskExecutionRow>(&change)) {
      const auto stored = task_executions.find(run->id);
      const auto holder = runs.find(std::tuple(run->execution_id, run->task, run->sequence));
      if (stored != task_executions.end() && !SameIdentity(stored->second, *run)) return true;
      if (holder != runs.end() && holder->second != run->id) return true;
      if (!touched.Apply(*run)) return true;
    } else if (const auto* execution = std::get_if<ExecutionRow>(&change)) {
      const auto stored = executions.find(execution->id);
      if (stored != executions.end() && !SameIdentity(stored->second, *execution)) return true;
      if (!touched.Apply(*execution)) return true;
    } else if (const auto* evaluation = std::get_if<EvaluationRow>(&change)) {
      const auto stored =
          evaluations.find(std::tuple(evaluation->execution_id, evaluation->trigger_id,
                                      evaluation->offset, evaluation->ordinal, evaluation->task));
      if (stored != evaluations.end() && stored->second.workflow_id != evaluation->workflow_id) {
        return true;
      }
      if (!touched.Apply(*evaluation)) return true;
    } else if (std::holds_alternative<WorkflowRow>(change) ||
               std::holds_alternative<SnapshotRow>(change) ||
               std::holds_alternative<ScheduleRow>(change) ||
               std::holds_alternative<TriggerRow>(change) ||
               std::holds_alternative<DeadLetterRow>(change)) {
      return true;  // rare: always on a copy
    }
  }
  return false;
}

MemoryStore::MemoryStore(std::string secret) {
  meta_.secret = std::move(secret);
  meta_.schema_version = 5;
  tables_.Apply(NamespaceRow{.name = "default"});
}

Result<StoreMeta> MemoryStore::Meta() const {
  StoreMeta meta = meta_;
  meta.part = tables_.cursor.part;
  return meta;
}

Status MemoryStore::BindLog(const std::string& log_id) {
  CHECK(!log_id.empty()) << "a log without an id";
  if (meta_.log_id.empty()) meta_.log_id = log_id;
  if (meta_.log_id == log_id) return Status::Ok();
  return {Code::kFailedPrecondition,
          "the metadata belongs to event log " + meta_.log_id + ", but the log here is " + log_id};
}

Result<Epoch> MemoryStore::TakeLease(const std::string& holder) {
  meta_.holder = holder;
  return ++meta_.epoch;
}

Status MemoryStore::Commit(const CommitBatch& batch) {
  CHECK(batch.to_offset >= batch.from_offset)
      << "commit from " << batch.from_offset << " back to " << batch.to_offset;
  if (batch.epoch != meta_.epoch) {
    return {Code::kAborted, "commit refused: the lease is with " + meta_.holder + " (epoch " +
                                std::to_string(meta_.epoch) + ", ours was " +
                                std::to_string(batch.epoch) + ")"};
  }
  if (batch.from_offset != meta_.committed) {
    return {Code::kAborted, "commit refused: the committed offset is " +
                                std::to_string(meta_.committed) + ", not " +
                                std::to_string(batch.from_offset)};
  }
  if (batch.from_part != tables_.cursor.part) {
    return {Code::kAborted, "commit refused: " + std::to_string(tables_.cursor.part) +
                                " parts of the decision about the event after offset " +
                                std::to_string(meta_.committed) + " are committed, not " +
                                std::to_string(batch.from_part)};
  }
  const CommitFault fault = fault_hook_ ? fault_hook_() : CommitFault::kNone;
  if (fault == CommitFault::kRefused) {
    return {Code::kUnavailable, "commit refused: injected fault"};
  }
  if (tables_.MightRefuse(batch.changes)) {
    Tables trial = tables_;
    if (!trial.ApplyAll(batch.changes)) {
      return {Code::kInternal, "a change would alter the identity of a row, or break a uniqueness"};
    }
    tables_ = std::move(trial);
  } else {
    CHECK(tables_.ApplyAll(batch.changes)) << "a batch found harmless was refused";
  }
  meta_.committed = batch.to_offset;
  if (fault == CommitFault::kLostReply) {
    return {Code::kUnavailable, "commit: injected fault after the commit"};
  }
  return Status::Ok();
}

Result<std::vector<Change>> MemoryStore::Load() const {
  std::vector<Change> changes;
  changes.emplace_back(tables_.counters);
  if (tables_.cursor.part != 0) changes.emplace_back(tables_.cursor);
  if (tables_.recovery.crashes != 0) changes.emplace_back(tables_.recovery);
  for (const auto& [name, row] : tables_.namespaces) changes.emplace_back(row);
  for (const auto& [id, row] : tables_.workflows) changes.emplace_back(row);
  for (const auto& [id, row] : tables_.snapshots) changes.emplace_back(row);
  const auto unfinished = [this](ExecutionId id) { return IsUnfinishedExecution(id); };
  for (const auto& [id, row] : tables_.executions) {
    if (IsUnfinished(row)) changes.emplace_back(row);
  }
  for (const auto& [key, row] : tables_.tasks) {
    if (unfinished(row.execution_id)) changes.emplace_back(row);
  }
  for (const auto& [key, id] : tables_.runs) {
    const auto& [execution, task, sequence] = key;
    const auto owner = tables_.tasks.find(std::tuple(execution, task));
    if (!unfinished(execution) || owner == tables_.tasks.end()) continue;
    const TaskRow& row = owner->second;
    if (sequence == row.latest || sequence == row.current || sequence == row.successor) {
      changes.emplace_back(tables_.task_executions.at(id));
    }
  }
  for (const auto& [key, row] : tables_.rule_states) {
    if (unfinished(row.execution_id)) changes.emplace_back(row);
  }
  for (const auto& [key, row] : tables_.evaluations) {
    if (row.execution_id.valid() && unfinished(row.execution_id)) changes.emplace_back(row);
  }
  for (const auto& [key, row] : tables_.evaluations) {
    if (!row.execution_id.valid()) changes.emplace_back(row);
  }
  for (const auto& [id, row] : tables_.schedules) changes.emplace_back(row);
  for (const auto& [id, row] : tables_.triggers) changes.emplace_back(row);
  for (const auto& [name, row] : tables_.pools) changes.emplace_back(row);
  for (const auto& [id, row] : tables_.dead_letters) changes.emplace_back(row);
  for (const auto& [key, row] : tables_.suspensions) changes.emplace_back(row);
  for (const auto& [key, row] : tables_.held_events) changes.emplace_back(row);
  for (const auto& [id, row] : tables_.outbox) changes.emplace_back(row);
  return changes;
}

bool MemoryStore::IsUnfinishedExecution(ExecutionId id) const {
  const auto execution = tables_.executions.find(id);
  return execution != tables_.executions.end() && IsUnfinished(execution->second);
}

}  // namespace aiflow
