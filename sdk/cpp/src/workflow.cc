#include "aiflow/workflow.h"

namespace aiflow {

Condition Condition::Event(std::string key) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kEvent;
  spec.key = std::move(key);
  return Condition(std::move(spec));
}

Condition Condition::Status(const Task& task, TaskStatus status) {
  const WorkflowSpec& flow = task.workflow().spec();
  return Status(flow.ns, flow.name, task.spec().name, status);
}

Condition Condition::Status(std::string ns, std::string workflow, std::string task,
                            TaskStatus status) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kTaskStatus;
  spec.ns = std::move(ns);
  spec.workflow = std::move(workflow);
  spec.task = std::move(task);
  spec.status = status;
  return Condition(std::move(spec));
}

Condition Condition::AllOf(std::string name, std::vector<Condition> children) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kAllOf;
  spec.name = std::move(name);
  for (Condition& child : children) spec.children.push_back(std::move(child.spec_));
  return Condition(std::move(spec));
}

Condition Condition::AnyOf(std::vector<Condition> children) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kAnyOf;
  for (Condition& child : children) spec.children.push_back(std::move(child.spec_));
  return Condition(std::move(spec));
}

Condition Condition::AllStatus(const std::vector<std::pair<const Task*, TaskStatus>>& tasks) {
  ConditionSpec spec;
  spec.kind = ConditionKind::kAllTaskStatus;
  for (const auto& [task, status] : tasks) spec.children.push_back(Status(*task, status).spec_);
  return Condition(std::move(spec));
}

Workflow::Workflow(std::string name, std::string ns) {
  spec_.name = std::move(name);
  spec_.ns = std::move(ns);
}

Workflow& Workflow::KeepOpen(bool keep_open) {
  spec_.keep_open = keep_open;
  return *this;
}

Workflow& Workflow::Config(const std::string& key, std::string json) {
  spec_.config[key] = std::move(json);
  return *this;
}

const TaskFunction* Workflow::function(const std::string& task) const {
  for (size_t i = 0; i < spec_.tasks.size(); ++i) {
    if (spec_.tasks[i].name == task) return functions_[i] ? &functions_[i] : nullptr;
  }
  return nullptr;
}

Task::Task(Workflow& flow, TaskSpec spec, TaskFunction function)
    : flow_(&flow), index_(flow.spec_.tasks.size()) {
  flow.spec_.tasks.push_back(std::move(spec));
  flow.functions_.push_back(std::move(function));
}

Task& Task::When(const Condition& condition, TaskAction action) {
  mutable_spec().rules.push_back(RuleSpec{action, condition.spec()});
  return *this;
}

Task& Task::StartAfter(std::initializer_list<std::reference_wrapper<const Task>> upstream) {
  std::vector<std::pair<const Task*, TaskStatus>> tasks;
  for (const Task& task : upstream) tasks.emplace_back(&task, TaskStatus::kSuccess);
  return StartOn(Condition::AllStatus(tasks));
}

Task& Task::OnAlive(enum OnAlive on_alive) {
  mutable_spec().on_alive = on_alive;
  return *this;
}

Task& Task::MaxPendingStarts(int64_t limit) {
  mutable_spec().max_pending_starts = limit;
  return *this;
}

Task& Task::Optional(bool optional) {
  mutable_spec().optional = optional;
  return *this;
}

Task& Task::StopGrace(Millis grace) {
  mutable_spec().stop_grace = grace;
  return *this;
}

Task& Task::Env(const std::string& name, std::string value) {
  mutable_spec().env[name] = std::move(value);
  return *this;
}

namespace {

TaskSpec NamedTask(std::string name, OperatorKind op, std::string command) {
  TaskSpec spec;
  spec.name = std::move(name);
  spec.op = op;
  spec.command = std::move(command);
  return spec;
}

}  // namespace

BashTask::BashTask(Workflow& flow, std::string name, std::string command)
    : Task(flow, NamedTask(std::move(name), OperatorKind::kBash, std::move(command)), nullptr) {}

FunctionTask::FunctionTask(Workflow& flow, std::string name, TaskFunction function)
    : Task(flow, NamedTask(std::move(name), OperatorKind::kHost, ""), std::move(function)) {}

}  // namespace aiflow
