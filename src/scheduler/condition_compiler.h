#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/workflow_spec.h"
#include "scheduler/conditions/condition.h"

namespace aiflow {

/// A user-written leaf: what its host is asked about. Leaves are numbered in depth-first order.
struct Question {
  std::string name;               // for people
  std::vector<std::string> keys;  // of the events that it is asked about
};

/// A condition made ready for the fold, and what it listens to, each once.
struct CompiledCondition {
  std::unique_ptr<const Condition> condition;
  std::vector<std::string> event_keys;
  std::vector<std::string> foreign_keys;  // status keys of other workflows' tasks
  std::vector<TaskIndex> own_tasks;       // tasks of this workflow whose status it looks at
  std::vector<Question> questions;
};

/// Compiles the conditions of one workflow. REQUIRES: conditions that validation accepted.
class ConditionCompiler {
 public:
  /// Of the rules of a workflow. `spec` must outlive the compiler.
  explicit ConditionCompiler(const WorkflowSpec& spec);
  /// Of triggers: no task is their own.
  ConditionCompiler() = default;

  [[nodiscard]] CompiledCondition Compile(const ConditionSpec& condition) const;

 private:
  struct Work;
  std::unique_ptr<const Condition> Node(const ConditionSpec& condition, Work& work) const;
  std::unique_ptr<const Condition> Event(const ConditionSpec& condition, Work& work) const;
  std::unique_ptr<const Condition> Status(const ConditionSpec& condition, Work& work) const;
  std::unique_ptr<const Condition> Join(const ConditionSpec& condition, Work& work) const;
  std::unique_ptr<const Condition> Custom(const ConditionSpec& condition, Work& work) const;
  /// Notes what `key` belongs to; the own task whose status key it is, or -1.
  TaskIndex Listen(const std::string& key, Work& work) const;
  [[nodiscard]] TaskIndex OwnTask(const ConditionSpec& leaf) const;

  const WorkflowSpec* spec_ = nullptr;
  std::unordered_map<std::string, TaskIndex> own_status_keys_;
};

}  // namespace aiflow
