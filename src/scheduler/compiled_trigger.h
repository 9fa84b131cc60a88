#pragma once

#include <memory>

#include "model/rows.h"
#include "scheduler/condition_compiler.h"

namespace aiflow {

/// A trigger's condition, ready for the fold. Immutable. Null when the row has none, or one that
/// cannot be read.
std::unique_ptr<const CompiledCondition> CompileTrigger(const TriggerRow& row);

}  // namespace aiflow
