#pragma once

#include <string>

#include "model/workflow_spec.h"

/// Leaves of conditions as people read them. Pure.
namespace aiflow::api {

/// "event temperature (value /celsius >= 30 and sender = probe)".
std::string EventText(const ConditionSpec& leaf);

/// "condition fresh on event a or b".
std::string CustomText(const ConditionSpec& leaf);

}  // namespace aiflow::api
