#include <algorithm>

#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

class AnyOf final : public Condition {
 public:
  explicit AnyOf(ConditionList parts) : parts_(std::move(parts)) {}

  void Observe(RuleScope& scope, bool latch) const override {
    for (const auto& part : parts_) part->Observe(scope, latch);
  }
  bool Touched(const RuleScope& scope) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&scope](const auto& part) { return part->Touched(scope); });
  }
  bool Met(const RuleScope& scope) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&scope](const auto& part) { return part->Met(scope); });
  }
  bool Holds(const RuleScope& scope) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&scope](const auto& part) { return part->Holds(scope); });
  }
  void Consume(RuleScope& scope) const override {
    for (const auto& part : parts_) part->Consume(scope);
  }
  void ClearEvents(RuleScope& scope) const override {
    for (const auto& part : parts_) part->ClearEvents(scope);
  }

  bool MayBeMet(const Outlook& outlook) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&outlook](const auto& part) { return part->MayBeMet(outlook); });
  }
  bool MayHold(const Outlook& outlook) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&outlook](const auto& part) { return part->MayHold(outlook); });
  }

 private:
  const ConditionList parts_;
};

}  // namespace

std::unique_ptr<const Condition> MakeAnyOf(ConditionList parts) {
  return std::make_unique<AnyOf>(std::move(parts));
}

}  // namespace aiflow
