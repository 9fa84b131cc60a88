#include "engine/commit_effects.h"

#include <algorithm>
#include <set>

namespace aiflow {
namespace {

/// Sorts the changes of one batch into its effects.
struct Collector {
  CommitEffects& effects;
  std::set<OutboxId>& erased;

  void operator()(const OutboxRow& row) { effects.outbox.push_back(row); }
  void operator()(const EraseOutbox& erase) { erased.insert(erase.id); }
  void operator()(const ReplyRow& row) { effects.replies.push_back(row); }
  void operator()(const ExecutionRow& row) {
    effects.touched.push_back(row.id);
    if (IsFinished(row.status)) effects.ended_executions[row.id] = row.status;
  }
  void operator()(const EraseExecution& erase) { effects.touched.push_back(erase.id); }
  void operator()(const TaskRow& row) { effects.touched.push_back(row.execution_id); }
  void operator()(const CauseRow& row) { effects.touched.push_back(row.execution_id); }
  void operator()(const RuleStateRow& row) { effects.touched.push_back(row.execution_id); }
  void operator()(const EvaluationRow& row) {
    if (row.execution_id.valid()) effects.touched.push_back(row.execution_id);
  }
  void operator()(const TaskExecutionRow& row) {
    effects.touched.push_back(row.execution_id);
    // A try that has ended is over, also when another one follows.
    if (IsFinished(row.status) || row.status == TaskStatus::kRetrying) {
      effects.ended.push_back(row.attempt());
    }
  }
  template <typename Row>
  void operator()(const Row& /*row*/) {}
};

}  // namespace

CommitEffects EffectsOf(std::span<const Change> changes) {
  CommitEffects effects;
  std::set<OutboxId> erased;
  Collector collect{effects, erased};
  for (const Change& change : changes) std::visit(collect, change);

  effects.erased.assign(erased.begin(), erased.end());
  if (!erased.empty()) {
    std::erase_if(effects.outbox, [&](const OutboxRow& row) { return erased.contains(row.id); });
  }
  std::ranges::sort(effects.touched);
  const auto repeated = std::ranges::unique(effects.touched);
  effects.touched.erase(repeated.begin(), repeated.end());
  return effects;
}

}  // namespace aiflow
