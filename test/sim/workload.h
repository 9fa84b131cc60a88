#pragma once

#include <string>
#include <vector>

#include "model/event.h"
#include "model/ids.h"
#include "model/workflow_spec.h"
#include "sim_random.h"

namespace aiflow::sim {

/// How many random workflows there are, by index.
inline constexpr int kWorkflows = 3;
/// No more schedules, nor triggers, are added.
inline constexpr int64_t kMaxStarters = 16;

/// The pool that some tasks take slots of.
inline constexpr const char* kPool = "p";
/// An executor beside the local one.
inline constexpr const char* kFarm = "farm";

/// A random valid workflow: `index` names it, `others` are the names of workflows whose tasks its
/// rules may listen to.
WorkflowSpec RandomWorkflow(SimRandom& random, int index, int workflows);

/// A random user event: a small pool of keys, sometimes confined to one of `executions`.
Event RandomEvent(SimRandom& random, const std::vector<ExecutionId>& executions);

inline std::string WorkflowName(int64_t index) { return "w" + std::to_string(index); }
inline std::string TaskName(int64_t index) { return "t" + std::to_string(index); }

}  // namespace aiflow::sim
