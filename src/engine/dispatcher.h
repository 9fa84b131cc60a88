#pragma once

#include <deque>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/reporter.h"
#include "engine/run_lookup.h"
#include "executor/task_executor.h"
#include "model/rows.h"
#include "scheduler/state.h"
#include "storage/log_handle.h"

namespace aiflow {

/// Hands committed start and stop rows to the executor, in order. What cannot be planned is
/// reported FAILED with the reason; what cannot be planned yet waits and holds nothing else up.
/// Engine thread only.
class Dispatcher {
 public:
  Dispatcher(const LogHandle& log, TaskExecutor& executor, AttemptPlanner& planner)
      : log_(log), executor_(executor), planner_(planner) {}

  /// `epoch` stamps every command from now on; `reporter` outlives the dispatcher.
  void Begin(Epoch epoch, Reporter& reporter);

  /// Takes a committed kStartAttempt or kStopAttempt row.
  void Enqueue(OutboxRow row) { queue_.push_back(std::move(row)); }
  void Clear() {
    queue_.clear();
    deferred_.clear();
  }

  /// Hands over what is queued. `batch` are the events of the last commit, to spare reading them
  /// again. An error (the log cannot be read) leaves the rest queued.
  Status Flush(const State& state, std::span<const Event> batch);

  /// Starts wait for what their plan needs: they are tried again after Retry.
  [[nodiscard]] bool has_deferred() const { return !deferred_.empty(); }
  void Retry();

  /// What a new server expects to be alive: `outbox` are the start and stop rows of the store,
  /// `runs` the task executions that are not finished.
  Result<std::vector<ExpectedAttempt>> Expected(const State& state,
                                                const std::vector<OutboxRow>& outbox,
                                                const std::vector<TaskExecutionRow>& runs);

 private:
  /// False: its plan is not ready yet.
  Result<bool> Start(const State& state, const AttemptKey& attempt, std::span<const Event> batch);
  void Stop(const State& state, const AttemptKey& attempt);
  /// What stops or adopts an attempt without starting it.
  AttemptSpec Outline(const AttemptKey& attempt, const RunRows& rows) const;
  Result<Result<AttemptSpec>> PlanAttempt(const RunRows& rows, std::span<const Event> batch);
  Result<Event> ReadCause(Offset offset, std::span<const Event> batch) const;

  const LogHandle& log_;
  TaskExecutor& executor_;
  AttemptPlanner& planner_;
  Reporter* reporter_ = nullptr;
  Epoch epoch_ = 0;
  std::deque<OutboxRow> queue_;
  std::vector<OutboxRow> deferred_;  // starts
};

}  // namespace aiflow
