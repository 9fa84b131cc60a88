#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace aiflow::cli {

/// What the options of `workflow-trigger add` say. Plain value.
struct TriggerWords {
  std::string event;                       // a key, or
  std::string condition;                   // a condition as JSON, or the file that holds it
  std::vector<std::string> value;          // at most one: what the event's value must be
  std::vector<std::string> value_members;  // POINTER=JSON
  std::vector<std::string> context;        // POINTER=JSON
};

/// The condition as JSON (docs/formats/workflow-spec.md). kInvalidArgument names what is wrong.
Result<std::string> TriggerCondition(const TriggerWords& words);

}  // namespace aiflow::cli
