#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "model/spec_json.h"
#include "model/workflow_spec.h"

/// Short words for specifications, for tests.
namespace aiflow::validation {

inline ConditionSpec OnEvent(std::string key) {
  ConditionSpec condition;
  condition.key = std::move(key);
  return condition;
}
inline ConditionSpec OnStatus(std::string task, TaskStatus status = TaskStatus::kSuccess,
                              std::string workflow = "w") {
  ConditionSpec condition;
  condition.kind = ConditionKind::kTaskStatus;
  condition.ns = "default";
  condition.workflow = std::move(workflow);
  condition.task = std::move(task);
  condition.status = status;
  return condition;
}
inline ConditionSpec Compose(ConditionKind kind, std::vector<ConditionSpec> children) {
  ConditionSpec condition;
  condition.kind = kind;
  condition.children = std::move(children);
  return condition;
}
inline TaskSpec Task(std::string name, std::vector<ConditionSpec> starts = {}) {
  TaskSpec task;
  task.name = std::move(name);
  task.command = "true";
  for (ConditionSpec& condition : starts) {
    task.rules.push_back({TaskAction::kStart, std::move(condition)});
  }
  return task;
}
inline ConditionSpec After(const std::string& task) {
  return Compose(ConditionKind::kAllTaskStatus, {OnStatus(task)});
}
inline WorkflowSpec Workflow(std::vector<TaskSpec> tasks) {
  WorkflowSpec spec;
  spec.name = "w";
  spec.tasks = std::move(tasks);
  return spec;
}
/// The message with which the workflow is refused.
inline std::string Refusal(const WorkflowSpec& spec) {
  const Status status = ValidateWorkflowSpec(spec, nullptr);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  return status.message();
}

/// The warnings of a workflow that is accepted.
inline std::vector<std::string> Doubts(const WorkflowSpec& spec) {
  std::vector<std::string> warnings;
  const Status status = ValidateWorkflowSpec(spec, &warnings);
  EXPECT_TRUE(status.ok()) << status;
  return warnings;
}

}  // namespace aiflow::validation
