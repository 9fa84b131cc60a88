#include "engine/run_lookup.h"

#include "base/check.h"
#include "scheduler/state_rep.h"

namespace aiflow {

std::optional<RunRows> FindRun(const State& state, const AttemptKey& attempt) {
  const ExecutionEntry* execution = state.rep().FindExecution(attempt.execution);
  if (execution == nullptr || execution->detail == nullptr) return std::nullopt;
  const auto& runs = execution->detail->runs;
  const auto run = runs.find(RunKey{attempt.task, attempt.sequence});
  if (run == runs.end() || run->second.try_number != attempt.try_number) return std::nullopt;
  const WorkflowRow* workflow = state.rep().FindWorkflow(execution->row.workflow_id);
  const SnapshotEntry* snapshot = state.rep().FindSnapshot(execution->row.snapshot_id);
  CHECK(workflow != nullptr && snapshot != nullptr)
      << "execution " << attempt.execution << " has no workflow or snapshot";
  return RunRows{*workflow, snapshot->row, run->second};
}

}  // namespace aiflow
