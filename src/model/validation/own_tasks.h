#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/workflow_spec.h"

namespace aiflow::validation {

/// The tasks of one workflow by their names. `spec` must outlive it.
class OwnTasks {
 public:
  explicit OwnTasks(const WorkflowSpec& spec);

  /// The index of the first task with this name.
  [[nodiscard]] std::optional<size_t> Find(std::string_view name) const;
  /// The task whose status changes have this event key.
  [[nodiscard]] std::optional<size_t> FindByStatusKey(std::string_view key) const;
  /// Whether a key reads like that of a status of this workflow. As names may have dots, the task
  /// may be another workflow's all the same.
  [[nodiscard]] bool IsStatusKey(std::string_view key) const;
  /// Whether a status leaf names this workflow.
  [[nodiscard]] bool IsOwn(const ConditionSpec& leaf) const;

 private:
  const WorkflowSpec& spec_;
  const std::string key_prefix_;
  std::unordered_map<std::string_view, size_t> index_;
};

}  // namespace aiflow::validation
