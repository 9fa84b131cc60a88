#pragma once

#include <set>

#include "scheduler/draft.h"

/// What the world is told when an execution has ended: outbox rows that wait for a HookResult, are
/// tried again later when it is an error, and are given up after limits::kMaxHookTries.
namespace aiflow {

/// One row for each hook of the workflow that wants to hear of this end. REQUIRES: the execution
/// has just finished.
void SendHooks(ExecutionDraft& execution);

/// What was not told yet is never told: the executions are deleted.
void DropHooks(Draft& draft, const std::set<ExecutionId>& executions);
/// Of all executions of the workflow.
void DropHooks(Draft& draft, WorkflowId workflow);
/// Those about which something is still to be told.
std::set<ExecutionId> ExecutionsWithHooks(const Draft& draft);

}  // namespace aiflow
