#include "engine/run_lookup.h"

#include "base/check.h"
#include "model/event_keys.h"
#include "model/requests.h"

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
  return RunRows{*workflow, *snapshot, snapshot->row, *execution, run->second};
}

AttemptInputs InputsOf(const RunRows& rows, const Event& cause) {
  AttemptInputs inputs;
  inputs.params_json = rows.execution.row.params_json;
  inputs.due = rows.execution.row.due;
  // A tick of the task itself says more than the due time of its execution.
  if (cause.kind == EventKind::kInternal && cause.key == kSchedulingEventKey) {
    const Result<Request> request = ParseRequest(cause);
    const auto* timer = request.has_value() ? std::get_if<TimerFired>(&*request) : nullptr;
    if (timer != nullptr && timer->kind == TimerKind::kTick) inputs.due = Millis(timer->due_ms);
  }
  if (rows.snapshot_entry.compiled == nullptr) return inputs;
  const CompiledWorkflow& workflow = *rows.snapshot_entry.compiled;
  const ExecutionDetail& detail = *rows.execution.detail;
  for (const TaskIndex task : workflow.tasks()[static_cast<size_t>(rows.run.task)].upstream) {
    const auto row = detail.tasks.find(task);
    if (row == detail.tasks.end()) continue;
    const auto run = detail.runs.find({task, row->second.latest});
    if (run == detail.runs.end() || run->second.status != TaskStatus::kSuccess) continue;
    if (!run->second.output.empty()) inputs.outputs[run->second.task_name] = run->second.output;
  }
  return inputs;
}

}  // namespace aiflow
