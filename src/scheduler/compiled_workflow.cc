#include "scheduler/compiled_workflow.h"

#include "base/check.h"
#include "model/event_keys.h"

namespace aiflow {

CompiledWorkflow::CompiledWorkflow(std::shared_ptr<const WorkflowSpec> spec)
    : spec_(std::move(spec)), tasks_(spec_->tasks.size()), by_status_(spec_->tasks.size()) {
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const std::string& name = spec_->tasks[i].name;
    task_index_.emplace(name, static_cast<TaskIndex>(i));
    own_status_keys_.emplace(StatusChangedKey(spec_->ns, spec_->name, name),
                             static_cast<TaskIndex>(i));
  }
  for (size_t i = 0; i < tasks_.size(); ++i) {
    for (const RuleSpec& rule : spec_->tasks[i].rules) {
      Cursor cursor;
      cursor.ref = {static_cast<TaskIndex>(i), static_cast<RuleIndex>(tasks_[i].rules.size())};
      tasks_[i].rules.push_back({rule.action, Compile(rule.condition, cursor)});
      if (rule.action == TaskAction::kStart) tasks_[i].starts_alone = false;
    }
  }
  own_status_keys_.clear();
}

TaskIndex CompiledWorkflow::FindTask(std::string_view name) const {
  const auto found = task_index_.find(name);
  return found == task_index_.end() ? -1 : found->second;
}

void CompiledWorkflow::Add(std::vector<RuleRef>& refs, RuleRef ref) {
  if (refs.empty() || refs.back() != ref) refs.push_back(ref);
}

std::unique_ptr<const Condition> CompiledWorkflow::Compile(const ConditionSpec& spec,
                                                           Cursor& cursor) {
  switch (spec.kind) {
    case ConditionKind::kEvent: return CompileEvent(spec, cursor);
    case ConditionKind::kTaskStatus: return CompileStatus(spec, cursor);
    case ConditionKind::kAllTaskStatus: return CompileJoin(spec, cursor);
    case ConditionKind::kAllOf:
    case ConditionKind::kAnyOf: {
      ConditionList parts;
      for (const ConditionSpec& child : spec.children) parts.push_back(Compile(child, cursor));
      return spec.kind == ConditionKind::kAllOf ? MakeAllOf(std::move(parts))
                                                : MakeAnyOf(std::move(parts));
    }
    case ConditionKind::kCustom: break;  // refused at upload
  }
  CHECK(false) << "workflow " << spec_->ns << "." << spec_->name << ": condition kind "
               << static_cast<int>(spec.kind) << " cannot be compiled";
  return nullptr;
}

std::unique_ptr<const Condition> CompiledWorkflow::CompileEvent(const ConditionSpec& spec,
                                                                Cursor& cursor) {
  TaskIndex own_task = -1;
  if (spec.key.starts_with(kStatusChangedKeyPrefix)) {
    // Status keys never come as ordinary events: they are this workflow's, or another's.
    const auto own = own_status_keys_.find(spec.key);
    if (own != own_status_keys_.end()) {
      own_task = own->second;
      Add(by_status_[static_cast<size_t>(own_task)], cursor.ref);
    } else {
      Add(by_foreign_key_[spec.key], cursor.ref);
    }
  } else {
    Add(by_event_key_[spec.key], cursor.ref);
  }
  return MakeEventCondition(spec.key, own_task, cursor.slots++);
}

std::unique_ptr<const Condition> CompiledWorkflow::CompileStatus(const ConditionSpec& spec,
                                                                 Cursor& cursor) {
  if (spec.ns == spec_->ns && spec.workflow == spec_->name) {
    const TaskIndex task = FindTask(spec.task);
    CHECK(task >= 0) << "unknown task " << spec.task;
    Add(by_status_[static_cast<size_t>(task)], cursor.ref);
    return MakeTaskStatus(task, spec.status);
  }
  std::string key = StatusChangedKey(spec.ns, spec.workflow, spec.task);
  Add(by_foreign_key_[key], cursor.ref);
  return MakeForeignTaskStatus(std::move(key), spec.status, cursor.slots++);
}

std::unique_ptr<const Condition> CompiledWorkflow::CompileJoin(const ConditionSpec& spec,
                                                               Cursor& cursor) {
  std::vector<std::pair<TaskIndex, TaskStatus>> upstreams;
  for (const ConditionSpec& child : spec.children) {
    const TaskIndex task = FindTask(child.task);
    CHECK(task >= 0) << "unknown task " << child.task;
    Add(by_status_[static_cast<size_t>(task)], cursor.ref);
    upstreams.emplace_back(task, child.status);
  }
  const int32_t first = cursor.fired;
  cursor.fired += static_cast<int32_t>(upstreams.size());
  return MakeAllTaskStatus(std::move(upstreams), first);
}

}  // namespace aiflow
