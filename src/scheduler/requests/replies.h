#pragma once

#include <string>

#include "scheduler/draft.h"

/// Refusals that several requests share; their texts are part of the public contract.
namespace aiflow {

void ReplyNoNamespace(Draft& draft, const std::string& name);
void ReplyNoWorkflow(Draft& draft, const std::string& ns, const std::string& name);
void ReplyNoExecution(Draft& draft, int64_t id);

/// The workflow with this id, or by name when the id is 0: answers and returns null when there is
/// none.
const WorkflowRow* FindWorkflow(Draft& draft, int64_t id, const std::string& ns,
                                const std::string& name);

/// Ids come from a counter: one up to it that is not in the state was finished, or deleted later.
bool IsFinishedOrDeleted(const Draft& draft, int64_t execution_id);

/// The execution that a request wants to run tasks of, running or finished (OpenForTasks makes it
/// run). Otherwise answers, beginning with `refused`, and returns null.
ExecutionDraft* FindForTasks(Draft& draft, int64_t execution_id, const std::string& refused);

/// The place of a task; answers and returns -1 when there is none.
TaskIndex FindTaskOf(Draft& draft, const ExecutionDraft& execution, const std::string& task,
                     const std::string& refused);

/// The request is accepted: a finished execution is reopened. `what` is about to happen, for
/// people. True when it was finished.
bool OpenForTasks(ExecutionDraft& execution, const std::string& what);

/// "request STOP_TASK_EXECUTION at offset 7", for cause records.
std::string RequestText(const Draft& draft);

}  // namespace aiflow
