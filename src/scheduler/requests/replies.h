#pragma once

#include <string>

#include "scheduler/draft.h"

/// Refusals that several requests share; their texts are part of the public contract.
namespace aiflow {

void ReplyNoNamespace(Draft& draft, const std::string& name);
void ReplyNoWorkflow(Draft& draft, const std::string& ns, const std::string& name);
void ReplyNoExecution(Draft& draft, int64_t id);

/// Ids come from a counter: one up to it that is not in the state was finished, or deleted later.
bool IsFinishedOrDeleted(const Draft& draft, int64_t execution_id);

/// The execution with a task, for requests that start one: answers and returns null when it is not
/// running or has no such task.
ExecutionDraft* FindStartable(Draft& draft, int64_t execution_id, const std::string& task);

/// "request STOP_TASK_EXECUTION at offset 7", for cause records.
std::string RequestText(const Draft& draft);

}  // namespace aiflow
