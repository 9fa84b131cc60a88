#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "model/event_keys.h"
#include "model/limits.h"
#include "model/spec_json.h"

namespace aiflow {
namespace {

/// Collects the problems of one specification.
class Validator {
 public:
  Validator(const WorkflowSpec& spec, std::vector<std::string>* warnings)
      : spec_(spec), warnings_(warnings) {
    for (size_t i = 0; i < spec.tasks.size(); ++i) index_.emplace(spec.tasks[i].name, i);
  }

  Status Run() {
    CheckWorkflow();
    CheckDuplicates();
    for (const TaskSpec& task : spec_.tasks) CheckTask(task);
    // Reachability means something only when every reference is known.
    if (problems_.empty()) CheckStartable();
    if (problems_.empty()) return Status::Ok();
    std::string text = "workflow " + spec_.ns + "." + spec_.name + " is refused:";
    for (const std::string& problem : problems_) text += "\n- " + problem;
    return {only_unsupported_ ? Code::kUnimplemented : Code::kInvalidArgument, std::move(text)};
  }

 private:
  void Problem(std::string text) {
    problems_.push_back(std::move(text));
    only_unsupported_ = false;
  }
  void Unsupported(std::string text) {
    if (problems_.empty()) only_unsupported_ = true;
    problems_.push_back(std::move(text));
  }
  void Warn(std::string text) {
    if (warnings_ != nullptr) warnings_->push_back(std::move(text));
  }
  void CheckName(const std::string& what, const std::string& name) {
    if (Status status = ValidateName(what, name); !status.ok()) Problem(status.message());
  }

  void CheckWorkflow() {
    CheckName("namespace", spec_.ns);
    if (IsReservedNamespace(spec_.ns)) {
      Problem("namespace '" + spec_.ns + "' is reserved; write 'default'");
    }
    CheckName("workflow name", spec_.name);
    if (spec_.tasks.empty()) Problem("it has no task");
    if (spec_.tasks.size() > limits::kMaxTasksPerWorkflow) {
      Problem(std::to_string(spec_.tasks.size()) + " tasks are over the limit of " +
              std::to_string(limits::kMaxTasksPerWorkflow));
    }
    const HostSpec& host = spec_.host;
    if (!host.language.empty() && host.language != "python" && host.language != "cpp") {
      Problem("host language '" + host.language + "' is not known (python, cpp)");
    }
    if (!host.language.empty() && !IsPathInside(host.file)) {
      Problem("host file '" + host.file + "' is not a relative path inside the bundle");
    }
    for (const auto& [name, value] : spec_.config) {
      if (!nlohmann::json::accept(value)) Problem("config '" + name + "' is not a JSON value");
    }
  }

  static bool IsPathInside(const std::string& path) {
    if (path.empty() || path.front() == '/' || path.find('\0') != std::string::npos) return false;
    return ("/" + path + "/").find("/../") == std::string::npos;
  }

  void CheckDuplicates() {
    std::set<std::string> seen;
    std::set<std::string> reported;
    for (const TaskSpec& task : spec_.tasks) {
      if (!seen.insert(task.name).second && reported.insert(task.name).second) {
        Problem("task name '" + task.name + "' is used more than once");
      }
    }
  }

  void CheckTask(const TaskSpec& task) {
    CheckName("task name", task.name);
    const std::string subject = "task '" + task.name + "'";
    const auto has_nul = [](const std::string& s) { return s.find('\0') != std::string::npos; };
    if (task.op == OperatorKind::kBash) {
      if (task.command.empty()) Problem(subject + " has no command");
      if (has_nul(task.command)) Problem(subject + " has a NUL byte in its command");
    } else if (spec_.host.language.empty()) {
      Problem(subject + " needs a host, and the workflow names none");
    }
    for (const auto& [name, value] : task.env) {
      if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value)) {
        Problem(subject + " has the impossible environment variable '" + name + "'");
      }
    }
    if (task.max_pending_starts < 1 || task.max_pending_starts > limits::kMaxPendingStarts) {
      Problem(subject + ": max_pending_starts " + std::to_string(task.max_pending_starts) +
              " is not between 1 and " + std::to_string(limits::kMaxPendingStarts));
    }
    if (task.stop_grace.count() < 0) Problem(subject + ": stop_grace_ms is negative");
    if (task.rules.size() > limits::kMaxRulesPerTask) {
      Problem(subject + ": " + std::to_string(task.rules.size()) + " rules are over the limit of " +
              std::to_string(limits::kMaxRulesPerTask));
    }
    int64_t joins = 0;
    for (size_t i = 0; i < task.rules.size(); ++i) {
      const RuleSpec& rule = task.rules[i];
      CheckCondition(subject + ", rule " + std::to_string(i + 1), rule.condition, 1);
      joins +=
          rule.action == TaskAction::kStart && rule.condition.kind == ConditionKind::kAllTaskStatus
              ? 1
              : 0;
    }
    if (joins > 1) {
      Warn(subject + " has " + std::to_string(joins) +
           " START rules over task statuses (start_after called more than once): any one of them "
           "starts it; name all tasks in one call if it shall wait for all");
    }
  }

  void CheckCondition(const std::string& subject, const ConditionSpec& condition, size_t depth) {
    if (depth > limits::kMaxConditionDepth) {
      return Problem(subject + " has a condition nested deeper than " +
                     std::to_string(limits::kMaxConditionDepth));
    }
    switch (condition.kind) {
      case ConditionKind::kEvent: return CheckEventKey(subject, condition.key);
      case ConditionKind::kTaskStatus: return CheckStatusLeaf(subject, condition);
      case ConditionKind::kCustom:
        return Unsupported(subject + " has the user-written condition '" + condition.name +
                           "': custom conditions are not supported by this server yet");
      case ConditionKind::kAllOf:
        if (!condition.name.empty() && !all_of_names_.insert(condition.name).second) {
          Warn(subject + ": the all_of name '" + condition.name +
               "' is used more than once; each keeps its own state here");
        }
        break;
      case ConditionKind::kAnyOf: break;
      case ConditionKind::kAllTaskStatus:
        for (const ConditionSpec& child : condition.children) {
          if (child.kind != ConditionKind::kTaskStatus || !IsLocal(child)) {
            Problem(subject + ": all_task_status may have only task_status conditions of " +
                    spec_.ns + "." + spec_.name);
          }
        }
        break;
    }
    if (condition.children.empty()) Problem(subject + " has a condition without parts");
    for (const ConditionSpec& child : condition.children) {
      CheckCondition(subject, child, depth + 1);
    }
  }

  void CheckEventKey(const std::string& subject, const std::string& key) {
    if (key.empty()) return Problem(subject + " has an empty event key");
    if (key.size() > limits::kMaxEventKeyBytes) {
      Problem(subject + " has an event key of " + std::to_string(key.size()) +
              " bytes, the limit is " + std::to_string(limits::kMaxEventKeyBytes));
    }
    if (key == kSchedulingEventKey) {
      Problem(subject + " listens to " + key + ", which never reaches rules");
    }
  }

  void CheckStatusLeaf(const std::string& subject, const ConditionSpec& leaf) {
    if (!IsAnnounced(leaf.status)) {
      Problem(subject + " waits for status " + std::string(TaskStatusName(leaf.status)) +
              ", which is never announced (RUNNING, SUCCESS, FAILED, STOPPED, RETRYING are)");
    }
    if (!IsLocal(leaf)) {
      CheckName(subject + ": namespace", leaf.ns);
      CheckName(subject + ": workflow name", leaf.workflow);
      CheckName(subject + ": task name", leaf.task);
    } else if (!index_.contains(leaf.task)) {
      Problem(subject + " names the task '" + leaf.task + "', which this workflow does not have");
    }
  }

  [[nodiscard]] bool IsLocal(const ConditionSpec& leaf) const {
    return leaf.ns == spec_.ns && leaf.workflow == spec_.name;
  }

  /// The task of this workflow that must run before `condition` can be met, or nothing when it is
  /// possible given the `startable` ones.
  const std::string* Blocker(const ConditionSpec& condition,
                             const std::set<std::string>& startable) {
    switch (condition.kind) {
      case ConditionKind::kEvent:
      case ConditionKind::kCustom: return nullptr;
      case ConditionKind::kTaskStatus:
        return IsLocal(condition) && !startable.contains(condition.task) ? &condition.task
                                                                         : nullptr;
      case ConditionKind::kAllOf:
      case ConditionKind::kAllTaskStatus:
        for (const ConditionSpec& child : condition.children) {
          if (const std::string* blocker = Blocker(child, startable)) return blocker;
        }
        return nullptr;
      case ConditionKind::kAnyOf: {
        const std::string* last = nullptr;
        for (const ConditionSpec& child : condition.children) {
          last = Blocker(child, startable);
          if (last == nullptr) return nullptr;
        }
        return last;
      }
    }
    return nullptr;
  }

  /// The task that keeps `task` from ever starting; nothing when it can start.
  const std::string* TaskBlocker(const TaskSpec& task, const std::set<std::string>& startable) {
    const std::string* blocker = nullptr;
    bool waits = false;
    for (const RuleSpec& rule : task.rules) {
      waits = waits || rule.action == TaskAction::kStart;
    }
    if (!waits) return nullptr;
    for (const RuleSpec& rule : task.rules) {
      if (rule.action == TaskAction::kStop) continue;
      const std::string* found = Blocker(rule.condition, startable);
      if (found == nullptr) return nullptr;
      blocker = blocker == nullptr ? found : blocker;
    }
    return blocker;
  }

  /// Least fixpoint: who can start, given who can start. In passes over the tasks that wait; a task
  /// is looked at again only when a task it names became startable.
  void CheckStartable() {
    std::set<std::string> startable;
    std::map<std::string, std::vector<const TaskSpec*>> waiting_for;
    std::vector<const TaskSpec*> ready;
    for (const TaskSpec& task : spec_.tasks) ready.push_back(&task);
    while (!ready.empty()) {
      const TaskSpec& task = *ready.back();
      ready.pop_back();
      if (startable.contains(task.name)) continue;
      if (TaskBlocker(task, startable) == nullptr) {
        startable.insert(task.name);
        auto woken = waiting_for.extract(task.name);
        if (!woken.empty()) {
          ready.insert(ready.end(), woken.mapped().begin(), woken.mapped().end());
        }
        continue;
      }
      // Any task that blocks one of its rules may open it.
      for (const RuleSpec& rule : task.rules) {
        if (rule.action == TaskAction::kStop) continue;
        WaitForAll(rule.condition, startable, &task, waiting_for);
      }
    }
    ReportUnstartable(startable);
  }

  void WaitForAll(const ConditionSpec& condition, const std::set<std::string>& startable,
                  const TaskSpec* task,
                  std::map<std::string, std::vector<const TaskSpec*>>& waiting_for) {
    if (condition.kind == ConditionKind::kTaskStatus && IsLocal(condition) &&
        !startable.contains(condition.task)) {
      std::vector<const TaskSpec*>& waiters = waiting_for[condition.task];
      if (waiters.empty() || waiters.back() != task) waiters.push_back(task);
    }
    for (const ConditionSpec& child : condition.children) {
      WaitForAll(child, startable, task, waiting_for);
    }
  }

  void ReportUnstartable(const std::set<std::string>& startable) {
    std::string names;
    const TaskSpec* first = nullptr;
    for (const TaskSpec& task : spec_.tasks) {
      if (startable.contains(task.name)) continue;
      if (first == nullptr) first = &task;
      names += (names.empty() ? "'" : ", '") + task.name + "'";
    }
    if (first == nullptr) return;
    // From a task to what blocks it, until one comes twice: that is a cycle.
    std::vector<std::string> path = {first->name};
    while (true) {
      const std::string next = *TaskBlocker(spec_.tasks[index_.at(path.back())], startable);
      const auto seen = std::find(path.begin(), path.end(), next);
      if (seen == path.end()) {
        path.push_back(next);
        continue;
      }
      std::string cycle;
      for (auto it = seen; it != path.end(); ++it) cycle += "'" + *it + "' waits for ";
      Problem("tasks that can never start: " + names + "; cycle: " + cycle + "'" + next + "'");
      return;
    }
  }

  const WorkflowSpec& spec_;
  std::vector<std::string>* const warnings_;
  std::vector<std::string> problems_;
  bool only_unsupported_ = false;
  std::map<std::string, size_t> index_;
  std::set<std::string> all_of_names_;
};

}  // namespace

Status ValidateWorkflowSpec(const WorkflowSpec& spec, std::vector<std::string>* warnings) {
  return Validator(spec, warnings).Run();
}

}  // namespace aiflow
