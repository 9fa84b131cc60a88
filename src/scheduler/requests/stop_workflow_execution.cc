#include "model/event_keys.h"
#include "scheduler/parts.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/stop_execution.h"

namespace aiflow {
namespace {

bool Stop(ExecutionDraft& execution) {
  return StopExecution(execution, StopCause::kRequest,
                       "stopped by " + RequestText(execution.draft()));
}

/// Executions of the workflow that take no requests now.
int64_t CountSuspended(const Draft& draft, WorkflowId workflow) {
  int64_t suspended = 0;
  for (const auto& [receiver, suspension] : draft.state().suspensions) {
    const ExecutionEntry* execution = draft.state().FindExecution(receiver.first);
    if (execution != nullptr && execution->row.workflow_id == workflow) ++suspended;
  }
  return suspended;
}

}  // namespace

void Handle(Draft& draft, const StopWorkflowExecution& request) {
  const std::string subject = "workflow execution " + std::to_string(request.execution_id);
  ExecutionDraft* execution = draft.FindExecution(ExecutionId(request.execution_id));
  if (execution == nullptr) {
    if (!IsFinishedOrDeleted(draft, request.execution_id)) {
      return ReplyNoExecution(draft, request.execution_id);
    }
    return draft.Reply(Code::kOk, subject + " is finished: nothing to stop", request.execution_id);
  }
  const bool stops = Stop(*execution);
  draft.Reply(Code::kOk, subject + (stops ? " is stopping" : " is stopping already"),
              request.execution_id);
}

void Handle(Draft& draft, const StopWorkflowExecutions& request) {
  const std::string ns(MatchingNamespace(request.ns));
  const WorkflowRow* workflow = draft.state().FindWorkflow(ns, request.name);
  if (workflow == nullptr) return ReplyNoWorkflow(draft, ns, request.name);
  int64_t stopping = draft.cursor().count;
  const bool all =
      VisitInParts(draft, draft.state().workflows.at(workflow->id).snapshots,
                   [&](ExecutionDraft& execution) { stopping += Stop(execution) ? 1 : 0; });
  if (!all) {
    draft.CutAndHoldBack().count = stopping;
    return;
  }
  std::string text = std::to_string(stopping) + " executions of workflow " + ns + "." +
                     request.name + " are stopping";
  if (const int64_t suspended = CountSuspended(draft, workflow->id); suspended != 0) {
    text += "; " + std::to_string(suspended) +
            " suspended ones are not: see 'aiflow event failed list', and try again then";
  }
  draft.Reply(Code::kOk, std::move(text), stopping);
}

}  // namespace aiflow
