#include "reference.h"

#include <algorithm>

#include "model/event_keys.h"
#include "model/requests.h"

namespace aiflow::sim {
namespace {

ConditionSpec OnEvent(std::string key) {
  ConditionSpec condition;
  condition.kind = ConditionKind::kEvent;
  condition.key = std::move(key);
  return condition;
}

ConditionSpec OnSuccess(std::string task) {
  ConditionSpec condition;
  condition.kind = ConditionKind::kTaskStatus;
  condition.ns = "default";
  condition.workflow = kReferenceWorkflow;
  condition.task = std::move(task);
  condition.status = TaskStatus::kSuccess;
  return condition;
}

ConditionSpec OnAnswer() {
  ConditionSpec condition;
  condition.kind = ConditionKind::kCustom;
  condition.name = "asked";
  condition.event_keys = {"ask"};
  return condition;
}

ConditionSpec OnNumber() {
  ConditionSpec condition = OnEvent("tick");
  FilterSpec& filter = condition.filters.emplace_back();
  filter.field = FilterField::kContext;
  filter.pointer = "/n";
  filter.min = 3;
  filter.max = 6;
  return condition;
}

ConditionSpec OnValue() {
  ConditionSpec condition = OnEvent("tock");
  condition.filters.emplace_back().one_of = {R"("v1")", R"("v2")", R"("v3")", R"("v4")"};
  FilterSpec& sender = condition.filters.emplace_back();
  sender.field = FilterField::kSender;
  sender.one_of = {R"("producer")"};
  return condition;
}

bool HasNumber(const Event& event) {
  for (int n = 3; n <= 6; ++n) {
    if (event.context == "{\"n\":" + std::to_string(n) + "}") return true;
  }
  return false;
}

bool HasValue(const Event& event) {
  return event.sender == "producer" && event.value.size() == 2 && event.value >= "v1" &&
         event.value <= "v4";
}

TaskSpec StartedBy(std::string name, OnAlive on_alive, ConditionSpec condition) {
  TaskSpec task;
  task.name = std::move(name);
  task.command = "true";
  task.on_alive = on_alive;
  task.max_pending_starts = 100'000;
  task.rules.push_back({TaskAction::kStart, std::move(condition)});
  return task;
}

/// Whether the condition can still become true, given which tasks can still change.
bool Possible(const ConditionSpec& condition, const WorkflowSpec& spec,
              const std::vector<TaskStatus>& latest, const std::vector<bool>& ran,
              const std::vector<bool>& startable) {
  const auto child = [&](const ConditionSpec& c) {
    return Possible(c, spec, latest, ran, startable);
  };
  switch (condition.kind) {
    case ConditionKind::kEvent:
    case ConditionKind::kCustom: return true;
    case ConditionKind::kAnyOf: return std::ranges::any_of(condition.children, child);
    case ConditionKind::kAllOf:
    case ConditionKind::kAllTaskStatus: return std::ranges::all_of(condition.children, child);
    case ConditionKind::kTaskStatus: {
      if (condition.ns != spec.ns || condition.workflow != spec.name) return true;
      for (size_t i = 0; i < spec.tasks.size(); ++i) {
        if (spec.tasks[i].name != condition.task) continue;
        return startable[i] || (ran[i] && latest[i] == condition.status);
      }
      return false;
    }
  }
  return false;
}

}  // namespace

WorkflowSpec ReferenceSpec() {
  WorkflowSpec spec;
  spec.name = kReferenceWorkflow;
  spec.keep_open = true;
  ConditionSpec any;
  any.kind = ConditionKind::kAnyOf;
  any.children = {OnEvent("tick"), OnEvent("tock")};
  ConditionSpec both;
  both.kind = ConditionKind::kAllOf;
  both.name = "both";
  both.children = {OnEvent("tick"), OnEvent("tock")};
  ConditionSpec joined;
  joined.kind = ConditionKind::kAllTaskStatus;
  joined.children = {OnSuccess("a"), OnSuccess("b")};
  spec.tasks = {StartedBy("each", OnAlive::kQueue, OnEvent("tick")),
                StartedBy("any", OnAlive::kQueue, any),
                StartedBy("both", OnAlive::kQueue, both),
                StartedBy("a", OnAlive::kIgnore, OnEvent("ea")),
                StartedBy("b", OnAlive::kIgnore, OnEvent("eb")),
                StartedBy("joined", OnAlive::kQueue, joined),
                StartedBy("asked", OnAlive::kQueue, OnAnswer()),
                StartedBy("picked", OnAlive::kQueue, OnNumber()),
                StartedBy("valued", OnAlive::kQueue, OnValue())};
  spec.host = {"python", "flow.py", "python3", "3.11", "1.0"};
  return spec;
}

WorkflowSpec ReachedSpec() {
  WorkflowSpec spec;
  spec.name = kReachedWorkflow;
  TaskSpec& task = spec.tasks.emplace_back();
  task.name = "done";
  task.op = OperatorKind::kEmpty;
  HookSpec& hook = spec.hooks.emplace_back();
  hook.on_success = true;
  hook.command = "tell";
  return spec;
}

ConditionSpec ReachedCondition() { return OnAnswer(); }

std::map<TaskIndex, int64_t> ExpectedRuns(const ExecutionRow& execution,
                                          const std::vector<Event>& events) {
  std::map<TaskIndex, int64_t> runs{{kEach, 0}, {kAny, 0}, {kBoth, 0}, {kPicked, 0}, {kValued, 0}};
  bool ticked = false;
  bool tocked = false;
  for (const Event& event : events) {
    if (event.offset <= execution.created_offset || event.kind != EventKind::kUser) continue;
    const std::optional<ExecutionId> confined = ExecutionOf(event, nullptr);
    if (confined.has_value() ? *confined != execution.id
                             : MatchingNamespace(event.ns) != kDefaultNamespace) {
      continue;
    }
    if (event.key != "tick" && event.key != "tock") continue;
    if (event.key == "tick") ++runs[kEach];
    if (event.key == "tick" && HasNumber(event)) ++runs[kPicked];
    if (event.key == "tock" && HasValue(event)) ++runs[kValued];
    ++runs[kAny];
    (event.key == "tick" ? ticked : tocked) = true;
    if (ticked && tocked) {
      ++runs[kBoth];
      ticked = tocked = false;
    }
  }
  return runs;
}

void JoinReference::Changed(const TaskExecutionRow& row) {
  if ((row.task != kA && row.task != kB) || row.status == TaskStatus::kInit) return;
  Latest& latest = latest_[row.task];
  const bool changed = latest.sequence != row.sequence || latest.status != row.status;
  latest = {row.sequence, row.status};
  if (!changed || row.status != TaskStatus::kSuccess) return;
  const Latest& a = latest_[kA];
  const Latest& b = latest_[kB];
  if (a.status != TaskStatus::kSuccess || b.status != TaskStatus::kSuccess) return;
  const std::pair<int64_t, int64_t> now{a.sequence, b.sequence};
  if (now == last_) return;
  last_ = now;
  ++fired_;
}

bool MayWait(const WorkflowSpec& spec, const std::vector<bool>& ran,
             const std::vector<TaskStatus>& latest) {
  // Nothing is live. Least fixpoint: a task is startable when a rule that starts it can be met.
  std::vector<bool> startable(spec.tasks.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < spec.tasks.size(); ++i) {
      if (startable[i]) continue;
      const bool possible = std::ranges::any_of(spec.tasks[i].rules, [&](const RuleSpec& rule) {
        return rule.action != TaskAction::kStop &&
               Possible(rule.condition, spec, latest, ran, startable);
      });
      if (possible) startable[i] = changed = true;
    }
  }
  for (size_t i = 0; i < spec.tasks.size(); ++i) {
    if (spec.tasks[i].optional) continue;
    if (!spec.tasks[i].periodic.empty() || (!ran[i] && startable[i])) return true;
  }
  return false;
}

}  // namespace aiflow::sim
