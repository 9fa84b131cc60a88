#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/queries.h"
#include "storage/store.h"

namespace aiflow {

struct SqliteOptions {
  /// Makes the database when there is none; otherwise its absence is kFailedPrecondition.
  bool create = true;
  /// Brings an older database up to date; otherwise that is kFailedPrecondition.
  bool upgrade = false;
  size_t read_connections = 3;
  /// How long to wait for another program that has the file open (a shell, a backup).
  std::chrono::milliseconds busy_timeout{5000};
};

/// The metadata in one SQLite file (WAL, synchronous=FULL: a commit is on disk when it returns).
/// docs/formats/metadata-schema.md has the tables.
///
/// Store's methods: engine thread only. Queries' methods: thread-safe, on connections of their own,
/// beside a running commit. One process at a time has the file: a lock file `<path>.lock` beside it
/// keeps a second one out.
class SqliteStore : public Store, public Queries {
 public:
  /// kFailedPrecondition, with what to do: another process has it (its pid), written by a newer
  /// version, needs an upgrade, not ours.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::filesystem::path& path,
                                                   const SqliteOptions& options = {});

  struct SchemaVersions {
    int before = 0;  // 0: there was no database
    int after = 0;
  };
  /// Creates the database or brings it up to date. Errors as Open.
  static Result<SchemaVersions> Migrate(const std::filesystem::path& path);
  /// Removes the database with everything in it and makes a new one. Errors as Open, but for a
  /// database that cannot be read: that is what it repairs.
  static Status Reset(const std::filesystem::path& path);

  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

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
  /// Causes have no id: pages go by offset, and the causes of one offset are never parted, so a
  /// page may be a little longer than its limit.
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
  struct Rep;
  explicit SqliteStore(std::unique_ptr<Rep> rep);

  std::unique_ptr<Rep> rep_;
};

}  // namespace aiflow
