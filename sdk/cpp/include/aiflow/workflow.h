#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aiflow/condition.h"
#include "aiflow/operator.h"
#include "base/clock.h"
#include "model/workflow_spec.h"

/// Authoring workflows in C++. A workflow is one program: it declares tasks and rules, and hands
/// itself to aiflow::Main (aiflow/main.h). The same program, uploaded, runs each of its
/// FunctionTasks.
///
///   aiflow::Workflow flow("online_learning");
///   aiflow::FunctionTask stream(flow, "stream", Stream);
///   aiflow::FunctionTask train(flow, "train", Train);
///   train.StartOn("hour_complete").OnAlive(aiflow::OnAlive::kQueue).Retries(3);
///   aiflow::BashTask report(flow, "report", "cat accuracy.txt");
///   report.StartAfter({train});
///   return aiflow::Main(argc, argv, {&flow});
namespace aiflow {

class Task;
class TaskContext;

/// What a FunctionTask runs: returns 0 for success, anything else (see TaskContext::Fail) for
/// failure, of which 100 means that trying again would not help. An exception that escapes is a
/// failure with its text as the reason; NonRetriableError (aiflow/errors.h) is one of the latter.
using TaskFunction = std::function<int(TaskContext&)>;

/// A named set of tasks and rules. Not copyable; outlives its tasks. Not thread-safe. What is wrong
/// with a workflow (names, duplicates, cycles) is reported all at once when it is compiled.
class Workflow {
 public:
  explicit Workflow(std::string name, std::string ns = "default");
  Workflow(const Workflow&) = delete;
  Workflow& operator=(const Workflow&) = delete;

  /// Executions end only by a stop or the execution timeout, not when nothing is left to run.
  Workflow& KeepOpen(bool keep_open = true);
  /// Of an execution, from its start.
  Workflow& ExecutionTimeout(Millis timeout);
  /// Further executions wait.
  Workflow& MaxActiveExecutions(int64_t limit);
  /// Tasks with a process at the same time, over all executions.
  Workflow& Concurrency(int64_t limit);
  /// Of periodic expressions that name none: a name such as "Europe/Berlin". Default: UTC.
  Workflow& TimeZone(std::string name);

  /// A parameter that executions are started with (TaskContext::param). Without a default it must
  /// be given at each start.
  Workflow& StringParam(std::string name, std::optional<std::string> otherwise = std::nullopt);
  Workflow& IntegerParam(std::string name, std::optional<int64_t> otherwise = std::nullopt);
  Workflow& NumberParam(std::string name, std::optional<double> otherwise = std::nullopt);
  Workflow& BooleanParam(std::string name, std::optional<bool> otherwise = std::nullopt);
  /// Any JSON value; the default is its text.
  Workflow& JsonParam(std::string name, std::optional<std::string> otherwise = std::nullopt);
  Workflow& Param(ParamSpec param);

  /// A command or a POST when an execution has ended:
  ///   flow.Hook({.on_success = true, .url = "https://example.org/done"});
  Workflow& Hook(HookSpec hook);
  /// Kept with the workflow for people and tools. `json` is the text of one JSON value.
  Workflow& Config(const std::string& key, std::string json);

  [[nodiscard]] const WorkflowSpec& spec() const { return spec_; }
  /// The function of a task; null for tasks without one and for unknown names.
  [[nodiscard]] const TaskFunction* function(const std::string& task) const;
  /// The operator of a task; null for tasks without one and for unknown names.
  [[nodiscard]] Operator* task_operator(const std::string& task) const;
  /// A custom condition by its place: the task, the index of the rule, and the number among the
  /// custom conditions of that rule, depth-first. Null when there is none.
  [[nodiscard]] const ConditionFunction* question(const std::string& task, size_t rule,
                                                  size_t number) const;

 private:
  friend class Task;
  /// The code of one task.
  struct Code {
    TaskFunction function;
    std::shared_ptr<Operator> task_operator;
    std::vector<std::vector<ConditionFunction>> questions;  // by rule
  };
  [[nodiscard]] const Code* code(const std::string& task) const;

  WorkflowSpec spec_;
  std::vector<Code> code_;  // by task index
};

/// A task of a workflow: a handle that adds rules and settings. Copyable; refers to its workflow.
/// Several rules are alternatives: the first that is met, in the order of declaration, acts.
class Task {
 public:
  Task& When(const Condition& condition, TaskAction action);

  Task& StartOn(const Condition& condition) { return When(condition, TaskAction::kStart); }
  Task& StopOn(const Condition& condition) { return When(condition, TaskAction::kStop); }
  Task& RestartOn(const Condition& condition) { return When(condition, TaskAction::kRestart); }
  /// By an event's key.
  Task& StartOn(std::string key) { return StartOn(Condition::Event(std::move(key))); }
  Task& StopOn(std::string key) { return StopOn(Condition::Event(std::move(key))); }
  Task& RestartOn(std::string key) { return RestartOn(Condition::Event(std::move(key))); }
  /// Starts once every task given has succeeded.
  Task& StartAfter(std::initializer_list<std::reference_wrapper<const Task>> upstream);

  /// What START does while a run is alive: ignore it (default), queue it, or restart.
  Task& OnAlive(enum OnAlive on_alive);
  /// With OnAlive::kQueue: how many causing events may wait; one more is refused visibly.
  Task& MaxPendingStarts(int64_t limit);
  /// Does not keep its execution open when it never ran.
  Task& Optional(bool optional = true);
  Task& Env(const std::string& name, std::string value);
  /// A file of variables on the server's machine, absolute or relative to its home; one that is
  /// named later wins. Its values are secrets: they are masked in the task's log.
  Task& EnvFile(std::string path);

  /// Tries a failing run again, `delay` later.
  Task& Retries(int64_t retries, Millis delay = Millis(0));
  /// The delay doubles with each try, up to `max_delay` (0: one day).
  Task& RetryBackoff(Millis max_delay = Millis(0));
  /// Of each try, from RUNNING.
  Task& ExecutionTimeout(Millis timeout);
  /// Of waiting for a slot.
  Task& QueueTimeout(Millis timeout);
  /// From the slot to RUNNING. Default: 60 s.
  Task& StartTimeout(Millis timeout);
  /// Between SIGTERM and SIGKILL. Default: 60 s.
  Task& StopGrace(Millis grace);

  /// Starts with its execution and again at each due time: `cron@...` or `interval@...`.
  /// `overlap`: what a tick does to a live run. `catchup`: ticks that nobody could fire.
  Task& Periodic(std::string expression, Overlap overlap = Overlap::kRestart,
                 CatchUp catchup = CatchUp::kOne);
  /// Runs there: "local", or an executor that the server's configuration names. Default: the pool's
  /// executor, else the server's default one.
  Task& Executor(std::string name);
  /// Takes slots of a pool that tasks of all workflows share.
  Task& Pool(std::string name, int64_t slots = 1);
  /// Of the tasks that wait for a slot, the higher goes first.
  Task& Priority(int64_t priority);

  [[nodiscard]] const TaskSpec& spec() const { return flow_->spec_.tasks[index_]; }
  [[nodiscard]] const Workflow& workflow() const { return *flow_; }

 protected:
  Task(Workflow& flow, TaskSpec spec, TaskFunction function = nullptr,
       std::shared_ptr<Operator> task_operator = nullptr);

 private:
  TaskSpec& mutable_spec() { return flow_->spec_.tasks[index_]; }

  Workflow* flow_;
  size_t index_;
};

/// A command line run by bash.
class BashTask : public Task {
 public:
  BashTask(Workflow& flow, std::string name, std::string command);
};

/// Nothing to run: succeeds at once, without a process.
class EmptyTask : public Task {
 public:
  EmptyTask(Workflow& flow, std::string name);
};

/// A C++ callable, run by the workflow's own program in a process of its own.
class FunctionTask : public Task {
 public:
  FunctionTask(Workflow& flow, std::string name, TaskFunction function);
};

/// Work of a class of its own, run like a FunctionTask.
class OperatorTask : public Task {
 public:
  OperatorTask(Workflow& flow, std::string name, std::shared_ptr<Operator> task_operator);
};

}  // namespace aiflow
