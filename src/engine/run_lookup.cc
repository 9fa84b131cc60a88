#include "engine/run_lookup.h"

#include <utility>
#include <variant>

namespace aiflow {

std::optional<RunRows> FindRun(const State& state, const AttemptKey& attempt) {
  std::optional<RunRows> found;
  const std::vector<Change> rows = state.Dump();
  ExecutionRow execution;
  for (const Change& row : rows) {
    if (const auto* run = std::get_if<TaskExecutionRow>(&row)) {
      if (run->attempt() == attempt) found.emplace().run = *run;
    } else if (const auto* candidate = std::get_if<ExecutionRow>(&row)) {
      if (candidate->id == attempt.execution) execution = *candidate;
    }
  }
  if (!found.has_value()) return found;
  for (const Change& row : rows) {
    if (const auto* snapshot = std::get_if<SnapshotRow>(&row)) {
      if (snapshot->id == execution.snapshot_id) found->snapshot = *snapshot;
    } else if (const auto* workflow = std::get_if<WorkflowRow>(&row)) {
      if (workflow->id == execution.workflow_id) found->workflow = *workflow;
    }
  }
  return found;
}

}  // namespace aiflow
