#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "model/rows.h"
#include "storage/queries.h"
#include "storage/store.h"

/// Rows for the store contract: loaded ones by kind, and random ones that keep the engine's rules.
namespace aiflow {

/// What Load returned, by kind; compares as a whole.
struct LoadedRows {
  std::vector<CountersRow> counters;
  std::vector<CursorRow> cursors;
  std::vector<RecoveryRow> recoveries;
  std::vector<NamespaceRow> namespaces;
  std::vector<WorkflowRow> workflows;
  std::vector<SnapshotRow> snapshots;
  std::vector<ExecutionRow> executions;
  std::vector<TaskRow> tasks;
  std::vector<TaskExecutionRow> task_executions;
  std::vector<RuleStateRow> rule_states;
  std::vector<EvaluationRow> evaluations;
  std::vector<ScheduleRow> schedules;
  std::vector<TriggerRow> triggers;
  std::vector<PoolRow> pools;
  std::vector<DeadLetterRow> dead_letters;
  std::vector<SuspensionRow> suspensions;
  std::vector<HeldEventRow> held_events;
  std::vector<OutboxRow> outbox;
  size_t others = 0;  // kinds that do not belong into the scheduler's state

  explicit LoadedRows(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      std::visit([this](const auto& row) { Add(row); }, change);
    }
  }
  friend bool operator==(const LoadedRows&, const LoadedRows&) = default;

 private:
  void Add(const CountersRow& row) { counters.push_back(row); }
  void Add(const CursorRow& row) { cursors.push_back(row); }
  void Add(const RecoveryRow& row) { recoveries.push_back(row); }
  void Add(const SuspensionRow& row) { suspensions.push_back(row); }
  void Add(const HeldEventRow& row) { held_events.push_back(row); }
  void Add(const NamespaceRow& row) { namespaces.push_back(row); }
  void Add(const WorkflowRow& row) { workflows.push_back(row); }
  void Add(const SnapshotRow& row) { snapshots.push_back(row); }
  void Add(const ExecutionRow& row) { executions.push_back(row); }
  void Add(const TaskRow& row) { tasks.push_back(row); }
  void Add(const TaskExecutionRow& row) { task_executions.push_back(row); }
  void Add(const RuleStateRow& row) { rule_states.push_back(row); }
  void Add(const EvaluationRow& row) { evaluations.push_back(row); }
  void Add(const ScheduleRow& row) { schedules.push_back(row); }
  void Add(const TriggerRow& row) { triggers.push_back(row); }
  void Add(const PoolRow& row) { pools.push_back(row); }
  void Add(const DeadLetterRow& row) { dead_letters.push_back(row); }
  void Add(const OutboxRow& row) { outbox.push_back(row); }
  template <typename T>
  void Add(const T&) {
    ++others;
  }
};

/// Everything the queries can tell about a set of ids; to compare two stores beyond Load.
struct QueriedRows {
  std::vector<NamespaceRow> namespaces;
  std::vector<WorkflowRow> workflows;
  std::vector<SnapshotRow> snapshots;
  std::vector<ExecutionRow> executions;
  std::vector<TaskRow> tasks;
  std::vector<TaskExecutionRow> task_executions;
  std::vector<RuleStateRow> rule_states;
  std::vector<CauseRow> causes;
  std::vector<ScheduleRow> schedules;
  std::vector<TriggerRow> triggers;
  std::vector<PoolRow> pools;
  std::vector<StateRow> states;
  std::vector<EvaluationRow> evaluations;
  std::vector<DeadLetterRow> dead_letters;
  std::vector<OutboxRow> outbox;
  std::vector<ReplyRow> replies;
  std::vector<ExecutionRow> ended;
  std::vector<TaskExecutionRow> old_runs;
  std::vector<std::string> digests;
  std::optional<Offset> oldest_needed;
  friend bool operator==(const QueriedRows&, const QueriedRows&) = default;

  /// Ids and offsets below the limits.
  static QueriedRows Of(const Queries& queries, int64_t workflows, int64_t executions,
                        Offset replies);
};

/// Batches of random changes: puts of all kinds, also of rows that are there, and all erasures.
class RandomChanges {
 public:
  explicit RandomChanges(uint64_t seed) : random_(seed) {}

  /// `offset` is the event's; the batch has up to 20 changes.
  std::vector<Change> Batch(Offset offset);

  [[nodiscard]] int64_t workflows() const { return counters_.workflow + 1; }
  [[nodiscard]] int64_t executions() const { return counters_.execution + 1; }

 private:
  int64_t Below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }
  /// An id from 1 to `last`; `last` must be positive.
  int64_t Old(int64_t last) { return 1 + Below(last); }
  std::string Text();

  void PutWorkflow(std::vector<Change>* out);
  void PutExecution(std::vector<Change>* out, Offset offset);
  void PutTask(std::vector<Change>* out, Offset offset);
  void PutRuleState(std::vector<Change>* out);
  void PutOutbox(std::vector<Change>* out, Offset offset);
  void PutSchedule(std::vector<Change>* out);
  void PutTrigger(std::vector<Change>* out, Offset offset);
  void PutState(std::vector<Change>* out);
  void PutEvaluation(std::vector<Change>* out, Offset offset);
  void PutDeadLetter(std::vector<Change>* out, Offset offset);
  void PutSuspension(std::vector<Change>* out, Offset offset);
  void PutNewKinds(std::vector<Change>* out, Offset offset);
  Event AnEvent(Offset offset);
  void Erase(std::vector<Change>* out);
  void EraseNewKinds(std::vector<Change>* out);

  std::mt19937_64 random_;
  CountersRow counters_;
  std::vector<ExecutionRow> executions_;           // by id - 1, as first put
  std::vector<WorkflowRow> workflows_;             // by id - 1
  std::vector<SnapshotRow> snapshots_;             // by id - 1
  std::vector<TaskExecutionRow> task_executions_;  // by id - 1
  std::map<std::tuple<ExecutionId, TaskIndex>, TaskRow> tasks_;
  std::vector<ScheduleRow> schedules_;       // by id - 1
  std::vector<TriggerRow> triggers_;         // by id - 1
  std::vector<DeadLetterRow> dead_letters_;  // by id - 1
  std::vector<EvaluationRow> evaluations_;
};

}  // namespace aiflow
