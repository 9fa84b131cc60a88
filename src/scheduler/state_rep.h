#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/requests.h"
#include "scheduler/compiled_trigger.h"
#include "scheduler/compiled_workflow.h"
#include "scheduler/evaluation_fifo.h"
#include "scheduler/state.h"

namespace aiflow {

using RunKey = std::pair<TaskIndex, int64_t>;  // task, sequence

/// Runs that compete for the same slots: all of a class wait while its first one does.
struct SlotClass {
  std::string pool;      // empty: the executor's only
  std::string executor;  // as the task names it; empty: State::Rep::ExecutorOf says which
  WorkflowId workflow;
  friend auto operator<=>(const SlotClass&, const SlotClass&) = default;
};

/// The executor of a class: the task's own, else its pool's, else the default one. `pools` has
/// FindPool(name).
template <typename Pools>
std::string ResolveExecutor(const SlotClass& slot_class, const Pools& pools) {
  if (!slot_class.executor.empty()) return slot_class.executor;
  const PoolRow* own = slot_class.pool.empty() ? nullptr : pools.FindPool(slot_class.pool);
  if (own != nullptr && !own->executor.empty()) return own->executor;
  const PoolRow* standard = pools.FindPool(kExecutorPool);
  return standard == nullptr ? std::string(kLocalExecutor) : ExecutorName(standard->executor);
}

/// A QUEUED run without a slot, in the order of its turn.
struct WaitingRun {
  int64_t negative_priority = 0;
  TaskExecutionId id;
  ExecutionId execution;
  TaskIndex task = 0;
  int64_t slots = 1;  // of the pool
  friend auto operator<=>(const WaitingRun&, const WaitingRun&) = default;
};

/// How many slots are taken, of what.
struct SlotsInUse {
  std::map<std::string, int64_t, std::less<>> executors;  // no entry of 0
  std::map<std::string, int64_t, std::less<>> pools;      // no entry of 0
  std::map<WorkflowId, int64_t> workflows;                // no entry of 0
};

/// What an execution owns beyond its row; made when a task or rule is first touched, so that one
/// that only waits costs its row and an index entry.
struct ExecutionDetail {
  std::map<TaskIndex, TaskRow> tasks;
  std::map<RunKey, TaskExecutionRow> runs;  // those that a TaskRow names
  std::map<RuleRef, RuleStateRow> rules;
  EvaluationFifo evaluations;  // the first one is being asked about
  // Derived from the rows above:
  int64_t live_tasks = 0;
  std::vector<uint8_t> latest_status;  // by task; kNeverRan or a TaskStatus. Joins read it

  static constexpr uint8_t kNeverRan = 0xff;
};

/// A task holds its execution open: a run is dispatched, waits, or is asked for.
inline bool IsLive(const TaskRow& task) {
  return task.current != 0 || task.successor != 0 || !task.pending_starts.empty();
}

/// What one task of an execution does to the derived parts of the state.
struct TaskClaims {
  std::vector<std::pair<Millis, TimerFired>> timers;
  std::optional<SlotClass> slot_class;  // set when its run has or awaits a slot
  bool has_slot = false;
  std::string executor;  // that the slot is of
  WaitingRun waiting;    // when it has none
};

struct ExecutionEntry {
  ExecutionRow row;
  std::unique_ptr<ExecutionDetail> detail;
};

struct SnapshotEntry {
  SnapshotRow row;
  std::unique_ptr<const CompiledWorkflow> compiled;  // null: no specification
  std::set<ExecutionId> executions;                  // unfinished ones
};

struct WorkflowEntry {
  WorkflowRow row;
  std::set<SnapshotId> snapshots;
  std::set<ScheduleId> schedules;
  std::set<TriggerId> triggers;
  EvaluationFifo evaluations;  // of its triggers; the first one is being asked about
  // Derived:
  std::set<ExecutionId> waiting;  // in INIT, for max_active_executions
  int64_t active = 0;             // unfinished executions that do not wait
};

struct TriggerEntry {
  TriggerRow row;
  std::unique_ptr<const CompiledCondition> compiled;  // null: it cannot fire
};

struct AttemptOutbox {
  OutboxId start;
  OutboxId stop;
};

/// Whom a quarantined event suspends: an execution, or (an invalid id before it) a workflow.
using Receiver = std::pair<ExecutionId, WorkflowId>;

struct Suspension {
  SuspensionRow row;
  std::map<Offset, HeldEventRow> held;
};

/// Of a SuspensionRow, HeldEventRow and what erases them.
template <typename Row>
Receiver ReceiverOf(const Row& row) {
  return {row.execution_id, row.workflow_id};
}

/// About what it takes in memory.
size_t SizeOf(const HeldEventRow& row);

/// `run` is the current one, or null.
TaskClaims ClaimsOf(const ExecutionRow& execution, const CompiledWorkflow& workflow,
                    const TaskRow& task, const TaskExecutionRow* run);

/// The private part of State: the rows, and indexes derived from them.
struct State::Rep {
  CountersRow counters;
  CursorRow cursor;
  RecoveryRow recovery;
  std::map<std::string, NamespaceRow, std::less<>> namespaces;
  std::unordered_map<WorkflowId, WorkflowEntry> workflows;
  std::unordered_map<SnapshotId, SnapshotEntry> snapshots;
  std::unordered_map<ExecutionId, ExecutionEntry> executions;
  std::map<OutboxId, OutboxRow> outbox;
  std::map<ScheduleId, ScheduleRow> schedules;
  std::map<TriggerId, TriggerEntry> triggers;
  std::map<std::string, PoolRow, std::less<>> pools;
  std::map<DeadLetterId, DeadLetterRow> dead_letters;
  std::map<Receiver, Suspension> suspensions;

  // Derived.
  std::set<std::pair<Millis, TimerFired>> timers;  // what comes due, when
  SlotsInUse slots;
  size_t held_bytes = 0;
  std::map<SlotClass, std::set<WaitingRun>> waiting_runs;  // no empty entry
  std::map<std::pair<std::string, std::string>, WorkflowId> workflow_names;
  std::map<AttemptKey, AttemptOutbox> attempt_outbox;
  /// The outbox rows of questions, at most one per execution, and one per trigger.
  std::map<std::pair<ExecutionId, TriggerId>, OutboxId> questions;
  /// Snapshots with unfinished executions, by what their rules expect: the cost of an event is the
  /// number of rules that expect it.
  std::map<std::pair<std::string, std::string>, std::set<SnapshotId>> expecting_event;
  std::unordered_map<std::string, std::set<SnapshotId>> expecting_foreign;
  /// Triggers that are not paused, likewise.
  std::map<std::pair<std::string, std::string>, std::set<TriggerId>> triggers_by_event;
  std::unordered_map<std::string, std::set<TriggerId>> triggers_by_status;

  [[nodiscard]] const WorkflowRow* FindWorkflow(WorkflowId id) const;
  [[nodiscard]] const WorkflowRow* FindWorkflow(const std::string& ns,
                                                const std::string& name) const;
  [[nodiscard]] const SnapshotEntry* FindSnapshot(SnapshotId id) const;
  [[nodiscard]] const ExecutionEntry* FindExecution(ExecutionId id) const;
  /// The workflow's entry with this row.
  [[nodiscard]] const WorkflowEntry* FindWorkflowEntry(WorkflowId id) const;
  /// Slots that the pool has: none when it was never set, but for the executor's, which is
  /// unlimited then.
  [[nodiscard]] int64_t PoolSlots(std::string_view pool) const;
  [[nodiscard]] const PoolRow* FindPool(std::string_view pool) const;
  /// The executor that a run of this class gets its slot of.
  [[nodiscard]] std::string ExecutorOf(const SlotClass& slot_class) const {
    return ResolveExecutor(slot_class, *this);
  }
  /// Unfinished executions of a workflow, ascending.
  [[nodiscard]] std::vector<ExecutionId> ExecutionsOf(WorkflowId id) const;
};

}  // namespace aiflow
