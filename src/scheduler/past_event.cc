#include "scheduler/past_event.h"

#include <algorithm>
#include <string>

#include "model/status_changed.h"

namespace aiflow {

PastOccurrence::PastOccurrence(const EvaluationRow& entry, const WorkflowSpec* spec)
    : fields_(entry.event) {
  const Event& event = entry.event;
  if (event.kind == EventKind::kStatusChanged) occurrence_.status = StatusOf(event);
  const std::string status =
      occurrence_.status.has_value() ? std::string(TaskStatusName(*occurrence_.status)) : "";
  occurrence_.text = "event '" + event.key + "'";
  if (entry.source >= 0 && spec != nullptr) {
    const PastStatuses statuses(entry.statuses);
    occurrence_.text = "task '" + spec->tasks[static_cast<size_t>(entry.source)].name + "' " +
                       status + " (run " + std::to_string(statuses.LatestSequence(entry.source)) +
                       ")";
  } else if (!status.empty()) {
    occurrence_.text += " (" + status + ")";
  }
  // Only the leaf that is asked again sees the event of a dead letter: no key and no task match.
  if (entry.question >= 0) {
    occurrence_.status.reset();
    return;
  }
  occurrence_.key = event.key;
  occurrence_.task = entry.source;
  if (entry.source < 0) occurrence_.fields = &fields_;
}

const TaskSnapshot* PastStatuses::Find(TaskIndex task) const {
  const auto found = std::lower_bound(
      statuses_.begin(), statuses_.end(), task,
      [](const TaskSnapshot& snapshot, TaskIndex index) { return snapshot.task < index; });
  return found == statuses_.end() || found->task != task ? nullptr : &*found;
}

std::optional<TaskStatus> PastStatuses::LatestStatus(TaskIndex task) const {
  const TaskSnapshot* snapshot = Find(task);
  return snapshot == nullptr ? std::nullopt : std::optional(snapshot->status);
}

int64_t PastStatuses::LatestSequence(TaskIndex task) const {
  const TaskSnapshot* snapshot = Find(task);
  return snapshot == nullptr ? 0 : snapshot->sequence;
}

}  // namespace aiflow
