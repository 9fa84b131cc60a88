#include "scheduler/requests/erase_workflow.h"

#include <set>
#include <variant>

#include "scheduler/hooks.h"

namespace aiflow {

bool EraseInParts(Draft& draft, WorkflowId workflow) {
  if (draft.loaded().size() < draft.max_executions()) {
    DropHooks(draft, workflow);
    draft.Put(EraseWorkflow{workflow});
    return true;
  }
  std::set<ExecutionId> executions;
  for (const Change& row : draft.loaded()) executions.insert(std::get<ExecutionRow>(row).id);
  DropHooks(draft, executions);
  for (const ExecutionId id : executions) draft.Put(EraseExecution{id});
  draft.Cut();
  return false;
}

}  // namespace aiflow
