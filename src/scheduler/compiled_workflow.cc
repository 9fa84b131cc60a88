#include "scheduler/compiled_workflow.h"

#include "base/check.h"

namespace aiflow {

CompiledWorkflow::CompiledWorkflow(std::shared_ptr<const WorkflowSpec> spec)
    : spec_(std::move(spec)), tasks_(spec_->tasks.size()), by_status_(spec_->tasks.size()) {
  const ConditionCompiler compiler(*spec_);
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const TaskSpec& task = spec_->tasks[i];
    task_index_.emplace(task.name, static_cast<TaskIndex>(i));
    for (const RuleSpec& rule : task.rules) {
      const RuleRef ref{static_cast<TaskIndex>(i), static_cast<RuleIndex>(tasks_[i].rules.size())};
      CompiledCondition compiled = compiler.Compile(rule.condition);
      for (const std::string& key : compiled.event_keys) by_event_key_[key].push_back(ref);
      for (const std::string& key : compiled.foreign_keys) by_foreign_key_[key].push_back(ref);
      for (const TaskIndex own : compiled.own_tasks) {
        by_status_[static_cast<size_t>(own)].push_back(ref);
        tasks_[i].upstream.insert(own);
      }
      tasks_[i].rules.push_back(
          {rule.action, std::move(compiled.condition), std::move(compiled.questions)});
      if (rule.action == TaskAction::kStart) tasks_[i].starts_alone = false;
    }
    if (task.periodic.empty()) continue;
    const Result<Recurrence> periodic = Recurrence::Parse(task.periodic, spec_->timezone);
    CHECK(periodic.has_value()) << periodic.error().message();
    tasks_[i].periodic = *periodic;
    tasks_[i].starts_alone = true;
    has_periodic_ = true;
  }
}

TaskIndex CompiledWorkflow::FindTask(std::string_view name) const {
  const auto found = task_index_.find(name);
  return found == task_index_.end() ? -1 : found->second;
}

}  // namespace aiflow
