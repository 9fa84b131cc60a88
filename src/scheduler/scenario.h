#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/event_keys.h"
#include "model/requests.h"
#include "model/spec_json.h"
#include "scheduler/decide.h"
#include "scheduler/state.h"

/// A small language to write specifications and scenarios in, for tests.
namespace aiflow::test {

inline ConditionSpec OnEvent(std::string key) {
  ConditionSpec condition;
  condition.kind = ConditionKind::kEvent;
  condition.key = std::move(key);
  return condition;
}
/// Of workflow default.w, the one that scenarios upload, unless another is named.
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
/// User-written, about events with these keys.
inline ConditionSpec Custom(std::vector<std::string> keys, std::string name = "custom") {
  ConditionSpec condition;
  condition.kind = ConditionKind::kCustom;
  condition.name = std::move(name);
  condition.event_keys = std::move(keys);
  return condition;
}
inline ConditionSpec Compose(ConditionKind kind, std::vector<ConditionSpec> children) {
  ConditionSpec condition;
  condition.kind = kind;
  if (kind == ConditionKind::kAllOf) condition.name = "all";
  condition.children = std::move(children);
  return condition;
}
inline ConditionSpec AllOf(std::vector<ConditionSpec> children) {
  return Compose(ConditionKind::kAllOf, std::move(children));
}
inline ConditionSpec AnyOf(std::vector<ConditionSpec> children) {
  return Compose(ConditionKind::kAnyOf, std::move(children));
}
inline ConditionSpec Join(std::vector<ConditionSpec> children) {
  return Compose(ConditionKind::kAllTaskStatus, std::move(children));
}
/// start_after.
inline ConditionSpec After(const std::vector<std::string>& tasks) {
  std::vector<ConditionSpec> children;
  for (const std::string& task : tasks) children.push_back(OnStatus(task));
  return Join(std::move(children));
}

inline RuleSpec Start(ConditionSpec condition) {
  return {TaskAction::kStart, std::move(condition)};
}
inline RuleSpec Stop(ConditionSpec condition) { return {TaskAction::kStop, std::move(condition)}; }
inline RuleSpec Restart(ConditionSpec condition) {
  return {TaskAction::kRestart, std::move(condition)};
}

inline TaskSpec Task(std::string name, std::vector<RuleSpec> rules = {},
                     OnAlive on_alive = OnAlive::kIgnore) {
  TaskSpec task;
  task.name = std::move(name);
  task.command = "true";
  task.rules = std::move(rules);
  task.on_alive = on_alive;
  return task;
}
inline TaskSpec Optional(TaskSpec task) {
  task.optional = true;
  return task;
}
inline WorkflowSpec Workflow(std::vector<TaskSpec> tasks, std::string name = "w") {
  WorkflowSpec spec;
  spec.name = std::move(name);
  spec.tasks = std::move(tasks);
  return spec;
}

/// What a store would hold: every row ever written, by key.
class Rows {
 public:
  void Apply(const std::vector<Change>& changes);
  /// The rows that belong into a State, as a store's Load gives them.
  [[nodiscard]] std::vector<Change> Load() const;
  /// As a store's LoadExecution.
  [[nodiscard]] std::vector<Change> LoadExecution(int64_t id) const;
  /// As a store's LoadSnapshotUsers.
  [[nodiscard]] std::vector<Change> LoadSnapshotUsers(const std::vector<SnapshotId>& ids) const;
  /// As a store's LoadWorkflowExecutions.
  [[nodiscard]] std::vector<Change> LoadWorkflowExecutions(WorkflowId workflow, size_t limit) const;
  /// As a store's LoadDueExecutions.
  [[nodiscard]] std::vector<Change> LoadDueExecutions(const DueExecutions& due) const;

  CountersRow counters;
  CursorRow cursor;
  RecoveryRow recovery;
  std::map<std::string, NamespaceRow> namespaces;
  std::map<int64_t, WorkflowRow> workflows;
  std::map<int64_t, SnapshotRow> snapshots;
  std::map<int64_t, ExecutionRow> executions;
  std::map<std::pair<int64_t, TaskIndex>, TaskRow> tasks;
  std::map<std::tuple<int64_t, TaskIndex, int64_t>, TaskExecutionRow> runs;
  std::map<std::tuple<int64_t, TaskIndex, RuleIndex>, RuleStateRow> rules;
  std::map<std::tuple<int64_t, Offset, TaskIndex, int32_t>, CauseRow> causes;
  std::map<int64_t, OutboxRow> outbox;
  std::map<int64_t, ScheduleRow> schedules;
  std::map<int64_t, TriggerRow> triggers;
  std::map<std::string, PoolRow> pools;
  std::map<std::tuple<int64_t, int64_t, std::string>, StateRow> states;
  std::map<std::tuple<int64_t, int64_t, Offset, int32_t, TaskIndex>, EvaluationRow> evaluations;
  std::map<int64_t, DeadLetterRow> dead_letters;
  std::map<std::pair<int64_t, int64_t>, SuspensionRow> suspensions;
  std::map<std::tuple<int64_t, int64_t, Offset>, HeldEventRow> held_events;
  std::map<Offset, ReplyRow> replies;
};

/// Builds a state by events alone and asserts on what was decided. After every event it checks that
/// the state equals one loaded from the rows, and the invariants of every execution.
class SchedulerTest : public ::testing::Test {
 protected:
  // --- events; each returns the decision's offset
  Offset Deliver(Event event, std::shared_ptr<const WorkflowSpec> spec = nullptr);
  ReplyRow Request(const aiflow::Request& request,
                   std::shared_ptr<const WorkflowSpec> spec = nullptr,
                   EventKind kind = EventKind::kInternal);
  ReplyRow Upload(WorkflowSpec spec);
  int64_t StartExecution(const std::string& name = "w");
  /// Uploads and starts.
  int64_t Run(std::vector<TaskSpec> tasks);
  Offset Send(const std::string& key, int64_t execution = 0, const std::string& ns = "default");
  /// Of the current run, or of `sequence`.
  void Report(const std::string& task, TaskStatus status, int64_t sequence = 0,
              int64_t execution = 0);
  void Succeed(const std::string& task);  // RUNNING, SUCCESS
  /// Lets time pass, and fires what comes due on the way, in order. How many timers fired.
  int Pass(Millis time);
  /// The host answers the question that is in flight: met, or not.
  Offset Answer(bool met, const std::string& states_json = "");
  /// Nobody can answer the question that is in flight.
  Offset FailToAnswer(const std::string& error = "ValueError: no");
  /// Takes the announcements out of the outbox and delivers them, as the log would.
  void DeliverAnnouncements();

  // --- what is now; of the last execution started unless another is named
  [[nodiscard]] const ExecutionRow& Execution(int64_t id = 0) const;
  [[nodiscard]] ExecutionStatus Status(int64_t id = 0) const { return Execution(id).status; }
  [[nodiscard]] TaskRow TaskState(const std::string& task, int64_t id = 0) const;
  [[nodiscard]] int64_t Runs(const std::string& task, int64_t id = 0) const;
  [[nodiscard]] const TaskExecutionRow& RunOf(const std::string& task, int64_t sequence,
                                              int64_t id = 0) const;
  /// Status of the latest run; nothing when it never ran.
  [[nodiscard]] std::optional<TaskStatus> Latest(const std::string& task, int64_t id = 0) const;
  [[nodiscard]] std::vector<CauseRow> Causes(const std::string& task, CauseKind kind,
                                             int64_t id = 0) const;
  [[nodiscard]] int64_t Commands(OutboxKind kind, const std::string& task) const;
  /// "task STATUS" of what is waiting to be published, in order.
  [[nodiscard]] std::vector<std::string> Announced() const;
  /// "task rule question: event" of the question in flight; empty when there is none. Rules and
  /// questions count from 0.
  [[nodiscard]] std::string Asked(int64_t id = 0) const;
  /// The answer to it, as the engine would append it.
  [[nodiscard]] EvaluationAnswer AnswerTo(bool met, int64_t id = 0) const;
  [[nodiscard]] TaskIndex Index(const std::string& task, int64_t id = 0) const;

  State state_;
  Rows rows_;
  Offset offset_ = 0;
  Millis now_{1'000'000};  // of the last event
  int64_t last_ = 0;       // execution
  Decision decision_;      // of the last event, all parts of it
  size_t max_executions_ = limits::kMaxExecutionsPerCommit;
  Treatment treatment_ = Treatment::kDecide;  // of the next part of a decision
  int parts_ = 0;                             // of the last decision
  bool reload_between_parts_ = false;         // another server goes on after each
  std::function<void()> after_part_;

 private:
  [[nodiscard]] std::vector<Change> LoadFor(const Event& event) const;
  void CheckState() const;
  void CheckQuestions() const;
  [[nodiscard]] const OutboxRow* QuestionRow(int64_t id) const;
};

}  // namespace aiflow::test
