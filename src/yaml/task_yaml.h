#pragma once

#include "model/workflow_spec.h"
#include "yaml/reading.h"

namespace aiflow::yaml {

/// Reads the tasks of a workflow, a mapping of names to tasks or a list of tasks with names.
/// Fills `reading.places`. REQUIRES: `reading.names` is complete.
std::vector<TaskSpec> ReadTasks(const Node& node, Reading& reading);

/// The names of these tasks, for `reading.names`. Says nothing of what is wrong with them.
std::vector<std::string> TaskNames(const Node& node);

}  // namespace aiflow::yaml
