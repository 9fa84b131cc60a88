#include <algorithm>

#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

class AllOf final : public Condition {
 public:
  explicit AllOf(ConditionList parts) : parts_(std::move(parts)) {}

  void Observe(RuleScope& scope, bool /*latch*/) const override {
    for (const auto& part : parts_) part->Observe(scope, /*latch=*/true);
  }
  bool Touched(const RuleScope& scope) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&scope](const auto& part) { return part->Touched(scope); });
  }
  // Slots of a met rule that lost are kept, so an event of another part of the rule must not fire
  // it.
  bool Met(const RuleScope& scope) const override { return Touched(scope) && Holds(scope); }
  bool Holds(const RuleScope& scope) const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [&scope](const auto& part) { return part->Holds(scope); });
  }
  void Consume(RuleScope& scope) const override {
    if (Met(scope)) ClearEvents(scope);
  }
  void ClearEvents(RuleScope& scope) const override {
    for (const auto& part : parts_) part->ClearEvents(scope);
  }

  bool MayBeMet(const Outlook& outlook) const override {
    return MayHold(outlook) &&
           std::any_of(parts_.begin(), parts_.end(),
                       [&outlook](const auto& part) { return part->MayBeMet(outlook); });
  }
  bool MayHold(const Outlook& outlook) const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [&outlook](const auto& part) { return part->MayHold(outlook); });
  }

 private:
  const ConditionList parts_;
};

}  // namespace

std::unique_ptr<const Condition> MakeAllOf(ConditionList parts) {
  return std::make_unique<AllOf>(std::move(parts));
}

}  // namespace aiflow
