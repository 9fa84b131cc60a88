#include "api/waits_for.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "api/condition_text.h"
#include "base/check.h"
#include "model/utc_text.h"

namespace aiflow::api {
namespace {

/// A phrase and whether it needs parentheses inside an "and".
struct Phrase {
  std::string text;
  bool alternatives = false;
};

std::string Join(const std::vector<Phrase>& phrases, std::string_view word) {
  std::string text;
  for (const Phrase& phrase : phrases) {
    if (!text.empty()) text.append(" ").append(word).append(" ");
    const bool group = phrase.alternatives && phrases.size() > 1;
    text.append(group ? "(" + phrase.text + ")" : phrase.text);
  }
  return text;
}

/// Walks one rule's condition. Slots are taken in depth-first order, as the scheduler stores them.
class Walker {
 public:
  Walker(const WaitingExecution& execution, const RuleStateRow* state)
      : execution_(execution), state_(state) {}

  /// What is missing for the condition to be met by some next event; `missing` is empty when it
  /// holds already. `inside_all` tells that a part which holds now needs no repetition.
  Phrase Missing(const ConditionSpec& condition, bool inside_all) {
    switch (condition.kind) {
      case ConditionKind::kEvent: return EventLeaf(EventText(condition), inside_all);
      case ConditionKind::kTaskStatus: return StatusLeaf(condition, inside_all);
      case ConditionKind::kAllTaskStatus: return JoinOf(condition);
      case ConditionKind::kAllOf: return AllOf(condition);
      case ConditionKind::kAnyOf: return AnyOf(condition, inside_all);
      case ConditionKind::kCustom: return EventLeaf(CustomText(condition), inside_all);
    }
    return {};
  }

 private:
  bool TakeSlot() {
    const size_t slot = next_slot_++;
    return state_ != nullptr && slot < state_->slots.size() && state_->slots[slot] != 0;
  }

  Phrase EventLeaf(std::string text, bool inside_all) {
    const bool met = TakeSlot();
    if (met && inside_all) return {};
    return {std::move(text)};
  }

  const std::optional<LatestRun>* LocalTask(const ConditionSpec& condition,
                                            TaskIndex* index) const {
    const WorkflowSpec& spec = execution_.spec;
    const bool local = (condition.ns.empty() || condition.ns == spec.ns) &&
                       (condition.workflow.empty() || condition.workflow == spec.name);
    if (!local) return nullptr;
    const auto found = std::find_if(spec.tasks.begin(), spec.tasks.end(),
                                    [&](const TaskSpec& t) { return t.name == condition.task; });
    if (found == spec.tasks.end()) return nullptr;
    *index = static_cast<TaskIndex>(found - spec.tasks.begin());
    static const std::optional<LatestRun> kNever;
    const auto at = static_cast<size_t>(*index);
    return at < execution_.latest.size() ? &execution_.latest[at] : &kNever;
  }

  Phrase StatusLeaf(const ConditionSpec& condition, bool inside_all) {
    const std::string want = std::string(TaskStatusName(condition.status));
    TaskIndex index = 0;
    const std::optional<LatestRun>* latest = LocalTask(condition, &index);
    if (latest == nullptr) {
      return EventLeaf(condition.ns + "." + condition.workflow + "." + condition.task + " " + want,
                       inside_all);
    }
    if (!latest->has_value()) return {condition.task + " " + want + " (never ran)"};
    if ((*latest)->status == condition.status) {
      if (inside_all) return {};
      return {condition.task + " " + want + " again"};
    }
    return {condition.task + " " + want + " (now " +
            std::string(TaskStatusName((*latest)->status)) + ")"};
  }

  Phrase JoinOf(const ConditionSpec& condition) {
    std::vector<Phrase> missing;
    std::string names;
    for (const ConditionSpec& child : condition.children) {
      Phrase phrase = StatusLeaf(child, /*inside_all=*/true);
      if (!phrase.text.empty()) missing.push_back(std::move(phrase));
      names.append(names.empty() ? "" : " or ").append(child.task);
    }
    if (!missing.empty()) return {Join(missing, "and")};
    return {"a new run of " + names};
  }

  Phrase AllOf(const ConditionSpec& condition) {
    std::vector<Phrase> missing;
    for (const ConditionSpec& child : condition.children) {
      Phrase phrase = Missing(child, /*inside_all=*/true);
      if (!phrase.text.empty()) missing.push_back(std::move(phrase));
    }
    return {Join(missing, "and")};
  }

  Phrase AnyOf(const ConditionSpec& condition, bool inside_all) {
    std::vector<Phrase> missing;
    bool holds = false;
    for (const ConditionSpec& child : condition.children) {
      Phrase phrase = Missing(child, inside_all);
      if (phrase.text.empty()) holds = true;
      missing.push_back(std::move(phrase));
    }
    if (holds) return {};
    return {Join(missing, "or"), missing.size() > 1};
  }

  const WaitingExecution& execution_;
  const RuleStateRow* state_;
  size_t next_slot_ = 0;
};

void CollectUpstream(const WorkflowSpec& spec, const ConditionSpec& condition,
                     std::vector<std::string>* names) {
  const auto add = [names](std::string name) {
    if (std::find(names->begin(), names->end(), name) == names->end()) {
      names->push_back(std::move(name));
    }
  };
  switch (condition.kind) {
    case ConditionKind::kEvent: add(condition.key); break;
    case ConditionKind::kTaskStatus:
      if ((condition.ns.empty() || condition.ns == spec.ns) &&
          (condition.workflow.empty() || condition.workflow == spec.name)) {
        add(condition.task);
      } else {
        add(condition.ns + "." + condition.workflow + "." + condition.task);
      }
      break;
    case ConditionKind::kCustom:
      for (const std::string& key : condition.event_keys) add(key);
      break;
    case ConditionKind::kAllOf:
    case ConditionKind::kAnyOf:
    case ConditionKind::kAllTaskStatus:
      for (const ConditionSpec& child : condition.children) CollectUpstream(spec, child, names);
      break;
  }
}

void CollectCustom(const ConditionSpec& condition, std::vector<const ConditionSpec*>* leaves) {
  if (condition.kind == ConditionKind::kCustom) leaves->push_back(&condition);
  for (const ConditionSpec& child : condition.children) CollectCustom(child, leaves);
}

}  // namespace

std::vector<std::string> WaitsFor(const WaitingExecution& execution, TaskIndex task) {
  CHECK(task >= 0 && static_cast<size_t>(task) < execution.spec.tasks.size())
      << "task index " << task;
  const TaskSpec& spec = execution.spec.tasks[static_cast<size_t>(task)];
  std::vector<std::string> lines;
  for (size_t i = 0; i < spec.rules.size(); ++i) {
    if (spec.rules[i].action == TaskAction::kStop) continue;
    const auto state = std::find_if(
        execution.rule_states.begin(), execution.rule_states.end(), [&](const RuleStateRow& row) {
          return row.task == task && row.rule == static_cast<RuleIndex>(i);
        });
    Walker walker(execution, state == execution.rule_states.end() ? nullptr : &*state);
    std::string text = walker.Missing(spec.rules[i].condition, /*inside_all=*/false).text;
    // Everything holds, so any event of the rule meets it.
    if (text.empty()) text = "any further event of its rule";
    lines.push_back(std::move(text));
  }
  return lines;
}

std::string EvaluationWaitsFor(const WorkflowSpec& spec, const EvaluationRow& evaluation) {
  const std::string names = ConditionsAbout(spec, evaluation.task, evaluation.event.key);
  return "an answer of condition" + (names.empty() ? "" : " " + names) + " about event " +
         evaluation.event.key + " #" + std::to_string(evaluation.offset);
}

std::string TickWaitsFor(Millis next_tick) { return "the tick at " + UtcText(next_tick); }

std::string RunWaitsFor(const TaskExecutionRow& run) {
  constexpr std::string_view kPrefix = "waits for ";
  switch (run.status) {
    case TaskStatus::kInit: return "the end of the run before it";
    case TaskStatus::kQueued:
      if (run.has_slot) return "";
      if (run.reason.starts_with(kPrefix)) return run.reason.substr(kPrefix.size());
      return run.reason.empty() ? "a slot" : run.reason;
    case TaskStatus::kRetrying: return "its next try at " + UtcText(run.deadline);
    case TaskStatus::kStopping: return "its end";
    case TaskStatus::kRunning:
    case TaskStatus::kSuccess:
    case TaskStatus::kFailed:
    case TaskStatus::kStopped: break;
  }
  return "";
}

std::string DeadlineText(const TaskExecutionRow& run) {
  if (run.deadline == Millis(0)) return "";
  switch (run.status) {
    case TaskStatus::kQueued: return run.has_slot ? "start_timeout" : "queue_timeout";
    case TaskStatus::kRunning: return "execution_timeout";
    case TaskStatus::kRetrying: return "the next try";
    case TaskStatus::kStopping: return "alarm when it has not ended";
    case TaskStatus::kInit:
    case TaskStatus::kSuccess:
    case TaskStatus::kFailed:
    case TaskStatus::kStopped: break;
  }
  return "";
}

std::string ExecutionWaitsFor(const ExecutionRow& execution) {
  if (execution.status != ExecutionStatus::kInit) return "";
  // "waits: 2 of 2 active executions of default.w (max_active_executions)"
  constexpr std::string_view kPrefix = "waits: ";
  const std::string what = "the end of another execution";
  if (execution.reason.starts_with(kPrefix)) {
    return what + ": " + execution.reason.substr(kPrefix.size());
  }
  return execution.reason.empty() ? what : execution.reason;
}

std::string ConditionsAbout(const WorkflowSpec& spec, TaskIndex task,
                            const std::string& event_key) {
  if (task < 0 || static_cast<size_t>(task) >= spec.tasks.size()) return "";
  std::vector<const ConditionSpec*> leaves;
  for (const RuleSpec& rule : spec.tasks[static_cast<size_t>(task)].rules) {
    CollectCustom(rule.condition, &leaves);
  }
  std::vector<std::string_view> names;
  std::string text;
  for (const ConditionSpec* leaf : leaves) {
    if (std::find(leaf->event_keys.begin(), leaf->event_keys.end(), event_key) ==
            leaf->event_keys.end() ||
        std::find(names.begin(), names.end(), leaf->name) != names.end()) {
      continue;
    }
    names.push_back(leaf->name);
    text.append(text.empty() ? "" : " or ").append(leaf->name);
  }
  return text;
}

std::string QuestionName(const ConditionSpec& condition, int32_t question) {
  std::vector<const ConditionSpec*> leaves;
  CollectCustom(condition, &leaves);
  if (question < 0 || static_cast<size_t>(question) >= leaves.size()) return "";
  return leaves[static_cast<size_t>(question)]->name;
}

std::vector<std::string> Upstream(const WorkflowSpec& spec, TaskIndex task) {
  CHECK(task >= 0 && static_cast<size_t>(task) < spec.tasks.size()) << "task index " << task;
  std::vector<std::string> names;
  for (const RuleSpec& rule : spec.tasks[static_cast<size_t>(task)].rules) {
    CollectUpstream(spec, rule.condition, &names);
  }
  return names;
}

}  // namespace aiflow::api
