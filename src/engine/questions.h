#pragma once

#include <deque>
#include <functional>
#include <set>
#include <string>

#include "base/status.h"
#include "engine/condition_evaluator.h"
#include "model/requests.h"
#include "scheduler/evaluations.h"
#include "storage/queries.h"

namespace aiflow {

/// Hands committed questions to the evaluator, in order, with the states of their scope. Of each
/// scope one question is in flight, and only its answer changes the scope's states: what the store
/// says at the hand-over is what the condition has to see. Engine thread only.
class Questions {
 public:
  /// Takes an answer to the log; called from any thread.
  using Sink = std::function<void(Event)>;

  /// Without an evaluator questions stay in the outbox, for a server that has one.
  void SetEvaluator(ConditionEvaluator& evaluator, const Queries& queries);
  /// A new recovery: nothing is in flight.
  void Begin(Sink sink);

  /// Takes a committed kEvaluate row. One that was handed over already is left alone.
  void Enqueue(const OutboxRow& row);
  /// The row's erasure is committed: it was answered, or nobody waits for it any more.
  void Erased(OutboxId row);
  /// After a rebuild: only rows that are still in the store matter.
  void Retain(const std::set<OutboxId>& rows);

  /// Hands over what is queued. An error (the states cannot be read) leaves the rest queued.
  Status Flush(const State& state);

 private:
  Result<ConditionQuestion> Complete(const State& state, const OutboxRow& row,
                                     const QuestionInFlight& found) const;

  ConditionEvaluator* evaluator_ = nullptr;
  const Queries* queries_ = nullptr;
  Sink sink_;
  std::deque<OutboxRow> queue_;
  std::set<OutboxId> asked_;
};

}  // namespace aiflow
