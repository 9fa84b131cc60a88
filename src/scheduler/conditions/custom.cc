#include <algorithm>

#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

/// User code: it was asked about the events that it listens to, and only about them, before the
/// rule looks at them.
class CustomCondition final : public Condition {
 public:
  CustomCondition(std::vector<std::pair<std::string, TaskIndex>> keys, int32_t question,
                  int32_t slot)
      : keys_(std::move(keys)), question_(question), slot_(slot) {}

  void Observe(RuleScope& scope, bool latch) const override {
    if (!latch) return;
    if (const std::optional<bool> met = scope.Answer(question_)) scope.SetSlot(slot_, *met);
  }
  bool Touched(const RuleScope& scope) const override {
    return scope.Answer(question_).value_or(false);
  }
  bool Met(const RuleScope& scope) const override { return Touched(scope); }
  bool Holds(const RuleScope& scope) const override { return scope.Slot(slot_); }
  void Consume(RuleScope& /*scope*/) const override {}
  void ClearEvents(RuleScope& scope) const override { scope.SetSlot(slot_, false); }

  bool MayBeMet(const Outlook& outlook) const override {
    return std::any_of(keys_.begin(), keys_.end(), [&outlook](const auto& key) {
      return key.second < 0 || outlook.MayRun(key.second);
    });
  }
  bool MayHold(const Outlook& outlook) const override { return MayBeMet(outlook); }

 private:
  const std::vector<std::pair<std::string, TaskIndex>> keys_;
  const int32_t question_;
  const int32_t slot_;
};

}  // namespace

std::unique_ptr<const Condition> MakeCustom(std::vector<std::pair<std::string, TaskIndex>> keys,
                                            int32_t question, int32_t slot) {
  return std::make_unique<CustomCondition>(std::move(keys), question, slot);
}

}  // namespace aiflow
