#include "scheduler/requests/handlers.h"

namespace aiflow {

void Handle(Draft& draft, const DeleteSnapshot& request) {
  const SnapshotId id(request.snapshot_id);
  const std::string subject = "Workflow snapshot " + std::to_string(request.snapshot_id);
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(id);
  if (snapshot == nullptr || !snapshot->row.id.valid()) {
    return draft.Reply(Code::kNotFound, subject + " not exists");
  }
  if (!snapshot->executions.empty()) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " is in use by workflow execution " +
                           std::to_string(snapshot->executions.begin()->value()));
  }
  const WorkflowEntry& workflow = draft.state().workflows.at(snapshot->row.workflow_id);
  if (workflow.row.latest_snapshot == id) {
    // The newest of the others becomes the latest.
    WorkflowRow row = workflow.row;
    row.latest_snapshot = SnapshotId();
    for (const SnapshotId other : workflow.snapshots) {
      if (other != id) row.latest_snapshot = other;
    }
    draft.Put(std::move(row));
  }
  draft.Put(EraseSnapshot{id});
  draft.Reply(Code::kOk, subject + " deleted", request.snapshot_id);
}

}  // namespace aiflow
