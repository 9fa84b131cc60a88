#include "model/event_keys.h"
#include "model/params.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/start_execution.h"

namespace aiflow {

void Handle(Draft& draft, const StartWorkflowExecution& request) {
  const WorkflowRow* workflow = FindWorkflow(draft, request.workflow_id, request.ns, request.name);
  if (workflow == nullptr) return;
  const std::string refused = "Start workflow execution failed. ";
  const Result<const SnapshotEntry*> snapshot =
      FindStartableSnapshot(draft, *workflow, SnapshotId(request.snapshot_id));
  if (!snapshot.has_value()) {
    return draft.Reply(snapshot.error().code(), refused + snapshot.error().message());
  }
  Result<std::string> params =
      ResolveParams((*snapshot)->compiled->spec().params, request.params_json);
  if (!params.has_value()) {
    return draft.Reply(params.error().code(), refused + "Workflow " + workflow->ns + "." +
                                                  workflow->name + ": " + params.error().message());
  }
  StartOptions options;
  options.params_json = std::move(*params);
  options.why = RequestText(draft);
  const ExecutionRow& row = StartExecution(draft, *workflow, **snapshot, std::move(options)).row();
  const bool waits = row.status == ExecutionStatus::kInit;
  draft.Reply(Code::kOk,
              "workflow execution " + std::to_string(row.id.value()) + " " +
                  (waits ? row.reason : "started"),
              row.id.value());
}

}  // namespace aiflow
