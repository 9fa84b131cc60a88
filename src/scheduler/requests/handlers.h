#pragma once

#include <memory>

#include "model/requests.h"
#include "scheduler/draft.h"

namespace aiflow {

/// One handler per request, each in a file of its own. Every one of them answers with exactly one
/// ReplyRow; a refusal changes nothing else.

void Handle(Draft& draft, const AddNamespace& request);
void Handle(Draft& draft, const UpdateNamespace& request);
/// Id: how many workflows went with it.
void Handle(Draft& draft, const DeleteNamespace& request);
/// Id: the workflow. Detail: {"snapshot_id":N} when a snapshot was made. `spec` is the blob that
/// the request names, null when it names none.
void Handle(Draft& draft, const UploadWorkflow& request, std::shared_ptr<const WorkflowSpec> spec);
/// Id: the snapshot.
void Handle(Draft& draft, const AddSnapshot& request, std::shared_ptr<const WorkflowSpec> spec);
void Handle(Draft& draft, const DeleteSnapshot& request);
/// Id: how many were deleted. The latest, and those that an execution uses, stay: the message says
/// so, and is empty when none stays.
void Handle(Draft& draft, const DeleteSnapshots& request);
void Handle(Draft& draft, const SetWorkflowEnabled& request);
void Handle(Draft& draft, const DeleteWorkflow& request);
/// Id: the new execution.
void Handle(Draft& draft, const StartWorkflowExecution& request);
void Handle(Draft& draft, const StopWorkflowExecution& request);
/// Id: how many are stopping because of this request.
void Handle(Draft& draft, const StopWorkflowExecutions& request);
void Handle(Draft& draft, const DeleteWorkflowExecution& request);
/// Id: the task execution, detail {"sequence":N}. A start that is kept for later (on_alive=queue)
/// has no run yet: id 0, detail {"sequence":0,"queued":N}.
void Handle(Draft& draft, const StartTaskExecution& request);
void Handle(Draft& draft, const RestartTaskExecution& request);
/// Message "nothing to stop" when there was nothing.
void Handle(Draft& draft, const StopTaskExecution& request);

/// Of a finished execution the engine has loaded the rows (DecideInput::loaded). Id: how many tasks
/// start.
void Handle(Draft& draft, const RerunTasks& request);
/// Id: the task execution that was recorded.
void Handle(Draft& draft, const MarkTask& request);

/// Id: the schedule. Detail: {"next_due_ms":N}.
void Handle(Draft& draft, const AddSchedule& request);
void Handle(Draft& draft, const DeleteSchedule& request);
/// Id: how many were deleted.
void Handle(Draft& draft, const DeleteSchedules& request);
void Handle(Draft& draft, const SetSchedulePaused& request);
/// Id: how many executions were started (or would be). Detail: {"due_ms":[...],"executions":[...]}.
void Handle(Draft& draft, const BackfillSchedule& request);
/// Id: the trigger.
void Handle(Draft& draft, const AddTrigger& request);
void Handle(Draft& draft, const DeleteTrigger& request);
/// Id: how many were deleted.
void Handle(Draft& draft, const DeleteTriggers& request);
void Handle(Draft& draft, const SetTriggerPaused& request);
void Handle(Draft& draft, const SetPool& request);
void Handle(Draft& draft, const DeletePool& request);

/// What the engine itself says; nobody reads the reply of these.
void Handle(Draft& draft, const TimerFired& request);
void Handle(Draft& draft, const EvaluationAnswer& request);
void Handle(Draft& draft, const ReplayHeld& request);
void Handle(Draft& draft, const HookResult& request);
/// Id: how many rows were removed.
void Handle(Draft& draft, const RetireRows& request);

/// Id: the dead letter.
void Handle(Draft& draft, const RetryDeadLetter& request);
void Handle(Draft& draft, const DropDeadLetter& request);

}  // namespace aiflow
