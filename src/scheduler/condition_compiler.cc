#include "scheduler/condition_compiler.h"

#include <algorithm>

#include "base/check.h"
#include "model/event_keys.h"

namespace aiflow {
namespace {

template <typename T>
void AddOnce(std::vector<T>& items, const T& item) {
  if (std::find(items.begin(), items.end(), item) == items.end()) items.push_back(item);
}

}  // namespace

/// One condition while it is compiled: its parts so far, and the positions given out.
struct ConditionCompiler::Work {
  CompiledCondition out;
  int32_t slots = 0;
  int32_t fired = 0;
  std::unordered_map<TaskIndex, bool> own;  // those in out.own_tasks: joins name very many
};

ConditionCompiler::ConditionCompiler(const WorkflowSpec& spec) : spec_(&spec) {
  for (size_t i = 0; i < spec.tasks.size(); ++i) {
    own_status_keys_.emplace(StatusChangedKey(spec.ns, spec.name, spec.tasks[i].name),
                             static_cast<TaskIndex>(i));
  }
}

CompiledCondition ConditionCompiler::Compile(const ConditionSpec& condition) const {
  Work work;
  work.out.condition = Node(condition, work);
  return std::move(work.out);
}

std::unique_ptr<const Condition> ConditionCompiler::Node(const ConditionSpec& condition,
                                                         Work& work) const {
  switch (condition.kind) {
    case ConditionKind::kEvent: return Event(condition, work);
    case ConditionKind::kTaskStatus: return Status(condition, work);
    case ConditionKind::kAllTaskStatus: return Join(condition, work);
    case ConditionKind::kCustom: return Custom(condition, work);
    case ConditionKind::kAllOf:
    case ConditionKind::kAnyOf: break;
  }
  ConditionList parts;
  for (const ConditionSpec& child : condition.children) parts.push_back(Node(child, work));
  return condition.kind == ConditionKind::kAllOf ? MakeAllOf(std::move(parts))
                                                 : MakeAnyOf(std::move(parts));
}

TaskIndex ConditionCompiler::Listen(const std::string& key, Work& work) const {
  if (!key.starts_with(kStatusChangedKeyPrefix)) {
    AddOnce(work.out.event_keys, key);
    return -1;
  }
  // Status keys never come as ordinary events: they are this workflow's, or another's.
  const auto own = own_status_keys_.find(key);
  if (own == own_status_keys_.end()) {
    AddOnce(work.out.foreign_keys, key);
    return -1;
  }
  if (work.own.emplace(own->second, true).second) work.out.own_tasks.push_back(own->second);
  return own->second;
}

TaskIndex ConditionCompiler::OwnTask(const ConditionSpec& leaf) const {
  if (spec_ == nullptr || leaf.ns != spec_->ns || leaf.workflow != spec_->name) return -1;
  const auto own = own_status_keys_.find(StatusChangedKey(leaf.ns, leaf.workflow, leaf.task));
  CHECK(own != own_status_keys_.end()) << "unknown task " << leaf.task;
  return own->second;
}

std::unique_ptr<const Condition> ConditionCompiler::Event(const ConditionSpec& condition,
                                                          Work& work) const {
  const TaskIndex own_task = Listen(condition.key, work);
  return MakeEventCondition(condition, own_task, work.slots++);
}

std::unique_ptr<const Condition> ConditionCompiler::Status(const ConditionSpec& condition,
                                                           Work& work) const {
  std::string key = StatusChangedKey(condition.ns, condition.workflow, condition.task);
  Listen(key, work);
  const TaskIndex task = OwnTask(condition);
  if (task >= 0) return MakeTaskStatus(task, condition.status);
  return MakeForeignTaskStatus(std::move(key), condition.status, work.slots++);
}

std::unique_ptr<const Condition> ConditionCompiler::Join(const ConditionSpec& condition,
                                                         Work& work) const {
  std::vector<std::pair<TaskIndex, TaskStatus>> upstreams;
  for (const ConditionSpec& child : condition.children) {
    const TaskIndex task = OwnTask(child);
    CHECK(task >= 0) << "a join of " << child.workflow << "." << child.task;
    if (work.own.emplace(task, true).second) work.out.own_tasks.push_back(task);
    upstreams.emplace_back(task, child.status);
  }
  const int32_t first = work.fired;
  work.fired += static_cast<int32_t>(upstreams.size());
  return MakeAllTaskStatus(std::move(upstreams), first);
}

std::unique_ptr<const Condition> ConditionCompiler::Custom(const ConditionSpec& condition,
                                                           Work& work) const {
  std::vector<std::pair<std::string, TaskIndex>> keys;
  for (const std::string& key : condition.event_keys) {
    keys.emplace_back(key, Listen(key, work));
  }
  const auto question = static_cast<int32_t>(work.out.questions.size());
  work.out.questions.push_back({condition.name, condition.event_keys});
  return MakeCustom(std::move(keys), question, work.slots++);
}

}  // namespace aiflow
