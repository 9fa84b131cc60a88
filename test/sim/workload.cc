#include "workload.h"

#include <array>

#include "model/event_keys.h"
#include "model/spec_json.h"

namespace aiflow::sim {
namespace {

constexpr std::array kKeys = {"tick", "tock", "ea", "eb", "e0", "e1", "e2", "ask"};
constexpr std::array kStatuses = {TaskStatus::kRunning, TaskStatus::kSuccess, TaskStatus::kSuccess,
                                  TaskStatus::kFailed, TaskStatus::kStopped};
constexpr std::array kOnAlive = {OnAlive::kIgnore, OnAlive::kQueue, OnAlive::kRestart};
constexpr std::array kOverlaps = {Overlap::kRestart, Overlap::kSkip, Overlap::kQueue};
constexpr std::array kCatchUps = {CatchUp::kNone, CatchUp::kOne, CatchUp::kAll};

template <typename Array>
auto PickOf(SimRandom& random, const Array& items) {
  return items[static_cast<size_t>(random.Below(static_cast<int64_t>(items.size())))];
}

/// Grows one workflow.
class Maker {
 public:
  Maker(SimRandom& random, int index, int workflows)
      : random_(random), index_(index), workflows_(workflows) {}

  WorkflowSpec Make() {
    WorkflowSpec spec;
    spec.name = WorkflowName(index_);
    spec.keep_open = random_.Percent(15);
    spec.host = {"python", "flow.py", "python3", "3.11", "1.0"};
    if (random_.Percent(20)) spec.concurrency = 1 + random_.Below(2);
    if (random_.Percent(20)) spec.max_active_executions = 1 + random_.Below(2);
    if (random_.Percent(10)) spec.execution_timeout = Millis(1'000 + random_.Below(60'000));
    while (random_.Percent(40) && spec.hooks.size() < 2) spec.hooks.push_back(Hook());
    if (random_.Percent(45)) {
      spec.params.push_back({.name = "n", .type = ParamType::kInteger, .default_json = "1"});
      if (random_.Percent(20)) spec.params.push_back({.name = "s"});
    }
    tasks_ = 1 + random_.Below(5);
    for (int64_t i = 0; i < tasks_; ++i) spec.tasks.push_back(Task(i));
    return spec;
  }

 private:
  HookSpec Hook() {
    HookSpec hook;
    hook.on_failure = random_.Percent(70);
    hook.on_success = !hook.on_failure || random_.Percent(50);
    if (random_.Percent(50)) {
      hook.command = "tell";
    } else {
      hook.url = "http://127.0.0.1:9/tell";
    }
    return hook;
  }

  TaskSpec Task(int64_t index) {
    TaskSpec task;
    task.name = TaskName(index);
    task.command = "true";
    task.on_alive = PickOf(random_, kOnAlive);
    task.max_pending_starts = random_.Percent(20) ? 2 : 1000;
    task.optional = random_.Percent(20);
    if (random_.Percent(15)) {
      task.op = OperatorKind::kEmpty;
      task.command.clear();
    } else {
      Limit(task);
    }
    if (random_.Percent(10)) {
      task.periodic = "interval@0 0 1 0";
      task.overlap = PickOf(random_, kOverlaps);
      task.catchup = PickOf(random_, kCatchUps);
    }
    const int64_t rules = random_.Percent(35) ? 0 : 1 + random_.Below(3);
    for (int64_t i = 0; i < rules; ++i) {
      const int64_t kind = random_.Below(10);
      task.rules.push_back({kind < 7   ? TaskAction::kStart
                            : kind < 9 ? TaskAction::kStop
                                       : TaskAction::kRestart,
                            Condition(0)});
    }
    return task;
  }

  /// Retries, time limits and slots, of a task with a process.
  void Limit(TaskSpec& task) {
    if (random_.Percent(30)) {
      task.retry = {.retries = 1 + random_.Below(2),
                    .delay = Millis(random_.Below(200)),
                    .exponential = random_.Percent(50)};
    }
    if (random_.Percent(15)) task.execution_timeout = Millis(50 + random_.Below(2'000));
    if (random_.Percent(15)) task.start_timeout = Millis(random_.Below(2) * 300);
    if (random_.Percent(15)) task.queue_timeout = Millis(100 + random_.Below(2'000));
    if (random_.Percent(20)) task.executor = random_.Percent(70) ? kFarm : kLocalExecutor;
    if (random_.Percent(25)) {
      task.pool = kPool;
      task.pool_slots = 1 + random_.Below(2);
    }
    task.priority = random_.Below(4);
  }

  ConditionSpec Condition(int depth) {
    const int64_t kind = random_.Below(depth == 0 ? 10 : 6);
    if (kind < 3) return EventLeaf();
    if (kind < 6) return StatusLeaf(random_.Percent(15));
    ConditionSpec condition;
    if (kind < 8) {
      condition.kind = kind == 6 ? ConditionKind::kAllOf : ConditionKind::kAnyOf;
      if (kind == 6) condition.name = "all" + std::to_string(++names_);
      for (int64_t i = 0; i < 2 + random_.Below(2); ++i) {
        condition.children.push_back(Condition(depth + 1));
      }
    } else {
      condition.kind = ConditionKind::kAllTaskStatus;
      for (int64_t i = 0; i < 1 + random_.Below(3); ++i) {
        condition.children.push_back(StatusLeaf(false));
      }
    }
    return condition;
  }

  ConditionSpec EventLeaf() {
    if (random_.Percent(15)) return UserWrittenLeaf();
    ConditionSpec leaf;
    leaf.kind = ConditionKind::kEvent;
    leaf.key = PickOf(random_, kKeys);
    if (random_.Percent(15)) {
      leaf.scope = random_.Percent(50) ? EventScope::kExecution : EventScope::kNamespace;
    }
    if (random_.Percent(15)) {
      FilterSpec& filter = leaf.filters.emplace_back();
      filter.field = FilterField::kContext;
      filter.pointer = "/n";
      filter.min = static_cast<double>(random_.Below(5));
      if (random_.Percent(50)) filter.max = static_cast<double>(random_.Below(8));
    } else if (random_.Percent(10)) {
      leaf.filters.emplace_back().one_of = {R"("v1")", R"("v2")", R"("v5")"};
    }
    return leaf;
  }

  ConditionSpec UserWrittenLeaf() {
    ConditionSpec leaf;
    leaf.kind = ConditionKind::kCustom;
    leaf.name = "custom";
    leaf.event_keys = {PickOf(random_, kKeys)};
    if (random_.Percent(30)) {
      const ConditionSpec status = StatusLeaf(random_.Percent(20));
      leaf.event_keys.push_back(StatusChangedKey(status.ns, status.workflow, status.task));
    }
    return leaf;
  }

  ConditionSpec StatusLeaf(bool foreign) {
    ConditionSpec leaf;
    leaf.kind = ConditionKind::kTaskStatus;
    leaf.ns = "default";
    leaf.workflow = WorkflowName(foreign ? random_.Below(workflows_) : index_);
    leaf.task = TaskName(random_.Below(tasks_));
    leaf.status = PickOf(random_, kStatuses);
    return leaf;
  }

  SimRandom& random_;
  const int index_;
  const int workflows_;
  int64_t tasks_ = 0;
  int names_ = 0;
};

}  // namespace

WorkflowSpec RandomWorkflow(SimRandom& random, int index, int workflows) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    WorkflowSpec spec = Maker(random, index, workflows).Make();
    if (ValidateWorkflowSpec(spec, nullptr).ok()) return spec;
  }
  WorkflowSpec plain;
  plain.name = WorkflowName(index);
  plain.tasks.emplace_back().name = TaskName(0);
  plain.tasks.back().command = "true";
  return plain;
}

Event RandomEvent(SimRandom& random, const std::vector<ExecutionId>& executions) {
  Event event;
  event.key = PickOf(random, kKeys);
  event.value = "v" + std::to_string(random.Below(10));
  event.ns = random.Percent(80) ? "default" : random.Percent(50) ? "" : "elsewhere";
  event.sender = random.Percent(80) ? "producer" : "another";
  if (!executions.empty() && random.Percent(30)) {
    const int64_t id = random.Pick(executions).value();
    event.context = random.Percent(80)
                        ? "{\"workflow_execution_id\":" + std::to_string(id) + "}"
                        : "{\"workflow_execution_id\":\"" + std::to_string(id) + "\"}";
  } else if (random.Percent(20)) {
    event.context = "{\"n\":" + std::to_string(random.Below(8)) + "}";
  } else if (random.Percent(5)) {
    event.context = "not json";
  }
  return event;
}

}  // namespace aiflow::sim
