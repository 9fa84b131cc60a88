#include "scheduler/rules.h"

#include <string>

#include "base/check.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

class DraftScope final : public RuleScope {
 public:
  DraftScope(ExecutionDraft& execution, const Occurrence& occurrence, RuleRef ref)
      : execution_(execution), occurrence_(occurrence), ref_(ref) {}

  const Occurrence& occurrence() const override { return occurrence_; }
  const TaskStatuses& tasks() const override { return execution_; }

  bool Slot(int32_t slot) const override {
    const RuleStateRow* row = execution_.FindRuleState(ref_);
    const auto index = static_cast<size_t>(slot);
    return row != nullptr && index < row->slots.size() && row->slots[index] != 0;
  }
  // A row is written only when it changes.
  void SetSlot(int32_t slot, bool met) override {
    if (Slot(slot) == met) return;
    std::vector<uint8_t>& slots = execution_.EditRuleState(ref_).slots;
    const auto index = static_cast<size_t>(slot);
    if (index >= slots.size()) slots.resize(index + 1, 0);
    slots[index] = met ? 1 : 0;
  }

  int64_t Fired(int32_t position) const override {
    const RuleStateRow* row = execution_.FindRuleState(ref_);
    const auto index = static_cast<size_t>(position);
    return row == nullptr || index >= row->fired.size() ? 0 : row->fired[index].second;
  }
  void SetFired(int32_t position, TaskIndex task, int64_t sequence) override {
    std::vector<std::pair<TaskIndex, int64_t>>& fired = execution_.EditRuleState(ref_).fired;
    const auto index = static_cast<size_t>(position);
    if (index >= fired.size()) fired.resize(index + 1, {0, 0});
    fired[index] = {task, sequence};
  }
  std::optional<bool> Answer(int32_t /*question*/) const override { return std::nullopt; }

 private:
  ExecutionDraft& execution_;
  const Occurrence& occurrence_;
  const RuleRef ref_;
};

std::string_view ActionName(TaskAction action) {
  switch (action) {
    case TaskAction::kStart: return "START";
    case TaskAction::kStop: return "STOP";
    case TaskAction::kRestart: return "RESTART";
  }
  return "";
}

void Act(ExecutionDraft& execution, const Occurrence& occurrence, RuleRef ref) {
  const TaskAction action = execution.workflow().rule(ref).action;
  Why why;
  why.rule = ref.rule;
  why.stop_cause = StopCause::kRule;
  why.text = std::string(ActionName(action)) + " by rule " + std::to_string(ref.rule + 1) + ": " +
             occurrence.text + " at offset " + std::to_string(execution.draft().offset());
  switch (action) {
    case TaskAction::kStart: StartTask(execution, ref.task, why); break;
    case TaskAction::kRestart: RestartTask(execution, ref.task, why); break;
    case TaskAction::kStop:
      StopTask(execution, ref.task, why);  // a task that never ran: nothing to do
      break;
  }
}

}  // namespace

void ApplyRules(ExecutionDraft& execution, const Occurrence& occurrence,
                const std::vector<RuleRef>& refs) {
  CHECK(execution.running()) << "execution " << execution.id() << " takes no events";
  std::vector<RuleRef> winners;
  for (const RuleRef ref : refs) {
    DraftScope scope(execution, occurrence, ref);
    const Condition& condition = *execution.workflow().rule(ref).condition;
    condition.Observe(scope, /*latch=*/false);
    const bool decided = !winners.empty() && winners.back().task == ref.task;
    if (!decided && condition.Met(scope)) winners.push_back(ref);
  }
  // A firing is used up also when its action turns out to be ignored; and before any action changes
  // what the conditions look at.
  for (const RuleRef ref : winners) {
    DraftScope scope(execution, occurrence, ref);
    execution.workflow().rule(ref).condition->Consume(scope);
  }
  for (const RuleRef ref : winners) Act(execution, occurrence, ref);
}

void ForgetEvents(ExecutionDraft& execution, RuleRef ref) {
  const Occurrence nothing;
  DraftScope scope(execution, nothing, ref);
  execution.workflow().rule(ref).condition->ClearEvents(scope);
}

}  // namespace aiflow
