#pragma once

#include <map>
#include <span>
#include <vector>

#include "model/rows.h"

namespace aiflow {

/// What remains to be done once a batch of changes is committed.
struct CommitEffects {
  std::vector<OutboxRow> outbox;     // in order, without those the batch itself erased
  std::vector<OutboxId> erased;      // outbox rows
  std::vector<AttemptKey> ended;     // attempts whose final status is committed
  std::vector<ReplyRow> replies;     // ascending by offset
  std::vector<ExecutionId> touched;  // ascending, each once
  std::map<ExecutionId, ExecutionStatus> ended_executions;
};

CommitEffects EffectsOf(std::span<const Change> changes);

}  // namespace aiflow
