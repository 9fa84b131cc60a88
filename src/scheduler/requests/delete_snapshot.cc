#include "model/event_keys.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {

void Handle(Draft& draft, const DeleteSnapshots& request) {
  const std::string ns(MatchingNamespace(request.ns));
  const WorkflowRow* row = draft.state().FindWorkflow(ns, request.name);
  if (row == nullptr) return ReplyNoWorkflow(draft, ns, request.name);
  const WorkflowEntry& workflow = *draft.state().FindWorkflowEntry(row->id);
  std::string stay;
  int64_t deleted = 0;
  for (const SnapshotId id : workflow.snapshots) {
    const SnapshotEntry* snapshot = draft.state().FindSnapshot(id);
    const std::string name = "snapshot " + std::to_string(id.value());
    if (!snapshot->executions.empty()) {
      if (stay.empty()) {
        stay = name + " is in use by workflow execution " +
               std::to_string(snapshot->executions.begin()->value());
      }
    } else if (id == row->latest_snapshot) {
      if (stay.empty()) stay = name + " is the latest, which new executions use";
    } else {
      draft.Put(EraseSnapshot{id});
      ++deleted;
    }
  }
  draft.Reply(Code::kOk, std::move(stay), deleted);
}

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
