#include "api/execution_snapshot.h"

#include <algorithm>
#include <utility>

#include "model/event_keys.h"

namespace aiflow::api {
namespace {

/// A task whose latest run has not ended waits for nothing.
bool IsWaiting(const ExecutionSnapshot::Task& task) {
  return task.latest.empty() || IsFinished(task.latest.front().status);
}

}  // namespace

Result<WorkflowRow> FindWorkflow(const Queries& queries, const std::string& ns,
                                 const std::string& name) {
  auto row = queries.FindWorkflow(std::string(MatchingNamespace(ns)), name);
  if (!row.has_value()) return Error(row.error());
  if (!row->has_value()) {
    return Error(Code::kNotFound, "Workflow " + ns + "." + name + " not exists");
  }
  return **std::move(row);
}

Result<ExecutionWithWorkflow> FindExecution(const Queries& queries, ExecutionId id) {
  auto execution = queries.GetExecution(id);
  if (!execution.has_value()) return Error(execution.error());
  if (!execution->has_value()) {
    return Error(Code::kNotFound,
                 "Workflow execution " + std::to_string(id.value()) + " not exists");
  }
  auto workflow = queries.GetWorkflow((*execution)->workflow_id);
  if (!workflow.has_value()) return Error(workflow.error());
  if (!workflow->has_value()) {
    return Error(Code::kNotFound, "Workflow execution " + std::to_string(id.value()) +
                                      " not exists: its workflow was deleted");
  }
  return ExecutionWithWorkflow{**std::move(execution), **std::move(workflow)};
}

Result<TaskIndex> FindTask(const WorkflowSpec& spec, const std::string& name) {
  const auto found = std::find_if(spec.tasks.begin(), spec.tasks.end(),
                                  [&](const TaskSpec& task) { return task.name == name; });
  if (found != spec.tasks.end()) return static_cast<TaskIndex>(found - spec.tasks.begin());
  std::string known;
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < std::min(spec.tasks.size(), kShown); ++i) {
    known.append(i == 0 ? "" : ", ").append(spec.tasks[i].name);
  }
  if (spec.tasks.size() > kShown) known.append(", ...");
  return Error(Code::kNotFound, "workflow " + spec.ns + "." + spec.name + " has no task " + name +
                                    "; its tasks are " + known);
}

Result<std::shared_ptr<const WorkflowSpec>> SpecOf(const Queries& queries, SpecCache& specs,
                                                   const ExecutionRow& execution) {
  auto snapshot = queries.GetSnapshot(execution.snapshot_id);
  if (!snapshot.has_value()) return Error(snapshot.error());
  if (!snapshot->has_value()) {
    return Error(
        Code::kNotFound,
        "Workflow snapshot " + std::to_string(execution.snapshot_id.value()) + " not exists");
  }
  return specs.Get((*snapshot)->spec_digest);
}

Result<ExecutionSnapshot> ReadExecution(const Queries& queries, SpecCache& specs, ExecutionId id,
                                        int64_t runs_per_task) {
  Result<ExecutionWithWorkflow> found = FindExecution(queries, id);
  if (!found.has_value()) return Error(found.error());
  ExecutionSnapshot result;
  result.execution = std::move(found->execution);
  result.workflow = std::move(found->workflow);
  auto spec = SpecOf(queries, specs, result.execution);
  if (!spec.has_value()) return Error(spec.error());
  result.spec = *std::move(spec);
  result.tasks.resize(result.spec->tasks.size());

  auto rows = queries.ListTasks(id);
  if (!rows.has_value()) return Error(rows.error());
  std::vector<std::optional<LatestRun>> latest(result.tasks.size());
  for (TaskRow& row : *rows) {
    const auto at = static_cast<size_t>(row.task);
    if (at >= result.tasks.size()) continue;
    auto runs = queries.LatestTaskExecutions(id, row.task, runs_per_task);
    if (!runs.has_value()) return Error(runs.error());
    if (!runs->empty()) latest[at] = LatestRun{runs->front().status, runs->front().sequence};
    result.tasks[at].latest = *std::move(runs);
    result.tasks[at].row = std::move(row);
  }
  if (IsFinished(result.execution.status)) return result;

  auto states = queries.ListRuleStates(id);
  if (!states.has_value()) return Error(states.error());
  for (size_t i = 0; i < result.tasks.size(); ++i) {
    if (!IsWaiting(result.tasks[i])) continue;
    result.tasks[i].waits_for =
        WaitsFor({*result.spec, latest, *states}, static_cast<TaskIndex>(i));
  }
  return result;
}

}  // namespace aiflow::api
