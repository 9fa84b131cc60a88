#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/task_status.h"

namespace aiflow {

/// A value that custom conditions keep between events, stored with the answer they give: never
/// before, never without it. At most 1 MiB of bytes; a larger one is an error of the condition. A
/// handle, valid while the question is answered.
class ValueState {
 public:
  /// The bytes; nothing when there are none.
  [[nodiscard]] std::optional<std::string> Value() const;
  void Update(std::string bytes);
  void Clear();

  // The same for numbers, which are kept as decimal text.
  [[nodiscard]] int64_t Integer(int64_t otherwise = 0) const;
  [[nodiscard]] double Number(double otherwise = 0) const;
  void UpdateInteger(int64_t value);
  void UpdateNumber(double value);
  /// Keeps the text of a JSON value; one that is not JSON is an error of the condition.
  void UpdateJson(std::string json);

 private:
  friend class ConditionContext;
  ValueState(class ConditionStates& states, std::string name)
      : states_(&states), name_(std::move(name)) {}

  ConditionStates* states_;
  std::string name_;
};

/// What a custom condition sees beside the event: its execution as of the event.
class ConditionContext {
 public:
  ~ConditionContext();
  ConditionContext(const ConditionContext&) = delete;
  ConditionContext& operator=(const ConditionContext&) = delete;

  [[nodiscard]] const std::string& ns() const { return ns_; }
  [[nodiscard]] const std::string& workflow() const { return workflow_; }
  [[nodiscard]] int64_t execution_id() const { return execution_id_; }
  [[nodiscard]] int64_t snapshot_id() const { return snapshot_id_; }
  /// Status of the latest run of a task; nothing when it never ran.
  [[nodiscard]] std::optional<TaskStatus> task_status(const std::string& task) const;
  /// A parameter of the execution: a text as it is, anything else as JSON.
  [[nodiscard]] std::optional<std::string> param(const std::string& name) const;

  /// The value of that name. All conditions of the execution share their states.
  [[nodiscard]] ValueState State(std::string name);

 private:
  friend class ConditionQuestion;
  ConditionContext();

  std::string ns_;
  std::string workflow_;
  int64_t execution_id_ = 0;
  int64_t snapshot_id_ = 0;
  std::map<std::string, TaskStatus> statuses_;
  std::map<std::string, std::string> params_;
  std::unique_ptr<ConditionStates> states_;
};

}  // namespace aiflow
