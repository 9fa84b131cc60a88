#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
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

// Pure functions, all of them. Times are told in UTC.

/// What each rule that would start `task` still misses, one line per rule (rules are alternatives),
/// in declaration order: "event hour_complete", "train SUCCESS (now RUNNING)". Empty for a task
/// without such rules.
std::vector<std::string> WaitsFor(const WaitingExecution& execution, TaskIndex task);

/// "an answer of condition fresh about event hour_complete #40".
std::string EvaluationWaitsFor(const WorkflowSpec& spec, const EvaluationRow& evaluation);

/// "the tick at 2026-01-31T08:15:00Z".
std::string TickWaitsFor(Millis next_tick);

/// What a live run that does not run waits for: a slot, its next try, the end of the run before it,
/// its end. Empty for every other run.
std::string RunWaitsFor(const TaskExecutionRow& run);

/// What happens to a run at its deadline; empty without one.
std::string DeadlineText(const TaskExecutionRow& run);

/// Why an execution has not begun; empty for one that has.
std::string ExecutionWaitsFor(const ExecutionRow& execution);

/// The names of the user-written conditions in the rules of `task` that are asked about events with
/// this key, each once, in declaration order: "fresh or complete". Empty for a task that the
/// specification does not have.
std::string ConditionsAbout(const WorkflowSpec& spec, TaskIndex task, const std::string& event_key);

/// The name of the user-written leaf number `question`, in depth-first order among such leaves;
/// empty when there is none.
std::string QuestionName(const ConditionSpec& condition, int32_t question);

/// The task names and event keys that the rules of `task` listen to, each once, in declaration
/// order.
std::vector<std::string> Upstream(const WorkflowSpec& spec, TaskIndex task);

}  // namespace aiflow::api
