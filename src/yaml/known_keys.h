#pragma once

#include <map>
#include <string>
#include <vector>

/// The keys that mappings of a workflow file may have, by the names that the mappings have in
/// docs/formats/workflow-yaml.schema.json, which is tested against them.
namespace aiflow::yaml {

std::map<std::string, std::vector<std::string>> ConditionKeys();
std::map<std::string, std::vector<std::string>> TaskKeys();
std::map<std::string, std::vector<std::string>> WorkflowKeys();

}  // namespace aiflow::yaml
