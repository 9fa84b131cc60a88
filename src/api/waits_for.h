#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/rows.h"
#include "model/workflow_spec.h"

namespace aiflow::api {

/// The latest run of a task, as far as rules look at it. Plain value.
struct LatestRun {
  TaskStatus status = TaskStatus::kInit;
  int64_t sequence = 0;
};

/// What is known of one execution when asking what its tasks wait for. The references must live as
/// long as this.
struct WaitingExecution {
  const WorkflowSpec& spec;
  /// By task index; empty = never ran.
  const std::vector<std::optional<LatestRun>>& latest;
  const std::vector<RuleStateRow>& rule_states;
};

/// What each rule that would start `task` still misses, one line per rule (rules are alternatives),
/// in declaration order: "event hour_complete", "train SUCCESS (now RUNNING)". Empty for a task
/// without such rules. Pure.
std::vector<std::string> WaitsFor(const WaitingExecution& execution, TaskIndex task);

/// The task names and event keys that the rules of `task` listen to, each once, in declaration
/// order.
std::vector<std::string> Upstream(const WorkflowSpec& spec, TaskIndex task);

}  // namespace aiflow::api
