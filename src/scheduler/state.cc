#include "scheduler/state.h"

#include <algorithm>
#include <limits>
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
    for (const ScheduleId id : found->second.schedules) DropSchedule(id);
    for (const TriggerId id : found->second.triggers) DropTrigger(id);
    std::erase_if(rep_.dead_letters,
                  [&erase](const auto& letter) { return letter.second.workflow_id == erase.id; });
    DropSuspension({ExecutionId(), erase.id});
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
    TouchExecution(row.id);
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
  void operator()(const EraseExecution& erase) {
    finished_.insert(erase.id);
    DropSuspension({erase.id, WorkflowId()});
    std::erase_if(rep_.dead_letters,
                  [&erase](const auto& letter) { return letter.second.execution_id == erase.id; });
  }

  void operator()(const TaskRow& row) {
    TouchTask(row.execution_id, row.task);
    ExecutionDetail& detail = Detail(row.execution_id);
    TaskRow& slot = detail.tasks[row.task];
    detail.live_tasks += (IsLive(row) ? 1 : 0) - (IsLive(slot) ? 1 : 0);
    slot = row;
  }
  void operator()(const TaskExecutionRow& row) {
    TouchTask(row.execution_id, row.task);
    Detail(row.execution_id).runs.insert_or_assign(RunKey{row.task, row.sequence}, row);
  }
  void operator()(const EraseTaskExecution& /*erase*/) {}  // never one that a TaskRow names
  void operator()(const RuleStateRow& row) {
    Detail(row.execution_id).rules.insert_or_assign(RuleRef{row.task, row.rule}, row);
  }

  void operator()(const EvaluationRow& row) {
    if (row.execution_id.valid()) {
      Detail(row.execution_id).evaluations.Put(row);
    } else {
      rep_.workflows[row.workflow_id].evaluations.Put(row);
    }
  }
  void operator()(const EraseEvaluation& erase) {
    if (erase.execution_id.valid()) {
      Detail(erase.execution_id).evaluations.Erase({erase.offset, erase.ordinal, erase.task});
      return;
    }
    const auto trigger = rep_.triggers.find(erase.trigger_id);
    if (trigger == rep_.triggers.end()) return;
    const auto workflow = rep_.workflows.find(trigger->second.row.workflow_id);
    if (workflow == rep_.workflows.end()) return;
    workflow->second.evaluations.Erase({erase.offset, erase.ordinal, erase.trigger_id.value()});
  }

  void operator()(const ScheduleRow& row) {
    DropSchedule(row.id);
    rep_.schedules.insert_or_assign(row.id, row);
    rep_.workflows[row.workflow_id].schedules.insert(row.id);
    if (row.next_due != Millis(0)) rep_.timers.insert(TimerOf(row));
  }
  void operator()(const EraseSchedule& erase) {
    const auto found = rep_.schedules.find(erase.id);
    if (found == rep_.schedules.end()) return;
    const auto workflow = rep_.workflows.find(found->second.workflow_id);
    if (workflow != rep_.workflows.end()) workflow->second.schedules.erase(erase.id);
    DropSchedule(erase.id);
  }

  void operator()(const TriggerRow& row) {
    TriggerEntry& entry = rep_.triggers[row.id];
    const bool fresh = !entry.row.id.valid();
    const bool was_listening = !fresh && !entry.row.paused;
    if (fresh) {
      entry.compiled = CompileTrigger(row);
      rep_.workflows[row.workflow_id].triggers.insert(row.id);
    }
    entry.row = row;
    if (was_listening != !row.paused) listening_changed_[row.id] = !row.paused;
  }
  void operator()(const EraseTrigger& erase) {
    const auto found = rep_.triggers.find(erase.id);
    if (found == rep_.triggers.end()) return;
    const auto workflow = rep_.workflows.find(found->second.row.workflow_id);
    if (workflow != rep_.workflows.end()) {
      workflow->second.triggers.erase(erase.id);
      workflow->second.evaluations.EraseOwner(erase.id.value());
    }
    DropTrigger(erase.id);
  }

  void operator()(const PoolRow& row) { rep_.pools.insert_or_assign(row.name, row); }
  void operator()(const ErasePool& erase) { rep_.pools.erase(erase.name); }
  void operator()(const DeadLetterRow& row) { rep_.dead_letters.insert_or_assign(row.id, row); }
  void operator()(const EraseDeadLetter& erase) { rep_.dead_letters.erase(erase.id); }

  void operator()(const SuspensionRow& row) { rep_.suspensions[ReceiverOf(row)].row = row; }
  void operator()(const EraseSuspension& erase) { DropSuspension(ReceiverOf(erase)); }
  void operator()(const HeldEventRow& row) {
    (*this)(EraseHeldEvent{row.execution_id, row.workflow_id, row.offset});
    rep_.suspensions[ReceiverOf(row)].held.emplace(row.offset, row);
    rep_.held_bytes += SizeOf(row);
  }
  void operator()(const EraseHeldEvent& erase) {
    const auto found = rep_.suspensions.find(ReceiverOf(erase));
    if (found == rep_.suspensions.end()) return;
    const auto held = found->second.held.find(erase.offset);
    if (held == found->second.held.end()) return;
    rep_.held_bytes -= SizeOf(held->second);
    found->second.held.erase(held);
  }

  void operator()(const OutboxRow& row) {
    if (const auto old = rep_.outbox.find(row.id); old != rep_.outbox.end()) {
      rep_.timers.erase(TimerOf(old->second));
    }
    if (row.due != Millis(0)) rep_.timers.insert(TimerOf(row));
    rep_.outbox.insert_or_assign(row.id, row);
    if (row.kind == OutboxKind::kStartAttempt) rep_.attempt_outbox[row.attempt].start = row.id;
    if (row.kind == OutboxKind::kStopAttempt) rep_.attempt_outbox[row.attempt].stop = row.id;
    if (row.kind == OutboxKind::kEvaluate)
      rep_.questions[{row.attempt.execution, row.trigger}] = row.id;
  }
  void operator()(const EraseOutbox& erase) {
    const auto found = rep_.outbox.find(erase.id);
    if (found == rep_.outbox.end()) return;
    rep_.timers.erase(TimerOf(found->second));
    const auto attempt = rep_.attempt_outbox.find(found->second.attempt);
    if (found->second.kind <= OutboxKind::kStopAttempt && attempt != rep_.attempt_outbox.end()) {
      AttemptOutbox& ids = attempt->second;
      if (ids.start == erase.id) ids.start = OutboxId();
      if (ids.stop == erase.id) ids.stop = OutboxId();
      if (!ids.start.valid() && !ids.stop.valid()) rep_.attempt_outbox.erase(attempt);
    }
    const auto question =
        rep_.questions.find({found->second.attempt.execution, found->second.trigger});
    if (question != rep_.questions.end() && question->second == erase.id) {
      rep_.questions.erase(question);
    }
    rep_.outbox.erase(found);
  }

  void operator()(const CountersRow& row) { rep_.counters = row; }
  void operator()(const CursorRow& row) { rep_.cursor = row; }
  void operator()(const RecoveryRow& row) { rep_.recovery = row; }
  // Written for people and callers; the fold never reads them.
  void operator()(const CauseRow& /*row*/) {}
  void operator()(const ReplyRow& /*row*/) {}
  void operator()(const EraseReplies& /*erase*/) {}
  void operator()(const StateRow& /*row*/) {}
  void operator()(const EraseState& /*erase*/) {}

  void Finish() {
    for (const ExecutionId id : finished_) DropExecution(id);
    for (const auto& [id, task] : touched_tasks_) PruneTask(id, task);
    for (const ExecutionId id : touched_executions_) {
      const auto found = rep_.executions.find(id);
      if (found == rep_.executions.end()) continue;
      if (!found->second.row.id.valid()) {
        rep_.executions.erase(found);  // tasks of an execution that is not here
        continue;
      }
      Count(found->second, +1);
    }
    for (const auto& [id, task] : touched_tasks_) CountTask(id, task, +1);
    for (const auto& [id, listening] : listening_changed_) Listen(id, listening);
  }

 private:
  /// Before the first change of an execution, or task, in this list: takes back what it has added
  /// to the derived parts. Finish adds it anew.
  void TouchExecution(ExecutionId id) {
    if (!touched_executions_.insert(id).second) return;
    const auto found = rep_.executions.find(id);
    if (found != rep_.executions.end() && found->second.row.id.valid()) Count(found->second, -1);
  }
  void TouchTask(ExecutionId id, TaskIndex task) {
    TouchExecution(id);
    if (touched_tasks_.insert({id, task}).second) CountTask(id, task, -1);
  }

  static std::pair<Millis, TimerFired> TimerOf(const ScheduleRow& row) {
    return {row.next_due, TimerFired{.kind = TimerKind::kSchedule,
                                     .owner = row.id.value(),
                                     .generation = row.generation,
                                     .due_ms = row.next_due.count()}};
  }
  static std::pair<Millis, TimerFired> TimerOf(const OutboxRow& row) {
    return {row.due, TimerFired{.kind = TimerKind::kHook,
                                .owner = row.id.value(),
                                .generation = row.tries,
                                .due_ms = row.due.count()}};
  }

  void Count(const ExecutionEntry& execution, int sign) {
    const ExecutionRow& row = execution.row;
    if (row.deadline != Millis(0)) {
      const std::pair timer{row.deadline, TimerFired{.kind = TimerKind::kExecution,
                                                     .owner = row.id.value(),
                                                     .due_ms = row.deadline.count()}};
      if (sign > 0) {
        rep_.timers.insert(timer);
      } else {
        rep_.timers.erase(timer);
      }
    }
    WorkflowEntry& workflow = rep_.workflows[row.workflow_id];
    if (row.status != ExecutionStatus::kInit) {
      workflow.active += sign;
    } else if (sign > 0) {
      workflow.waiting.insert(row.id);
    } else {
      workflow.waiting.erase(row.id);
    }
  }

  void CountTask(ExecutionId id, TaskIndex task, int sign) {
    const auto found = rep_.executions.find(id);
    if (found == rep_.executions.end() || !found->second.row.id.valid()) return;
    if (found->second.detail == nullptr) return;
    const ExecutionDetail& detail = *found->second.detail;
    const auto row = detail.tasks.find(task);
    const SnapshotEntry* snapshot = rep_.FindSnapshot(found->second.row.snapshot_id);
    if (row == detail.tasks.end() || snapshot == nullptr || snapshot->compiled == nullptr) return;
    const auto run = detail.runs.find({task, row->second.current});
    const TaskClaims claims = ClaimsOf(found->second.row, *snapshot->compiled, row->second,
                                       run == detail.runs.end() ? nullptr : &run->second);
    for (const auto& timer : claims.timers) {
      if (sign > 0) {
        rep_.timers.insert(timer);
      } else {
        rep_.timers.erase(timer);
      }
    }
    if (!claims.slot_class.has_value()) return;
    if (claims.has_slot) {
      Add(rep_.slots.executors, claims.executor, sign);
      Add(rep_.slots.workflows, claims.slot_class->workflow, sign);
      if (!claims.slot_class->pool.empty()) {
        Add(rep_.slots.pools, claims.slot_class->pool, sign * claims.waiting.slots);
      }
    } else if (sign > 0) {
      rep_.waiting_runs[*claims.slot_class].insert(claims.waiting);
    } else {
      const auto waiting = rep_.waiting_runs.find(*claims.slot_class);
      if (waiting == rep_.waiting_runs.end()) return;
      waiting->second.erase(claims.waiting);
      if (waiting->second.empty()) rep_.waiting_runs.erase(waiting);
    }
  }
  template <typename Map, typename Key>
  static void Add(Map& map, const Key& key, int64_t amount) {
    const auto entry = map.try_emplace(key, 0).first;
    entry->second += amount;
    if (entry->second == 0) map.erase(entry);
  }

  void DropSuspension(const Receiver& receiver) {
    const auto found = rep_.suspensions.find(receiver);
    if (found == rep_.suspensions.end()) return;
    for (const auto& [offset, held] : found->second.held) rep_.held_bytes -= SizeOf(held);
    rep_.suspensions.erase(found);
  }

  void DropSchedule(ScheduleId id) {
    const auto found = rep_.schedules.find(id);
    if (found == rep_.schedules.end()) return;
    rep_.timers.erase(TimerOf(found->second));
    rep_.schedules.erase(found);
  }

  void DropTrigger(TriggerId id) {
    const auto found = rep_.triggers.find(id);
    if (found == rep_.triggers.end()) return;
    if (!found->second.row.paused) Listen(id, false);
    listening_changed_.erase(id);
    rep_.triggers.erase(found);
  }
  void Listen(TriggerId id, bool listening) {
    const TriggerEntry& entry = rep_.triggers.at(id);
    if (entry.compiled == nullptr) return;
    const std::string& ns = rep_.workflows[entry.row.workflow_id].row.ns;
    for (const std::string& key : entry.compiled->event_keys) {
      if (listening) {
        rep_.triggers_by_event[{ns, key}].insert(id);
      } else {
        Remove(rep_.triggers_by_event, std::pair(ns, key), id);
      }
    }
    for (const std::string& key : entry.compiled->foreign_keys) {
      if (listening) {
        rep_.triggers_by_status[key].insert(id);
      } else {
        Remove(rep_.triggers_by_status, key, id);
      }
    }
  }

  ExecutionDetail& Detail(ExecutionId id) {
    TouchExecution(id);
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
    if (found->second.row.id.valid()) {
      if (!touched_executions_.contains(id)) Count(found->second, -1);
      if (found->second.detail != nullptr) {
        for (const auto& [task, row] : found->second.detail->tasks) {
          if (!touched_tasks_.contains({id, task})) CountTask(id, task, -1);
        }
      }
    }
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
  template <typename Index, typename Key, typename Id>
  static void Remove(Index& index, const Key& key, Id id) {
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
  std::map<TriggerId, bool> listening_changed_;
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

size_t SizeOf(const HeldEventRow& row) {
  constexpr size_t kOverheadBytes = 512;
  return kOverheadBytes + row.event.key.size() + row.event.value.size() + row.event.context.size();
}

TaskClaims ClaimsOf(const ExecutionRow& execution, const CompiledWorkflow& workflow,
                    const TaskRow& task, const TaskExecutionRow* run) {
  TaskClaims claims;
  const auto timer = [&](TimerKind kind, int64_t generation, Millis due) {
    claims.timers.emplace_back(due, TimerFired{.kind = kind,
                                               .owner = execution.id.value(),
                                               .task = task.task,
                                               .generation = generation,
                                               .due_ms = due.count()});
  };
  if (task.next_tick != Millis(0)) timer(TimerKind::kTick, 0, task.next_tick);
  if (run == nullptr || task.current == 0) return claims;
  if (run->deadline != Millis(0)) timer(TimerKind::kTask, run->sequence, run->deadline);
  const TaskSpec& spec = workflow.task_spec(task.task);
  const bool waits = run->status == TaskStatus::kQueued && !run->has_slot;
  if (spec.op == OperatorKind::kEmpty || (!waits && !run->has_slot)) return claims;
  claims.slot_class = SlotClass{spec.pool, spec.executor, execution.workflow_id};
  claims.has_slot = run->has_slot;
  if (run->has_slot) claims.executor = ExecutorName(run->executor);
  claims.waiting = {.negative_priority = -spec.priority,
                    .id = run->id,
                    .execution = execution.id,
                    .task = task.task,
                    .slots = spec.pool_slots};
  return claims;
}

const WorkflowEntry* State::Rep::FindWorkflowEntry(WorkflowId id) const {
  const auto found = workflows.find(id);
  return found == workflows.end() || !found->second.row.id.valid() ? nullptr : &found->second;
}

const PoolRow* State::Rep::FindPool(std::string_view pool) const {
  const auto found = pools.find(pool);
  return found == pools.end() ? nullptr : &found->second;
}

int64_t State::Rep::PoolSlots(std::string_view pool) const {
  if (const PoolRow* found = FindPool(pool)) return found->slots;
  return pool == kExecutorPool ? std::numeric_limits<int64_t>::max() : 0;
}

const WorkflowRow* State::Rep::FindWorkflow(WorkflowId id) const {
  const auto found = workflows.find(id);
  return found == workflows.end() || !found->second.row.id.valid() ? nullptr : &found->second.row;
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
  if (rep_->cursor.part != 0) rows.emplace_back(rep_->cursor);
  if (rep_->recovery.crashes != 0) rows.emplace_back(rep_->recovery);
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
    for (const auto& [key, row] : entry.detail->evaluations.rows()) rows.emplace_back(row);
  }
  for (const WorkflowId id : SortedKeys(rep_->workflows)) {
    for (const auto& [key, row] : rep_->workflows.at(id).evaluations.rows()) rows.emplace_back(row);
  }
  for (const auto& [id, row] : rep_->schedules) rows.emplace_back(row);
  for (const auto& [id, entry] : rep_->triggers) rows.emplace_back(entry.row);
  for (const auto& [name, row] : rep_->pools) rows.emplace_back(row);
  for (const auto& [id, row] : rep_->dead_letters) rows.emplace_back(row);
  for (const auto& [receiver, suspension] : rep_->suspensions) {
    rows.emplace_back(suspension.row);
    for (const auto& [offset, row] : suspension.held) rows.emplace_back(row);
  }
  for (const auto& [id, row] : rep_->outbox) rows.emplace_back(row);
  return rows;
}

}  // namespace aiflow
