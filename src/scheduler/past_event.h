#pragma once

#include <optional>
#include <vector>

#include "model/event_match.h"
#include "model/rows.h"
#include "scheduler/conditions/condition.h"

namespace aiflow {

/// What the rules see of an event that has waited. `entry` must outlive it.
class PastOccurrence {
 public:
  /// `spec`: of the execution whose rules look at it; null for a trigger.
  PastOccurrence(const EvaluationRow& entry, const WorkflowSpec* spec);
  PastOccurrence(const PastOccurrence&) = delete;
  PastOccurrence& operator=(const PastOccurrence&) = delete;

  [[nodiscard]] const Occurrence& get() const { return occurrence_; }

 private:
  EventFields fields_;
  Occurrence occurrence_;
};

/// The tasks of an execution as of an event that has waited. `statuses`, ascending, must outlive
/// it.
class PastStatuses final : public TaskStatuses {
 public:
  explicit PastStatuses(const std::vector<TaskSnapshot>& statuses) : statuses_(statuses) {}

  [[nodiscard]] std::optional<TaskStatus> LatestStatus(TaskIndex task) const override;
  [[nodiscard]] int64_t LatestSequence(TaskIndex task) const override;

 private:
  [[nodiscard]] const TaskSnapshot* Find(TaskIndex task) const;

  const std::vector<TaskSnapshot>& statuses_;
};

}  // namespace aiflow
