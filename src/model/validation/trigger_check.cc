#include <string>

#include "model/limits.h"
#include "model/spec_json.h"
#include "model/validation/leaf_check.h"
#include "model/validation/problems.h"

namespace aiflow {
namespace {

using validation::Problems;

void CheckNode(const ConditionSpec& condition, size_t depth, Problems& problems) {
  if (depth > limits::kMaxConditionDepth) {
    return problems.Add("it is nested deeper than " + std::to_string(limits::kMaxConditionDepth));
  }
  switch (condition.kind) {
    case ConditionKind::kEvent: return validation::CheckEventLeaf("it", condition, problems);
    case ConditionKind::kTaskStatus: return validation::CheckStatusLeaf("it", condition, problems);
    case ConditionKind::kCustom: return validation::CheckCustomLeaf("it", condition, problems);
    case ConditionKind::kAllTaskStatus:
      return problems.Add("it has all_task_status, which joins tasks of one execution; use all_of");
    case ConditionKind::kAllOf:
    case ConditionKind::kAnyOf: break;
  }
  if (condition.children.empty()) problems.Add("it has a condition without parts");
  for (const ConditionSpec& child : condition.children) CheckNode(child, depth + 1, problems);
}

}  // namespace

Status ValidateTriggerCondition(const ConditionSpec& condition) {
  Problems problems;
  CheckNode(condition, 1, problems);
  return problems.ToStatus("condition");
}

}  // namespace aiflow
