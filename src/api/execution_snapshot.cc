#include "api/execution_snapshot.h"

#include <algorithm>
#include <utility>

#include "model/event_keys.h"

namespace aiflow::api {
namespace {

// Of those that wait, the ones that come next are of interest.
constexpr int64_t kShownEvaluations = 20;

bool IsLive(const ExecutionSnapshot::Task& task) {
  return !task.latest.empty() && !IsFinished(task.latest.front().status);
}

bool HasCustom(const ConditionSpec& condition) {
  return condition.kind == ConditionKind::kCustom ||
         std::any_of(condition.children.begin(), condition.children.end(), HasCustom);
}

/// Only user-written conditions make events wait.
bool HasCustom(const WorkflowSpec& spec) {
  return std::any_of(spec.tasks.begin(), spec.tasks.end(), [](const TaskSpec& task) {
    return std::any_of(task.rules.begin(), task.rules.end(),
                       [](const RuleSpec& rule) { return HasCustom(rule.condition); });
  });
}

/// What one task waits for: the answers about it, then what would start it, or its live run.
std::vector<std::string> LinesOf(const ExecutionSnapshot& snapshot,
                                 const WaitingExecution& execution, TaskIndex index) {
  const ExecutionSnapshot::Task& task = snapshot.tasks[static_cast<size_t>(index)];
  std::vector<std::string> lines;
  for (const EvaluationRow& row : snapshot.evaluations) {
    if (row.task == index) lines.push_back(EvaluationWaitsFor(*snapshot.spec, row));
  }
  if (IsLive(task)) {
    std::string text = RunWaitsFor(task.latest.front());
    if (!text.empty()) lines.push_back(std::move(text));
    return lines;
  }
  for (std::string& line : WaitsFor(execution, index)) lines.push_back(std::move(line));
  if (task.row.has_value() && task.row->next_tick != Millis(0)) {
    lines.push_back(TickWaitsFor(task.row->next_tick));
  }
  return lines;
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
  if (HasCustom(*result.spec)) {
    Page page;
    page.limit = kShownEvaluations;
    auto evaluations = queries.ListEvaluations(id, WorkflowId(), page);
    if (!evaluations.has_value()) return Error(evaluations.error());
    result.evaluations = *std::move(evaluations);
  }
  const WaitingExecution waiting{*result.spec, latest, *states};
  for (size_t i = 0; i < result.tasks.size(); ++i) {
    result.tasks[i].waits_for = LinesOf(result, waiting, static_cast<TaskIndex>(i));
  }
  return result;
}

}  // namespace aiflow::api
