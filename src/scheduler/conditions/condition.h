#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/event_match.h"
#include "model/ids.h"
#include "model/task_status.h"
#include "model/workflow_spec.h"

namespace aiflow {

/// What the rules of one execution see of one event. A status of the execution's own task has
/// `task`; the status of a task elsewhere has only its key.
struct Occurrence {
  std::string_view key;
  TaskIndex task = -1;
  std::optional<TaskStatus> status;
  /// For filters; null for statuses of the execution's own tasks, which have nothing to filter.
  const EventFields* fields = nullptr;
  /// For the record: "event 'x'", "task 'a' SUCCESS (run 1)".
  std::string text;
};

/// The tasks of an execution as of the current event.
class TaskStatuses {
 public:
  virtual ~TaskStatuses() = default;
  /// Status of the latest run; nothing when the task never ran.
  [[nodiscard]] virtual std::optional<TaskStatus> LatestStatus(TaskIndex task) const = 0;
  /// 0 when the task never ran.
  [[nodiscard]] virtual int64_t LatestSequence(TaskIndex task) const = 0;
};

/// What hosts said about one event, by question; nothing where they were not asked.
using Answers = std::vector<std::optional<bool>>;

/// One rule while it looks at one event: the event, the tasks, and the rule's stored state.
class RuleScope {
 public:
  virtual ~RuleScope() = default;
  [[nodiscard]] virtual const Occurrence& occurrence() const = 0;
  [[nodiscard]] virtual const TaskStatuses& tasks() const = 0;
  [[nodiscard]] virtual bool Slot(int32_t slot) const = 0;
  virtual void SetSlot(int32_t slot, bool met) = 0;
  [[nodiscard]] virtual int64_t Fired(int32_t position) const = 0;
  virtual void SetFired(int32_t position, TaskIndex task, int64_t sequence) = 0;
  /// What a host said about the event; nothing when it was not asked.
  [[nodiscard]] virtual std::optional<bool> Answer(int32_t question) const = 0;
};

/// What may still happen in an execution, for the question whether it is finished.
class Outlook {
 public:
  virtual ~Outlook() = default;
  [[nodiscard]] virtual const TaskStatuses& tasks() const = 0;
  /// The task is live, or something may start it.
  [[nodiscard]] virtual bool MayRun(TaskIndex task) const = 0;
};

/// A node of a compiled condition tree. Immutable; one file per kind.
///
/// A node is asked in one of two ways. At the root, and below any-of there, it is *met by an
/// event*: Met. Below all-of it *holds* over time: Holds, fed by slots that Observe keeps.
class Condition {
 public:
  virtual ~Condition() = default;

  /// Takes the event into the slots; `latch` is true below all-of, where an event must be
  /// remembered.
  virtual void Observe(RuleScope& scope, bool latch) const = 0;
  /// Some leaf below is satisfied by this very event.
  [[nodiscard]] virtual bool Touched(const RuleScope& scope) const = 0;
  [[nodiscard]] virtual bool Met(const RuleScope& scope) const = 0;
  [[nodiscard]] virtual bool Holds(const RuleScope& scope) const = 0;
  /// The rule fires: what is used up by that is cleared.
  virtual void Consume(RuleScope& scope) const = 0;
  /// Clears the event slots of the whole subtree: the all-of above fired.
  virtual void ClearEvents(RuleScope& scope) const = 0;

  /// Whether a future event may meet it, or make it hold.
  [[nodiscard]] virtual bool MayBeMet(const Outlook& outlook) const = 0;
  [[nodiscard]] virtual bool MayHold(const Outlook& outlook) const = 0;
};

using ConditionList = std::vector<std::unique_ptr<const Condition>>;

/// Met by each event that `spec` (a kEvent) describes. `own_task`: the task of this workflow whose
/// status key it is, or -1.
std::unique_ptr<const Condition> MakeEventCondition(const ConditionSpec& spec, TaskIndex own_task,
                                                    int32_t slot);
/// Met when each part has been met; event slots are cleared when it fires, status parts mirror.
std::unique_ptr<const Condition> MakeAllOf(ConditionList parts);
/// Met by an event that meets a part.
std::unique_ptr<const Condition> MakeAnyOf(ConditionList parts);
/// Met when a task of the same execution reaches the status.
std::unique_ptr<const Condition> MakeTaskStatus(TaskIndex task, TaskStatus status);
/// Met when a task of another workflow announces the status; the slot latches its last
/// announcement.
std::unique_ptr<const Condition> MakeForeignTaskStatus(std::string key, TaskStatus status,
                                                       int32_t slot);
/// A join: met at an event of an upstream when all statuses hold, once per vector of runs.
/// `fired` is the position of its first part in the rule's stored vector.
std::unique_ptr<const Condition> MakeAllTaskStatus(
    std::vector<std::pair<TaskIndex, TaskStatus>> upstreams, int32_t fired);

/// User code that listens to `keys` (with the own task whose status key it is, or -1); met by an
/// event that its host answered yes to.
std::unique_ptr<const Condition> MakeCustom(std::vector<std::pair<std::string, TaskIndex>> keys,
                                            int32_t question, int32_t slot);

}  // namespace aiflow
