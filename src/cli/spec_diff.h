#pragma once

#include <string>
#include <vector>

namespace aiflow::cli {

/// What differs between two specifications (docs/formats/workflow-spec.md), as lines for people:
/// members of the workflow, then task by task in the order of the second one, removed tasks last.
/// Empty when they mean the same. Pure.
std::vector<std::string> SpecDiff(const std::string& before_json, const std::string& after_json);

}  // namespace aiflow::cli
