#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "model/workflow_spec.h"

namespace aiflow {

/// One thing that is wrong with a specification, and which part of it is to blame: for those who
/// know where that part was written. Plain value.
struct SpecProblem {
  std::string text;            // one line
  std::optional<size_t> task;  // index
  std::optional<size_t> rule;  // index within the task
};

/// What ValidateWorkflowSpec refuses the specification for; empty when it does not.
std::vector<SpecProblem> FindSpecProblems(const WorkflowSpec& spec);

/// Of these only that tasks can never start, as far as the specification could be read: it may be
/// wrong in every other way, and what is missing in a condition counts as possible.
std::vector<SpecProblem> FindStuckTasks(const WorkflowSpec& spec);

}  // namespace aiflow
