#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "executor/task_executor.h"

namespace aiflow {

struct RoutingExecutorOptions {
  std::string attempts_dir;  // that of all of them
  /// Executors that are gone for good, as an operator says: what is theirs ends FAILED.
  std::set<std::string> abandoned;
  /// Lines for the operator.
  std::function<void(const std::string& line)> warn = [](const std::string&) {};
};

/// Several executors as one: each attempt goes to the one that its specification names; "" and
/// "local" are the local one. One that cannot be opened keeps nobody else from working.
///
/// An attempt of an executor that is not configured:
/// - new, it is refused: the local executor claims it and reports FAILED (or STOPPED), so that no
///   later server starts it;
/// - expected by Open, it may be claimed where nobody can ask: Open fails with kFailedPrecondition,
///   unless the executor is abandoned.
/// Thread-safe. The executors outlive it.
class RoutingExecutor final : public TaskExecutor {
 public:
  RoutingExecutor(TaskExecutor& local, std::map<std::string, TaskExecutor*> others,
                  RoutingExecutorOptions options);

  Status Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) override;
  void Start(AttemptSpec spec) override;
  void Stop(const AttemptSpec& spec) override;
  void Forget(const AttemptKey& key) override;
  std::string LogPath(const AttemptKey& key) const override { return local_.LogPath(key); }
  int64_t running() const override;
  void Close() override;

 private:
  /// Null: it is not configured.
  TaskExecutor* Named(const std::string& name) const;
  TaskExecutor* Known(const AttemptKey& key) const;
  void Remember(const AttemptKey& key, TaskExecutor* executor);
  Status Distribute(std::vector<ExpectedAttempt> expected,
                    std::map<TaskExecutor*, std::vector<ExpectedAttempt>>* shares);

  TaskExecutor& local_;
  const std::map<std::string, TaskExecutor*> others_;
  const RoutingExecutorOptions options_;
  mutable std::mutex mutex_;                             // guards what follows
  std::unordered_map<std::string, TaskExecutor*> live_;  // by text form of the key
};

}  // namespace aiflow
