#pragma once

#include <string>

#include "base/status.h"
#include "model/spec_json/object_reader.h"
#include "model/workflow_spec.h"

namespace aiflow::spec_json {

/// Reads a condition that is `depth` levels below its rule; the rule's own is at 1. What is nested
/// deeper than kMaxConditionDepth is refused, not descended into.
ConditionSpec ReadCondition(const Json& json, const std::string& path, size_t depth,
                            Status& status);
OrderedJson WriteCondition(const ConditionSpec& condition);

}  // namespace aiflow::spec_json
