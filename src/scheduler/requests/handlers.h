#pragma once

#include <memory>

#include "model/requests.h"
#include "scheduler/draft.h"

namespace aiflow {

/// One handler per request, each in a file of its own. Every one of them answers with exactly one
/// ReplyRow; a refusal changes nothing else.

void Handle(Draft& draft, const AddNamespace& request);
void Handle(Draft& draft, const UpdateNamespace& request);
void Handle(Draft& draft, const DeleteNamespace& request);
/// Id: the workflow. Detail: {"snapshot_id":N} when a snapshot was made. `spec` is the blob that
/// the request names, null when it names none.
void Handle(Draft& draft, const UploadWorkflow& request, std::shared_ptr<const WorkflowSpec> spec);
/// Id: the snapshot.
void Handle(Draft& draft, const AddSnapshot& request, std::shared_ptr<const WorkflowSpec> spec);
void Handle(Draft& draft, const DeleteSnapshot& request);
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

}  // namespace aiflow
