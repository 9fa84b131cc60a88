#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/queries.h"
#include "storage/store.h"

namespace aiflow {

/// How a commit to a MemoryStore goes wrong.
enum class CommitFault {
  kNone,
  kRefused,    // kUnavailable, nothing changed
  kLostReply,  // kUnavailable, but the commit happened
};

/// The metadata in ordinary maps: the same contracts as the durable stores, for the simulator and
/// for tests. A copy is an independent store: what a crash leaves behind. One thread at a time,
/// also for Queries.
class MemoryStore : public Store, public Queries {
 public:
  /// Asked once per Commit that passes its checks.
  using FaultHook = std::function<CommitFault()>;

  /// `secret` is the store's StoreMeta::secret.
  explicit MemoryStore(std::string secret = std::string(64, '0'));

  void SetFaultHook(FaultHook hook) { fault_hook_ = std::move(hook); }

  Result<StoreMeta> Meta() const override;
  Status BindLog(const std::string& log_id) override;
  Result<Epoch> TakeLease(const std::string& holder) override;
  Status Commit(const CommitBatch& batch) override;
  Result<std::vector<Change>> Load() const override;
  Result<std::vector<Change>> LoadExecution(ExecutionId id) const override;
  Result<std::vector<Change>> LoadSnapshotUsers(
      const std::vector<SnapshotId>& snapshots) const override;
  Result<std::vector<Change>> LoadDueExecutions(WorkflowId workflow, Millis from,
                                                Millis to) const override;
  Result<std::vector<Change>> LoadWorkflowExecutions(WorkflowId workflow,
                                                     int64_t limit) const override;

  Result<std::optional<NamespaceRow>> GetNamespace(const std::string& name) const override;
  Result<std::vector<NamespaceRow>> ListNamespaces(const Page& page) const override;
  Result<std::optional<WorkflowRow>> GetWorkflow(WorkflowId id) const override;
  Result<std::optional<WorkflowRow>> FindWorkflow(const std::string& ns,
                                                  const std::string& name) const override;
  using Queries::ListExecutions;
  using Queries::ListTaskExecutions;
  using Queries::ListWorkflows;
  Result<std::vector<WorkflowRow>> ListWorkflows(const WorkflowFilter& filter,
                                                 const Page& page) const override;
  Result<std::optional<SnapshotRow>> GetSnapshot(SnapshotId id) const override;
  Result<std::vector<SnapshotRow>> ListSnapshots(WorkflowId id, const Page& page) const override;
  Result<std::optional<ExecutionRow>> GetExecution(ExecutionId id) const override;
  Result<std::vector<ExecutionRow>> ListExecutions(const ExecutionFilter& filter,
                                                   const Page& page) const override;
  Result<std::vector<TaskRow>> ListTasks(ExecutionId id) const override;
  Result<std::optional<TaskExecutionRow>> GetTaskExecution(TaskExecutionId id) const override;
  Result<std::vector<TaskExecutionRow>> ListTaskExecutions(const TaskExecutionFilter& filter,
                                                           const Page& page) const override;
  Result<std::vector<TaskExecutionRow>> LatestTaskExecutions(ExecutionId id, TaskIndex task,
                                                             int64_t limit) const override;
  Result<std::vector<RuleStateRow>> ListRuleStates(ExecutionId id) const override;
  Result<std::vector<CauseRow>> ListCauses(ExecutionId id, TaskIndex task,
                                           const Page& page) const override;
  Result<std::optional<ReplyRow>> GetReply(Offset offset) const override;
  Result<std::vector<OutboxRow>> ListOutbox(const Page& page) const override;
  Result<std::optional<ScheduleRow>> GetSchedule(ScheduleId id) const override;
  Result<std::vector<ScheduleRow>> ListSchedules(WorkflowId id, const Page& page) const override;
  Result<std::optional<TriggerRow>> GetTrigger(TriggerId id) const override;
  Result<std::vector<TriggerRow>> ListTriggers(WorkflowId id, const Page& page) const override;
  Result<std::vector<PoolRow>> ListPools(const Page& page) const override;
  Result<std::vector<DeadLetterRow>> ListDeadLetters(const Page& page) const override;
  Result<std::vector<EvaluationRow>> ListEvaluations(ExecutionId execution, WorkflowId workflow,
                                                     const Page& page) const override;
  Result<std::vector<StateRow>> ListStates(ExecutionId execution,
                                           WorkflowId workflow) const override;
  Result<std::vector<ExecutionRow>> ListEndedBefore(Millis before, int64_t limit) const override;
  Result<std::vector<TaskExecutionRow>> ListOldRuns(Millis before, int64_t limit) const override;
  Result<std::optional<Offset>> OldestNeededOffset() const override;
  Result<std::vector<std::string>> ListBlobDigests() const override;

 private:
  /// Everything that a Change can touch. Keys are tuples in the order of the durable tables' keys.
  struct Tables {
    CountersRow counters;
    CursorRow cursor;
    RecoveryRow recovery;
    std::map<std::string, NamespaceRow> namespaces;
    std::map<WorkflowId, WorkflowRow> workflows;
    std::map<std::pair<std::string, std::string>, WorkflowId> workflow_names;
    std::map<SnapshotId, SnapshotRow> snapshots;
    std::map<ExecutionId, ExecutionRow> executions;
    std::map<std::tuple<ExecutionId, TaskIndex>, TaskRow> tasks;
    std::map<TaskExecutionId, TaskExecutionRow> task_executions;
    std::map<std::tuple<ExecutionId, TaskIndex, int64_t>, TaskExecutionId> runs;
    std::map<std::tuple<ExecutionId, TaskIndex, RuleIndex>, RuleStateRow> rule_states;
    std::map<ScheduleId, ScheduleRow> schedules;
    std::map<TriggerId, TriggerRow> triggers;
    std::map<std::string, PoolRow> pools;
    std::map<std::tuple<ExecutionId, WorkflowId, std::string>, StateRow> states;
    std::map<std::tuple<ExecutionId, TriggerId, Offset, int32_t, TaskIndex>, EvaluationRow>
        evaluations;
    std::map<DeadLetterId, DeadLetterRow> dead_letters;
    std::map<std::pair<ExecutionId, WorkflowId>, SuspensionRow> suspensions;
    std::map<std::tuple<ExecutionId, WorkflowId, Offset>, HeldEventRow> held_events;
    std::map<std::tuple<ExecutionId, Offset, TaskIndex, int32_t>, CauseRow> causes;
    std::map<OutboxId, OutboxRow> outbox;
    std::map<Offset, ReplyRow> replies;

    // False: the change would alter a row's identity or break a uniqueness; a bug of the caller.
    bool Apply(const NamespaceRow& row);
    bool Apply(const WorkflowRow& row);
    bool Apply(const SnapshotRow& row);
    bool Apply(const ExecutionRow& row);
    bool Apply(const TaskRow& row);
    bool Apply(const TaskExecutionRow& row);
    bool Apply(const RuleStateRow& row);
    bool Apply(const ScheduleRow& row);
    bool Apply(const TriggerRow& row);
    bool Apply(const PoolRow& row);
    bool Apply(const StateRow& row);
    bool Apply(const EvaluationRow& row);
    bool Apply(const DeadLetterRow& row);
    bool Apply(const SuspensionRow& row);
    bool Apply(const HeldEventRow& row);
    bool Apply(const CauseRow& row);
    bool Apply(const OutboxRow& row);
    bool Apply(const ReplyRow& row);
    bool Apply(const CountersRow& row);
    bool Apply(const CursorRow& row);
    bool Apply(const RecoveryRow& row);
    bool Apply(const EraseNamespace& erase);
    bool Apply(const EraseWorkflow& erase);
    bool Apply(const EraseSnapshot& erase);
    bool Apply(const EraseExecution& erase);
    bool Apply(const EraseTaskExecution& erase);
    bool Apply(const EraseSchedule& erase);
    bool Apply(const EraseTrigger& erase);
    bool Apply(const ErasePool& erase);
    bool Apply(const EraseState& erase);
    bool Apply(const EraseEvaluation& erase);
    bool Apply(const EraseDeadLetter& erase);
    bool Apply(const EraseSuspension& erase);
    bool Apply(const EraseHeldEvent& erase);
    bool Apply(const EraseReplies& erase);
    bool Apply(const EraseOutbox& erase);

    /// Whether ApplyAll might refuse these changes; false is certain.
    [[nodiscard]] bool MightRefuse(const std::vector<Change>& changes) const;
    bool ApplyAll(const std::vector<Change>& changes);
  };

  [[nodiscard]] bool IsUnfinishedExecution(ExecutionId id) const;

  StoreMeta meta_;
  Tables tables_;
  FaultHook fault_hook_;
};

}  // namespace aiflow
