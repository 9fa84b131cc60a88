#include "scheduler/events/own_status.h"

#include <string>

#include "model/event_keys.h"
#include "scheduler/rules.h"

namespace aiflow {

void LetRulesSee(ExecutionDraft& execution, const TaskExecutionRow& run) {
  if (!execution.running()) return;
  const WorkflowSpec& spec = execution.workflow().spec();
  const TaskIndex task = run.task;
  const std::string& name = execution.TaskName(task);
  const std::string key = StatusChangedKey(spec.ns, spec.name, name);
  Occurrence occurrence;
  occurrence.key = key;
  occurrence.task = task;
  occurrence.status = run.status;
  occurrence.text = "task '" + name + "' " + std::string(TaskStatusName(run.status)) + " (run " +
                    std::to_string(run.sequence) + ")";
  ApplyRules(execution, occurrence, execution.workflow().by_status(task));
}

}  // namespace aiflow
