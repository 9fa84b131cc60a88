#include "aiflow/workflow.h"

#include <nlohmann/json.hpp>

namespace aiflow {
namespace {

template <typename T>
std::string DefaultText(const std::optional<T>& value) {
  if (!value.has_value()) return "";
  return nlohmann::json(*value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

TaskSpec NamedTask(std::string name, OperatorKind op, std::string command) {
  TaskSpec spec;
  spec.name = std::move(name);
  spec.op = op;
  spec.command = std::move(command);
  return spec;
}

}  // namespace

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

Workflow& Workflow::ExecutionTimeout(Millis timeout) {
  spec_.execution_timeout = timeout;
  return *this;
}

Workflow& Workflow::MaxActiveExecutions(int64_t limit) {
  spec_.max_active_executions = limit;
  return *this;
}

Workflow& Workflow::Concurrency(int64_t limit) {
  spec_.concurrency = limit;
  return *this;
}

Workflow& Workflow::TimeZone(std::string name) {
  spec_.timezone = std::move(name);
  return *this;
}

Workflow& Workflow::StringParam(std::string name, std::optional<std::string> otherwise) {
  return Param({std::move(name), ParamType::kString, DefaultText(otherwise)});
}

Workflow& Workflow::IntegerParam(std::string name, std::optional<int64_t> otherwise) {
  return Param({std::move(name), ParamType::kInteger, DefaultText(otherwise)});
}

Workflow& Workflow::NumberParam(std::string name, std::optional<double> otherwise) {
  return Param({std::move(name), ParamType::kNumber, DefaultText(otherwise)});
}

Workflow& Workflow::BooleanParam(std::string name, std::optional<bool> otherwise) {
  return Param({std::move(name), ParamType::kBoolean, DefaultText(otherwise)});
}

Workflow& Workflow::JsonParam(std::string name, std::optional<std::string> otherwise) {
  return Param({std::move(name), ParamType::kJson, std::move(otherwise).value_or("")});
}

Workflow& Workflow::Param(ParamSpec param) {
  spec_.params.push_back(std::move(param));
  return *this;
}

Workflow& Workflow::Hook(HookSpec hook) {
  spec_.hooks.push_back(std::move(hook));
  return *this;
}

const Workflow::Code* Workflow::code(const std::string& task) const {
  for (size_t i = 0; i < spec_.tasks.size(); ++i) {
    if (spec_.tasks[i].name == task) return &code_[i];
  }
  return nullptr;
}

const TaskFunction* Workflow::function(const std::string& task) const {
  const Code* found = code(task);
  return found != nullptr && found->function ? &found->function : nullptr;
}

Operator* Workflow::task_operator(const std::string& task) const {
  const Code* found = code(task);
  return found != nullptr ? found->task_operator.get() : nullptr;
}

const ConditionFunction* Workflow::question(const std::string& task, size_t rule,
                                            size_t number) const {
  const Code* found = code(task);
  if (found == nullptr || rule >= found->questions.size()) return nullptr;
  const std::vector<ConditionFunction>& questions = found->questions[rule];
  return number < questions.size() ? &questions[number] : nullptr;
}

Task::Task(Workflow& flow, TaskSpec spec, TaskFunction function,
           std::shared_ptr<Operator> task_operator)
    : flow_(&flow), index_(flow.spec_.tasks.size()) {
  flow.spec_.tasks.push_back(std::move(spec));
  flow.code_.push_back({std::move(function), std::move(task_operator), {}});
}

Task& Task::When(const Condition& condition, TaskAction action) {
  mutable_spec().rules.push_back(RuleSpec{action, condition.spec()});
  flow_->code_[index_].questions.push_back(condition.questions());
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

Task& Task::EnvFile(std::string path) {
  mutable_spec().env_files.push_back(std::move(path));
  return *this;
}

Task& Task::Retries(int64_t retries, Millis delay) {
  mutable_spec().retry.retries = retries;
  mutable_spec().retry.delay = delay;
  return *this;
}

Task& Task::RetryBackoff(Millis max_delay) {
  mutable_spec().retry.exponential = true;
  mutable_spec().retry.max_delay = max_delay;
  return *this;
}

Task& Task::ExecutionTimeout(Millis timeout) {
  mutable_spec().execution_timeout = timeout;
  return *this;
}

Task& Task::QueueTimeout(Millis timeout) {
  mutable_spec().queue_timeout = timeout;
  return *this;
}

Task& Task::StartTimeout(Millis timeout) {
  mutable_spec().start_timeout = timeout;
  return *this;
}

Task& Task::Periodic(std::string expression, Overlap overlap, CatchUp catchup) {
  mutable_spec().periodic = std::move(expression);
  mutable_spec().overlap = overlap;
  mutable_spec().catchup = catchup;
  return *this;
}

Task& Task::Executor(std::string name) {
  mutable_spec().executor = std::move(name);
  return *this;
}

Task& Task::Pool(std::string name, int64_t slots) {
  mutable_spec().pool = std::move(name);
  mutable_spec().pool_slots = slots;
  return *this;
}

Task& Task::Priority(int64_t priority) {
  mutable_spec().priority = priority;
  return *this;
}

BashTask::BashTask(Workflow& flow, std::string name, std::string command)
    : Task(flow, NamedTask(std::move(name), OperatorKind::kBash, std::move(command))) {}

EmptyTask::EmptyTask(Workflow& flow, std::string name)
    : Task(flow, NamedTask(std::move(name), OperatorKind::kEmpty, "")) {}

FunctionTask::FunctionTask(Workflow& flow, std::string name, TaskFunction function)
    : Task(flow, NamedTask(std::move(name), OperatorKind::kHost, ""), std::move(function)) {}

OperatorTask::OperatorTask(Workflow& flow, std::string name,
                           std::shared_ptr<Operator> task_operator)
    : Task(flow, NamedTask(std::move(name), OperatorKind::kHost, ""), nullptr,
           std::move(task_operator)) {}

}  // namespace aiflow
