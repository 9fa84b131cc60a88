#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "chaos.h"
#include "engine/hook_sender.h"
#include "model/hook_call.h"
#include "model/rows.h"

namespace aiflow::sim {

/// Watches what the world is told of ends: for each end one row for each hook that wants it, none
/// told before its commit, none gone before it was told, given up or deleted, each end under one
/// key of its own.
class HookChecker {
 public:
  explicit HookChecker(Chaos& chaos) : chaos_(chaos) {}

  void BeginBatch();
  void Take(const OutboxRow& row);
  void Take(const EraseOutbox& erase);
  void Take(const CauseRow& row);
  /// An execution of `spec` has ended; `again`: not for the first time.
  void Ended(const ExecutionRow& row, const WorkflowSpec& spec, bool again);
  /// `gone`: executions that were removed, also by this batch.
  void EndBatch(const std::set<ExecutionId>& gone);

  /// The world is told.
  void OnTold(const HookDelivery& delivery);
  /// Something is still to be told.
  [[nodiscard]] bool has_hooks() const;

 private:
  struct Hook {
    HookCall call;
    int64_t told = 0;
    bool erased = false;
  };
  /// An end that a hook is to be told: execution, hook, status, time.
  using End = std::tuple<ExecutionId, int32_t, ExecutionStatus, int64_t>;

  Chaos& chaos_;
  std::map<OutboxId, Hook> hooks_;        // ever
  std::map<OutboxId, std::string> keys_;  // under which they were told
  std::set<std::string> used_keys_;
  // Of the batch that is being taken.
  std::multiset<End> ends_;
  std::multiset<End> to_tell_;
  std::set<OutboxId> erased_;
  std::multiset<ExecutionId> given_up_;
};

}  // namespace aiflow::sim
