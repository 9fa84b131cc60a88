#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/rows.h"

namespace aiflow {

/// Keyset page: rows with id > `after` (or name > `after_name`), ascending, at most `limit`.
/// `skip` serves the offset paging of old clients.
struct Page {
  int64_t after = 0;
  std::string after_name;
  int64_t skip = 0;
  int64_t limit = 100;
  /// Ids descend, and `after`, unless 0, is above them. Where a list says that it knows this.
  bool descending = false;
};

/// A set of values of a small enumeration: bit n for the value n. 0 stands for all.
using ValueSet = uint32_t;

struct WorkflowFilter {
  std::string ns;             // empty: all
  std::string name_contains;  // empty: any
};
struct ExecutionFilter {
  WorkflowId workflow;     // invalid: of every workflow
  std::string ns;          // empty: of every namespace
  ValueSet statuses = 0;   // of ExecutionStatus
  ValueSet run_types = 0;  // of RunType
};
struct TaskExecutionFilter {
  ExecutionId execution;
  TaskIndex task = -1;    // negative: all tasks
  ValueSet statuses = 0;  // of TaskStatus
};

/// Reads of committed rows for the API. Thread-safe; never blocks the engine's commits for long.
/// Not found is an empty optional, never an error.
class Queries {
 public:
  virtual ~Queries() = default;

  virtual Result<std::optional<NamespaceRow>> GetNamespace(const std::string& name) const = 0;
  virtual Result<std::vector<NamespaceRow>> ListNamespaces(const Page& page) const = 0;

  virtual Result<std::optional<WorkflowRow>> GetWorkflow(WorkflowId id) const = 0;
  virtual Result<std::optional<WorkflowRow>> FindWorkflow(const std::string& ns,
                                                          const std::string& name) const = 0;
  /// Also descending.
  virtual Result<std::vector<WorkflowRow>> ListWorkflows(const WorkflowFilter& filter,
                                                         const Page& page) const = 0;
  /// Empty namespace = all.
  Result<std::vector<WorkflowRow>> ListWorkflows(const std::string& ns, const Page& page) const {
    return ListWorkflows(WorkflowFilter{ns, ""}, page);
  }

  virtual Result<std::optional<SnapshotRow>> GetSnapshot(SnapshotId id) const = 0;
  virtual Result<std::vector<SnapshotRow>> ListSnapshots(WorkflowId id, const Page& page) const = 0;

  virtual Result<std::optional<ExecutionRow>> GetExecution(ExecutionId id) const = 0;
  /// Also descending.
  virtual Result<std::vector<ExecutionRow>> ListExecutions(const ExecutionFilter& filter,
                                                           const Page& page) const = 0;
  Result<std::vector<ExecutionRow>> ListExecutions(WorkflowId id, const Page& page) const {
    return ListExecutions(ExecutionFilter{id, "", 0, 0}, page);
  }

  virtual Result<std::vector<TaskRow>> ListTasks(ExecutionId id) const = 0;
  virtual Result<std::optional<TaskExecutionRow>> GetTaskExecution(TaskExecutionId id) const = 0;
  /// Also descending.
  virtual Result<std::vector<TaskExecutionRow>> ListTaskExecutions(
      const TaskExecutionFilter& filter, const Page& page) const = 0;
  /// Negative task = all tasks.
  Result<std::vector<TaskExecutionRow>> ListTaskExecutions(ExecutionId id, TaskIndex task,
                                                           const Page& page) const {
    return ListTaskExecutions(TaskExecutionFilter{id, task, 0}, page);
  }
  /// The last `limit` runs of a task, latest first.
  virtual Result<std::vector<TaskExecutionRow>> LatestTaskExecutions(ExecutionId id, TaskIndex task,
                                                                     int64_t limit) const = 0;
  virtual Result<std::vector<RuleStateRow>> ListRuleStates(ExecutionId id) const = 0;
  /// Negative task = all tasks; ordered by offset.
  virtual Result<std::vector<CauseRow>> ListCauses(ExecutionId id, TaskIndex task,
                                                   const Page& page) const = 0;
  virtual Result<std::optional<ReplyRow>> GetReply(Offset offset) const = 0;
  virtual Result<std::vector<OutboxRow>> ListOutbox(const Page& page) const = 0;

  virtual Result<std::optional<ScheduleRow>> GetSchedule(ScheduleId id) const = 0;
  virtual Result<std::vector<ScheduleRow>> ListSchedules(WorkflowId id, const Page& page) const = 0;
  virtual Result<std::optional<TriggerRow>> GetTrigger(TriggerId id) const = 0;
  virtual Result<std::vector<TriggerRow>> ListTriggers(WorkflowId id, const Page& page) const = 0;
  virtual Result<std::vector<PoolRow>> ListPools(const Page& page) const = 0;
  virtual Result<std::vector<DeadLetterRow>> ListDeadLetters(const Page& page) const = 0;
  /// What waits for answers of user-written conditions, in order; of an execution, or (invalid id)
  /// of the triggers of a workflow. Pages go by offset (`after`), and the rows of one offset are
  /// never parted, so a page may be longer than its limit.
  virtual Result<std::vector<EvaluationRow>> ListEvaluations(ExecutionId execution,
                                                             WorkflowId workflow,
                                                             const Page& page) const = 0;
  /// The states of an execution, or (invalid id) of a workflow, by name.
  virtual Result<std::vector<StateRow>> ListStates(ExecutionId execution,
                                                   WorkflowId workflow) const = 0;

  /// For retention: finished executions that ended before `before`, oldest first.
  virtual Result<std::vector<ExecutionRow>> ListEndedBefore(Millis before, int64_t limit) const = 0;
  /// Runs that ended before `before` inside unfinished executions and that no TaskRow names as
  /// latest, current or successor; of each task in the order of their sequence. Of a task's such
  /// runs at least the first `limit` are looked at.
  virtual Result<std::vector<TaskExecutionRow>> ListOldRuns(Millis before, int64_t limit) const = 0;
  /// The lowest event offset that an outbox row, a waiting evaluation, a kept start, a run that has
  /// not begun (INIT, QUEUED, RETRYING) or an execution that has not (INIT) names; nothing when
  /// there is none. Retention keeps that event.
  virtual Result<std::optional<Offset>> OldestNeededOffset() const = 0;
  /// Digests of all blobs that some row names.
  virtual Result<std::vector<std::string>> ListBlobDigests() const = 0;
};

}  // namespace aiflow
