#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "calendar/recurrence.h"
#include "model/workflow_spec.h"
#include "scheduler/condition_compiler.h"
#include "scheduler/conditions/condition.h"

namespace aiflow {

struct RuleRef {
  TaskIndex task = 0;
  RuleIndex rule = 0;
  friend auto operator<=>(const RuleRef&, const RuleRef&) = default;
};

struct CompiledRule {
  TaskAction action = TaskAction::kStart;
  std::unique_ptr<const Condition> condition;
  std::vector<Question> questions;  // its user-written leaves
};

struct CompiledTask {
  std::vector<CompiledRule> rules;
  /// No START rule, or periodic: begins with the execution.
  bool starts_alone = true;
  std::optional<Recurrence> periodic;
  /// Tasks of this workflow whose status its rules look at, ascending: it gets their outputs.
  std::set<TaskIndex> upstream;
};

/// A snapshot's specification, indexed for the fold: which rules expect which event. Immutable.
/// REQUIRES: a specification that ValidateWorkflowSpec accepted.
class CompiledWorkflow {
 public:
  explicit CompiledWorkflow(std::shared_ptr<const WorkflowSpec> spec);

  [[nodiscard]] const WorkflowSpec& spec() const { return *spec_; }
  [[nodiscard]] const std::vector<CompiledTask>& tasks() const { return tasks_; }
  [[nodiscard]] const TaskSpec& task_spec(TaskIndex task) const {
    return spec_->tasks[static_cast<size_t>(task)];
  }
  [[nodiscard]] const CompiledRule& rule(RuleRef ref) const {
    return tasks_[static_cast<size_t>(ref.task)].rules[static_cast<size_t>(ref.rule)];
  }
  [[nodiscard]] bool HasTask(TaskIndex task) const {
    return task >= 0 && static_cast<size_t>(task) < tasks_.size();
  }
  /// Some task is periodic.
  [[nodiscard]] bool has_periodic() const { return has_periodic_; }
  /// -1 when there is none.
  [[nodiscard]] TaskIndex FindTask(std::string_view name) const;

  using RulesByKey = std::unordered_map<std::string, std::vector<RuleRef>>;
  /// Rules with an event leaf of that key, ascending, each once.
  [[nodiscard]] const RulesByKey& by_event_key() const { return by_event_key_; }
  /// Rules that name the status key of a task of another workflow.
  [[nodiscard]] const RulesByKey& by_foreign_key() const { return by_foreign_key_; }
  /// Rules that listen to the status of a task of this workflow.
  [[nodiscard]] const std::vector<RuleRef>& by_status(TaskIndex task) const {
    return by_status_[static_cast<size_t>(task)];
  }

 private:
  const std::shared_ptr<const WorkflowSpec> spec_;
  std::vector<CompiledTask> tasks_;
  bool has_periodic_ = false;
  std::unordered_map<std::string_view, TaskIndex> task_index_;
  RulesByKey by_event_key_;
  RulesByKey by_foreign_key_;
  std::vector<std::vector<RuleRef>> by_status_;
};

}  // namespace aiflow
