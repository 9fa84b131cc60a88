#include "model/validation/own_tasks.h"

#include "model/event_keys.h"

namespace aiflow::validation {

OwnTasks::OwnTasks(const WorkflowSpec& spec)
    : spec_(spec), key_prefix_(StatusChangedKey(spec.ns, spec.name, "")) {
  for (size_t i = 0; i < spec.tasks.size(); ++i) index_.emplace(spec.tasks[i].name, i);
}

std::optional<size_t> OwnTasks::Find(std::string_view name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::optional<size_t> OwnTasks::FindByStatusKey(std::string_view key) const {
  if (!IsStatusKey(key)) return std::nullopt;
  return Find(key.substr(key_prefix_.size()));
}

bool OwnTasks::IsStatusKey(std::string_view key) const { return key.starts_with(key_prefix_); }

bool OwnTasks::IsOwn(const ConditionSpec& leaf) const {
  return leaf.ns == spec_.ns && leaf.workflow == spec_.name;
}

}  // namespace aiflow::validation
