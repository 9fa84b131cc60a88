#pragma once

#include "model/workflow_spec.h"
#include "yaml/reading.h"

namespace aiflow::yaml {

/// Reads a condition: an event key, or a mapping of one of the forms in docs/authoring-yaml.md.
ConditionSpec ReadCondition(const Node& node, Reading& reading);

/// The join of tasks of this workflow that must all have succeeded: a name or a list of names.
ConditionSpec ReadAllSucceeded(const Node& node, Reading& reading);

/// Whether `node` names a task of this workflow; if not, says so, with the nearest name.
bool CheckTaskName(const Node& node, Reading& reading);

}  // namespace aiflow::yaml
