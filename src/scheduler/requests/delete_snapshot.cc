#include <string>
#include <vector>

#include "model/event_keys.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {
namespace {

std::string Text(ExecutionId id) { return "workflow execution " + std::to_string(id.value()); }

/// Who uses a snapshot; empty: nobody. One that has ended uses it too, as it can be reopened.
std::string UserOf(const Draft& draft, const SnapshotEntry& snapshot) {
  if (!snapshot.executions.empty()) return Text(*snapshot.executions.begin());
  const ExecutionRow* ended = draft.FinishedUserOf(snapshot.row.id);
  return ended == nullptr ? "" : Text(ended->id) + ", which has ended but can be reopened";
}

/// The newest of the others becomes the latest.
void PutLatestWithout(Draft& draft, const WorkflowEntry& workflow, SnapshotId deleted) {
  if (workflow.row.latest_snapshot != deleted) return;
  WorkflowRow row = workflow.row;
  row.latest_snapshot = SnapshotId();
  for (const SnapshotId other : workflow.snapshots) {
    if (other != deleted) row.latest_snapshot = other;
  }
  draft.Put(std::move(row));
}

/// Empty when none does.
std::string Stay(const std::vector<std::pair<SnapshotId, std::string>>& used) {
  if (used.empty()) return "";
  const std::string first =
      "snapshot " + std::to_string(used[0].first.value()) + " is in use by " + used[0].second;
  if (used.size() == 1) return first;
  return first + ", and " + std::to_string(used.size() - 1) + " more are in use";
}

}  // namespace

void Handle(Draft& draft, const DeleteSnapshot& request) {
  const SnapshotId id(request.snapshot_id);
  const std::string subject = "Workflow snapshot " + std::to_string(request.snapshot_id);
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(id);
  if (snapshot == nullptr || !snapshot->row.id.valid()) {
    return draft.Reply(Code::kNotFound, subject + " not exists");
  }
  if (const std::string user = UserOf(draft, *snapshot); !user.empty()) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " is in use by " + user + "; delete that first");
  }
  PutLatestWithout(draft, draft.state().workflows.at(snapshot->row.workflow_id), id);
  draft.Put(EraseSnapshot{id});
  draft.Reply(Code::kOk, subject + " deleted", request.snapshot_id);
}

void Handle(Draft& draft, const DeleteSnapshots& request) {
  const std::string ns(MatchingNamespace(request.ns));
  const WorkflowRow* row = draft.state().FindWorkflow(ns, request.name);
  if (row == nullptr) return ReplyNoWorkflow(draft, ns, request.name);
  const WorkflowEntry& workflow = *draft.state().FindWorkflowEntry(row->id);
  std::vector<std::pair<SnapshotId, std::string>> used;
  int64_t deleted = 0;
  for (const SnapshotId id : workflow.snapshots) {
    if (id == row->latest_snapshot) continue;
    std::string user = UserOf(draft, *draft.state().FindSnapshot(id));
    if (!user.empty()) {
      used.emplace_back(id, std::move(user));
      continue;
    }
    draft.Put(EraseSnapshot{id});
    ++deleted;
  }
  std::string stay = Stay(used);
  if (row->latest_snapshot.valid()) {
    stay += std::string(stay.empty() ? "" : "; ") + "snapshot " +
            std::to_string(row->latest_snapshot.value()) +
            " is the latest, which new executions use";
  }
  draft.Reply(Code::kOk, std::move(stay), deleted);
}

}  // namespace aiflow
