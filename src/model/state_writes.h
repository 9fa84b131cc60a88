#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace aiflow {

/// What an answer does to one state of its scope.
struct StateWrite {
  std::string name;
  std::optional<std::string> value;  // nothing: cleared
  friend bool operator==(const StateWrite&, const StateWrite&) = default;
};

/// Reads EvaluationAnswer::states_json, in the order of the names; empty means none.
/// kInvalidArgument when it is malformed, a name is empty or too long, or all of it takes more than
/// kMaxStateBytes.
Result<std::vector<StateWrite>> ParseStateWrites(std::string_view json);

}  // namespace aiflow
