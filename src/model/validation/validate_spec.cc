#include <string>
#include <unordered_set>

#include "model/limits.h"
#include "model/spec_json.h"
#include "model/spec_problems.h"
#include "model/validation/condition_check.h"
#include "model/validation/own_tasks.h"
#include "model/validation/problems.h"
#include "model/validation/startable.h"
#include "model/validation/task_check.h"
#include "model/validation/workflow_check.h"

namespace aiflow {
namespace {

using validation::Problems;

void CheckDuplicates(const WorkflowSpec& spec, Problems& problems) {
  std::unordered_set<std::string_view> seen;
  std::unordered_set<std::string_view> reported;
  for (size_t t = 0; t < spec.tasks.size(); ++t) {
    const TaskSpec& task = spec.tasks[t];
    if (!seen.insert(task.name).second && reported.insert(task.name).second) {
      problems.About(t);
      problems.Add("task name '" + task.name + "' is used more than once");
    }
  }
}

void CheckAll(const WorkflowSpec& spec, Problems& problems) {
  const validation::OwnTasks own(spec);
  validation::CheckWorkflow(spec, problems);
  CheckDuplicates(spec, problems);
  validation::ConditionCheck conditions(spec, own, problems);
  for (size_t t = 0; t < spec.tasks.size(); ++t) {
    const TaskSpec& task = spec.tasks[t];
    problems.About(t);
    validation::CheckTask(spec, task, problems);
    for (size_t i = 0; i < task.rules.size(); ++i) {
      problems.About(t, i);
      conditions.Check("task '" + task.name.substr(0, limits::kMaxNameBytes) + "', rule " +
                           std::to_string(i + 1),
                       task.rules[i].condition);
    }
  }
  problems.About(std::nullopt);
  validation::CheckStartable(spec, own, problems);
}

}  // namespace

Status ValidateWorkflowSpec(const WorkflowSpec& spec, std::vector<std::string>* warnings) {
  Problems problems;
  CheckAll(spec, problems);
  if (warnings != nullptr) {
    const std::vector<std::string> doubts = problems.warnings();
    warnings->insert(warnings->end(), doubts.begin(), doubts.end());
  }
  return problems.ToStatus("workflow " + spec.ns + "." + spec.name);
}

std::vector<SpecProblem> FindSpecProblems(const WorkflowSpec& spec) {
  Problems problems;
  CheckAll(spec, problems);
  return problems.problems();
}

std::vector<SpecProblem> FindStuckTasks(const WorkflowSpec& spec) {
  Problems problems;
  validation::CheckStartable(spec, validation::OwnTasks(spec), problems);
  return problems.problems();
}

}  // namespace aiflow
