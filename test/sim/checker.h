#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "chaos.h"
#include "model/rows.h"
#include "model_checker.h"
#include "reference.h"
#include "scheduler/state.h"
#include "storage/memory/memory_store.h"

namespace aiflow::sim {

/// Watches every commit and every act of a simulated world, and says what promise is broken. Keeps
/// its own record of the rows, independent of store and scheduler.
class Checker {
 public:
  Checker(Chaos& chaos, const MemoryStore& store, const std::vector<Event>& log)
      : chaos_(chaos), store_(store), log_(log), model_(chaos, log) {}

  [[nodiscard]] ModelChecker& model() { return model_; }
  [[nodiscard]] const ModelChecker& model() const { return model_; }

  /// A batch has become durable.
  void OnCommit(const CommitBatch& batch);
  /// A start or stop leaves the engine.
  void OnHandOver(const AttemptKey& attempt, OutboxKind kind);
  /// A question leaves the engine.
  void OnQuestion(OutboxId id) const;
  /// The engine lets go of an attempt; `result` is what the executor knows of it.
  void OnForget(const AttemptKey& attempt, std::optional<TaskStatus> result);

  /// A state that had every change applied equals one loaded from the store.
  void CheckState(const State& state) const;
  /// Dense offsets, each id once, each announcement and each reply there.
  void CheckLog(const std::vector<Event>& events) const;
  /// Nothing is under way any more: outbox empty but for hooks, and each execution finished or
  /// rightly waiting.
  void CheckRest(const std::vector<Event>& events) const;

  [[nodiscard]] std::vector<ExecutionRow> executions() const;
  [[nodiscard]] std::vector<ExecutionId> running() const;
  [[nodiscard]] const WorkflowSpec* SpecOf(ExecutionId id) const;
  [[nodiscard]] std::optional<ReplyRow> ReplyAt(Offset offset) const;

 private:
  using RunKey = std::tuple<ExecutionId, TaskIndex, int64_t>;

  static bool WaitsForSlot(const TaskExecutionRow& run) {
    return run.status == TaskStatus::kQueued && !run.has_slot;
  }
  [[nodiscard]] const TaskExecutionRow& PredecessorOf(const TaskExecutionRow& run) const;
  void Take(const ExecutionRow& row);
  void Take(const TaskRow& row);
  void Take(const TaskExecutionRow& row);
  void Take(const RuleStateRow& row);
  void Take(const CauseRow& row);
  void Take(const OutboxRow& row);
  void Take(const ReplyRow& row);
  void Take(const PoolRow& row) {
    const auto [pool, fresh] = pools_.try_emplace(row.name, row);
    pool_shrank_ = pool_shrank_ || row.slots < pool->second.slots || fresh;
    pool->second = row;
  }
  void Take(const ErasePool& erase) { pools_.erase(erase.name); }
  void Take(const StateRow& row);
  void Take(const SnapshotRow& row) { specs_[row.id] = row.spec; }
  void Take(const EraseOutbox& erase);
  void Take(const EraseExecution& erase);
  void Take(const EraseWorkflow& erase);
  template <typename Row>
  void Take(const Row& /*row*/) {}

  void TakeCursor(const CursorRow& row);
  void Touch(ExecutionId id, const char* what);
  /// The batch being taken holds a request that reopens a finished execution.
  [[nodiscard]] bool MayReopen(ExecutionId id) const;
  void CheckCause(const TaskExecutionRow& row);
  void CheckExecution(ExecutionId id) const;
  void CheckSlots() const;
  void CheckWaiting(const ExecutionRow& row) const;

  Chaos& chaos_;
  const MemoryStore& store_;
  const std::vector<Event>& log_;
  ModelChecker model_;
  Offset batch_from_ = 0;
  Offset committed_ = 0;
  int64_t part_ = 0;  // of a decision under way
  std::map<ExecutionId, ExecutionRow> executions_;
  std::set<ExecutionId> finished_;  // by an earlier commit
  std::map<std::pair<ExecutionId, TaskIndex>, TaskRow> tasks_;
  std::map<RunKey, TaskExecutionRow> runs_;
  std::map<SnapshotId, std::shared_ptr<const WorkflowSpec>> specs_;
  std::map<OutboxId, OutboxRow> outbox_;
  std::map<Offset, ReplyRow> replies_;
  std::map<std::pair<ExecutionId, WorkflowId>, int64_t> answers_;  // of user-written conditions
  std::map<std::string, PoolRow> pools_;
  bool pool_shrank_ = false;             // since then more slots may be in use than there are
  std::set<OutboxId> outbox_ids_;        // ever used
  std::set<AttemptKey> retried_;         // tries that another one was to follow
  std::set<AttemptKey> started_;         // attempts that ever had a start row
  std::map<RunKey, int> causes_;         // runs by (execution, task, causing offset)
  std::set<std::string> announcements_;  // ids that must be in the log
  std::map<ExecutionId, JoinReference> joins_;
  // Of the batch that is being taken.
  std::set<ExecutionId> touched_;
  std::set<std::string> must_announce_;
  std::set<std::string> announced_;
};

}  // namespace aiflow::sim
