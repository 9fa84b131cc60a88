#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

class EventCondition final : public Condition {
 public:
  EventCondition(const ConditionSpec& spec, TaskIndex own_task, int32_t slot)
      : key_(spec.key),
        filters_(spec.filters),
        scope_(spec.scope),
        own_task_(own_task),
        slot_(slot) {}

  void Observe(RuleScope& scope, bool latch) const override {
    if (latch && Touched(scope)) scope.SetSlot(slot_, true);
  }
  bool Touched(const RuleScope& scope) const override {
    const Occurrence& now = scope.occurrence();
    if (now.key != key_) return false;
    if (now.fields == nullptr) return filters_.empty() && scope_ != EventScope::kNamespace;
    return now.fields->IsWithin(scope_) && now.fields->Meets(filters_);
  }
  bool Met(const RuleScope& scope) const override { return Touched(scope); }
  bool Holds(const RuleScope& scope) const override { return scope.Slot(slot_); }
  void Consume(RuleScope& /*scope*/) const override {}
  void ClearEvents(RuleScope& scope) const override { scope.SetSlot(slot_, false); }

  // Anybody may send an event at any time, but only the task itself announces its status.
  bool MayBeMet(const Outlook& outlook) const override {
    return own_task_ < 0 || outlook.MayRun(own_task_);
  }
  bool MayHold(const Outlook& outlook) const override { return MayBeMet(outlook); }

 private:
  const std::string key_;
  const std::vector<FilterSpec> filters_;
  const EventScope scope_;
  const TaskIndex own_task_;
  const int32_t slot_;
};

}  // namespace

std::unique_ptr<const Condition> MakeEventCondition(const ConditionSpec& spec, TaskIndex own_task,
                                                    int32_t slot) {
  return std::make_unique<EventCondition>(spec, own_task, slot);
}

}  // namespace aiflow
