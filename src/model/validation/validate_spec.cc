#include <string>
#include <unordered_set>

#include "model/limits.h"
#include "model/spec_json.h"
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
  for (const TaskSpec& task : spec.tasks) {
    if (!seen.insert(task.name).second && reported.insert(task.name).second) {
      problems.Add("task name '" + task.name + "' is used more than once");
    }
  }
}

}  // namespace

Status ValidateWorkflowSpec(const WorkflowSpec& spec, std::vector<std::string>* warnings) {
  Problems problems;
  const validation::OwnTasks own(spec);
  validation::CheckWorkflow(spec, problems);
  CheckDuplicates(spec, problems);
  validation::ConditionCheck conditions(spec, own, problems);
  for (const TaskSpec& task : spec.tasks) {
    validation::CheckTask(spec, task, problems);
    for (size_t i = 0; i < task.rules.size(); ++i) {
      conditions.Check("task '" + task.name.substr(0, limits::kMaxNameBytes) + "', rule " +
                           std::to_string(i + 1),
                       task.rules[i].condition);
    }
  }
  // Whether a task can start is known only when every reference is.
  if (problems.empty()) validation::CheckStartable(spec, own, problems);
  if (warnings != nullptr) {
    const std::vector<std::string> doubts = problems.warnings();
    warnings->insert(warnings->end(), doubts.begin(), doubts.end());
  }
  return problems.ToStatus("workflow " + spec.ns + "." + spec.name);
}

}  // namespace aiflow
