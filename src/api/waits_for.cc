#include "api/waits_for.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"

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
      case ConditionKind::kEvent: return EventLeaf("event " + condition.key, inside_all);
      case ConditionKind::kTaskStatus: return StatusLeaf(condition, inside_all);
      case ConditionKind::kAllTaskStatus: return JoinOf(condition);
      case ConditionKind::kAllOf: return AllOf(condition);
      case ConditionKind::kAnyOf: return AnyOf(condition, inside_all);
      case ConditionKind::kCustom: return Custom(condition);
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

  Phrase Custom(const ConditionSpec& condition) {
    std::string keys;
    for (const std::string& key : condition.event_keys) {
      keys.append(keys.empty() ? "" : " or ").append(key);
    }
    return {"condition " + condition.name + " on event " + keys};
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

std::vector<std::string> Upstream(const WorkflowSpec& spec, TaskIndex task) {
  CHECK(task >= 0 && static_cast<size_t>(task) < spec.tasks.size()) << "task index " << task;
  std::vector<std::string> names;
  for (const RuleSpec& rule : spec.tasks[static_cast<size_t>(task)].rules) {
    CollectUpstream(spec, rule.condition, &names);
  }
  return names;
}

}  // namespace aiflow::api
