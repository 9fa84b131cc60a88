#pragma once

#include <cstddef>
#include <functional>
#include <set>

#include "scheduler/draft.h"

namespace aiflow {

/// How much of one kind a part of a decision may do. At least one step always fits.
class PartBudget {
 public:
  explicit PartBudget(const Draft& draft) : max_executions_(draft.max_executions()) {}

  [[nodiscard]] bool full() const;
  /// Too many rows for another step, even of an execution that was counted before.
  [[nodiscard]] bool full_of_rows() const;
  /// One execution, for which so many rows were changed.
  void Spend(size_t rows) {
    ++executions_;
    rows_ += rows;
  }
  void SpendRows(size_t rows) { rows_ += rows; }

 private:
  const size_t max_executions_;
  size_t executions_ = 0;
  size_t rows_ = 0;
};

/// Visits the unfinished executions of the snapshots in the order of their ids, beginning behind
/// the decision's cursor. False: the part is full and the decision is cut here; its next part goes
/// on behind the last one that was visited. Who is visited does not depend on where it is cut:
/// what an event itself has created or begun says so in its row, and `visit` passes it over.
bool VisitInParts(Draft& draft, const std::set<SnapshotId>& snapshots,
                  const std::function<void(ExecutionDraft&)>& visit);

}  // namespace aiflow
