#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/workflow_spec.h"

/// Authoring workflows in C++. A workflow is one program: it declares tasks and rules, and hands
/// itself to aiflow::Main (aiflow/main.h). The same program, uploaded, runs each of its
/// FunctionTasks.
///
///   aiflow::Workflow flow("online_learning");
///   aiflow::FunctionTask stream(flow, "stream", Stream);
///   aiflow::FunctionTask train(flow, "train", Train);
///   train.StartOn("hour_complete").OnAlive(aiflow::OnAlive::kQueue);
///   aiflow::BashTask report(flow, "report", "cat accuracy.txt");
///   report.StartAfter({train});
///   return aiflow::Main(argc, argv, {&flow});
namespace aiflow {

class Task;
class TaskContext;

/// A condition over events, as data. Immutable value; made by the functions below.
class Condition {
 public:
  /// Met by each event with this key.
  static Condition Event(std::string key);
  /// Met when `task` (of the same workflow) reaches `status`.
  static Condition Status(const Task& task, TaskStatus status);
  /// Met when a task of any workflow reaches `status`.
  static Condition Status(std::string ns, std::string workflow, std::string task,
                          TaskStatus status);
  /// Met when each child has been met since it last fired. `name` is unique within the workflow.
  static Condition AllOf(std::string name, std::vector<Condition> children);
  /// Met by an event that meets one of the children.
  static Condition AnyOf(std::vector<Condition> children);
  /// Met when every task has its status now, once for each set of their runs.
  static Condition AllStatus(const std::vector<std::pair<const Task*, TaskStatus>>& tasks);

  [[nodiscard]] const ConditionSpec& spec() const { return spec_; }

 private:
  explicit Condition(ConditionSpec spec) : spec_(std::move(spec)) {}
  ConditionSpec spec_;
};

/// What a FunctionTask runs: returns 0 for success, anything else (see TaskContext::Fail) for
/// failure. An exception that escapes is a failure with its text as the reason.
using TaskFunction = std::function<int(TaskContext&)>;

/// A named set of tasks and rules. Not copyable; outlives its tasks. Not thread-safe. What is wrong
/// with a workflow (names, duplicates, cycles) is reported all at once when it is compiled.
class Workflow {
 public:
  explicit Workflow(std::string name, std::string ns = "default");
  Workflow(const Workflow&) = delete;
  Workflow& operator=(const Workflow&) = delete;

  /// Executions end only by a stop, not when nothing is left to run.
  Workflow& KeepOpen(bool keep_open = true);
  /// Kept with the workflow for people and tools. `json` is the text of one JSON value.
  Workflow& Config(const std::string& key, std::string json);

  [[nodiscard]] const WorkflowSpec& spec() const { return spec_; }
  /// The function of a task; null for unknown names and bash tasks.
  [[nodiscard]] const TaskFunction* function(const std::string& task) const;

 private:
  friend class Task;
  WorkflowSpec spec_;
  std::vector<TaskFunction> functions_;  // by task index
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
  /// Between SIGTERM and SIGKILL.
  Task& StopGrace(Millis grace);
  Task& Env(const std::string& name, std::string value);

  [[nodiscard]] const TaskSpec& spec() const { return flow_->spec_.tasks[index_]; }
  [[nodiscard]] const Workflow& workflow() const { return *flow_; }

 protected:
  Task(Workflow& flow, TaskSpec spec, TaskFunction function);

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

/// A C++ callable, run by the workflow's own program in a process of its own.
class FunctionTask : public Task {
 public:
  FunctionTask(Workflow& flow, std::string name, TaskFunction function);
};

}  // namespace aiflow
