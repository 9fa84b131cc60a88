#include "scheduler/parts.h"

#include <queue>
#include <utility>
#include <vector>

#include "model/limits.h"

namespace aiflow {
namespace {

/// The executions of several snapshots as one ascending sequence.
class ExecutionsInOrder {
 public:
  ExecutionsInOrder(const State::Rep& state, const std::set<SnapshotId>& snapshots,
                    ExecutionId after) {
    for (const SnapshotId id : snapshots) {
      const SnapshotEntry* snapshot = state.FindSnapshot(id);
      if (snapshot == nullptr) continue;
      Push(snapshot->executions.upper_bound(after), snapshot->executions.end());
    }
  }

  [[nodiscard]] bool done() const { return heads_.empty(); }
  /// REQUIRES: not done.
  ExecutionId Next() {
    const Range range = heads_.top();
    heads_.pop();
    Push(std::next(range.first), range.second);
    return *range.first;
  }

 private:
  using Iterator = std::set<ExecutionId>::const_iterator;
  using Range = std::pair<Iterator, Iterator>;
  struct Later {
    bool operator()(const Range& a, const Range& b) const { return *b.first < *a.first; }
  };

  void Push(Iterator begin, Iterator end) {
    if (begin != end) heads_.emplace(begin, end);
  }

  std::priority_queue<Range, std::vector<Range>, Later> heads_;
};

}  // namespace

bool PartBudget::full() const { return executions_ >= max_executions_ || full_of_rows(); }

bool PartBudget::full_of_rows() const { return rows_ >= limits::kMaxRowsPerCommit; }

bool VisitInParts(Draft& draft, const std::set<SnapshotId>& snapshots,
                  const std::function<void(ExecutionDraft&)>& visit) {
  if (draft.suspensions().replays()) {
    // It comes to one receiver only, which has waited for it.
    if (ExecutionDraft* execution = draft.FindExecution(draft.suspensions().replayed_execution()))
      visit(*execution);
    return true;
  }
  PartBudget budget(draft);
  ExecutionId last = draft.cursor().execution;
  ExecutionsInOrder executions(draft.state(), snapshots, last);
  while (!executions.done()) {
    if (budget.full()) {
      CursorRow& next = draft.Cut();
      next.execution = last;
      next.workflow = WorkflowId(draft.state().counters.workflow);  // triggers came before
      return false;
    }
    last = executions.Next();
    ExecutionDraft* execution = draft.Receive(last);
    if (execution != nullptr) visit(*execution);
    budget.Spend(execution == nullptr ? limits::kRowsOfHolding : execution->changed_rows());
  }
  return true;
}

}  // namespace aiflow
