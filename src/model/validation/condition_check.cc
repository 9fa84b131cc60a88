#include "model/validation/condition_check.h"

#include <string_view>
#include <unordered_map>

#include "model/limits.h"
#include "model/validation/leaf_check.h"

namespace aiflow::validation {

void ConditionCheck::CheckNode(const std::string& subject, const ConditionSpec& condition,
                               size_t depth) {
  if (depth > limits::kMaxConditionDepth) {
    return problems_.Add(subject + " has a condition nested deeper than " +
                         std::to_string(limits::kMaxConditionDepth));
  }
  switch (condition.kind) {
    case ConditionKind::kEvent: return CheckEvent(subject, condition);
    case ConditionKind::kTaskStatus: return CheckStatus(subject, condition);
    case ConditionKind::kCustom: return CheckCustom(subject, condition);
    case ConditionKind::kAllOf:
      if (!condition.name.empty() && !all_of_names_.insert(condition.name).second) {
        problems_.Warn(subject + ": the all_of name '" + condition.name +
                       "' is used more than once; each keeps its own state here");
      }
      CheckContradiction(subject, condition);
      break;
    case ConditionKind::kAnyOf: break;
    case ConditionKind::kAllTaskStatus: CheckJoin(subject, condition); break;
  }
  if (condition.children.empty()) problems_.Add(subject + " has a condition without parts");
  for (const ConditionSpec& child : condition.children) CheckNode(subject, child, depth + 1);
}

void ConditionCheck::CheckEvent(const std::string& subject, const ConditionSpec& leaf) {
  CheckEventLeaf(subject, leaf, problems_);
  CheckOwnStatusKey(subject, leaf.key);
  if (!leaf.filters.empty() && own_.FindByStatusKey(leaf.key).has_value()) {
    problems_.Add(subject +
                  " filters the status events of a task of its own workflow, which have " +
                  "nothing to filter: use a task_status condition");
  }
}

void ConditionCheck::CheckStatus(const std::string& subject, const ConditionSpec& leaf) {
  CheckStatusLeaf(subject, leaf, problems_);
  if (!own_.IsOwn(leaf)) return;
  const auto task = own_.Find(leaf.task);
  if (!task.has_value()) {
    problems_.Add(subject + " names the task '" + leaf.task +
                  "', which this workflow does not have");
  } else if (leaf.status == TaskStatus::kRetrying && spec_.tasks[*task].retry.retries == 0) {
    problems_.Warn(subject + " waits for task '" + leaf.task +
                   "' being RETRYING, which never happens: it has no retries");
  }
}

void ConditionCheck::CheckCustom(const std::string& subject, const ConditionSpec& leaf) {
  CheckCustomLeaf(subject, leaf, problems_);
  for (const std::string& key : leaf.event_keys) CheckOwnStatusKey(subject, key);
  if (spec_.host.language.empty()) {
    problems_.Add(subject + " has the user-written condition '" + leaf.name +
                  "', which needs a host, and the workflow names none");
  }
}

void ConditionCheck::CheckOwnStatusKey(const std::string& subject, const std::string& key) {
  if (own_.IsStatusKey(key) && !own_.FindByStatusKey(key).has_value()) {
    problems_.Warn(subject + " listens to '" + key +
                   "', the status of a task that this workflow does not have");
  }
}

void ConditionCheck::CheckJoin(const std::string& subject, const ConditionSpec& join) {
  for (const ConditionSpec& child : join.children) {
    if (child.kind != ConditionKind::kTaskStatus || !own_.IsOwn(child)) {
      return problems_.Add(subject + ": all_task_status may have only task_status conditions of " +
                           spec_.ns + "." + spec_.name);
    }
  }
  CheckContradiction(subject, join);
}

void ConditionCheck::CheckContradiction(const std::string& subject, const ConditionSpec& all) {
  std::unordered_map<std::string_view, TaskStatus> wanted;
  for (const ConditionSpec& child : all.children) {
    if (child.kind != ConditionKind::kTaskStatus || !own_.IsOwn(child)) continue;
    const auto [entry, is_new] = wanted.emplace(child.task, child.status);
    if (is_new || entry->second == child.status) continue;
    return problems_.Add(subject + " can never be met: task '" + child.task + "' is never " +
                         std::string(TaskStatusName(entry->second)) + " and " +
                         std::string(TaskStatusName(child.status)) + " at once");
  }
}

}  // namespace aiflow::validation
