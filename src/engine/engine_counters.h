#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/duration_histogram.h"
#include "engine/engine.h"
#include "model/execution_status.h"
#include "model/task_status.h"

namespace aiflow {

/// What an EngineLoop has done since its start, for the operator's metrics. Written by the engine's
/// thread, read by any.
struct EngineCounters {
  std::atomic<int64_t> events = 0;
  std::atomic<int64_t> commits = 0;
  std::atomic<int64_t> failed_commits = 0;
  std::atomic<int64_t> dropped_reports = 0;
  /// Announced changes of the status of tasks, by TaskStatus; each once.
  std::array<std::atomic<int64_t>, 8> status_changes{};
  /// Ends of executions, by ExecutionStatus; a reopened one ends again.
  std::array<std::atomic<int64_t>, 6> ended_executions{};
  DurationHistogram batch;    // of a step that committed: read, decide, commit, act
  DurationHistogram decided;  // of an event, from its time in the log until it is committed

  /// `now` is the wall clock.
  void Note(const CommitNews& news, Millis now);
  void Note(const EngineStats& stats);
};

}  // namespace aiflow
