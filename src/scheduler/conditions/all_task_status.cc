#include <algorithm>

#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

class AllTaskStatus final : public Condition {
 public:
  AllTaskStatus(std::vector<std::pair<TaskIndex, TaskStatus>> upstreams, int32_t fired)
      : upstreams_(std::move(upstreams)), fired_(fired) {}

  void Observe(RuleScope& /*scope*/, bool /*latch*/) const override {}
  bool Touched(const RuleScope& scope) const override {
    const Occurrence& now = scope.occurrence();
    return now.task >= 0 &&
           std::any_of(upstreams_.begin(), upstreams_.end(), [&now](const auto& upstream) {
             return upstream.first == now.task && upstream.second == now.status;
           });
  }
  bool Met(const RuleScope& scope) const override {
    return Touched(scope) && Holds(scope) && IsNewVector(scope);
  }
  bool Holds(const RuleScope& scope) const override {
    return std::all_of(upstreams_.begin(), upstreams_.end(), [&scope](const auto& upstream) {
      return scope.tasks().LatestStatus(upstream.first) == upstream.second;
    });
  }
  void Consume(RuleScope& scope) const override {
    if (!Met(scope)) return;
    for (size_t i = 0; i < upstreams_.size(); ++i) {
      const TaskIndex task = upstreams_[i].first;
      scope.SetFired(Position(i), task, scope.tasks().LatestSequence(task));
    }
  }
  void ClearEvents(RuleScope& /*scope*/) const override {}

  bool MayBeMet(const Outlook& outlook) const override {
    return MayHold(outlook) &&
           std::any_of(upstreams_.begin(), upstreams_.end(),
                       [&outlook](const auto& upstream) { return outlook.MayRun(upstream.first); });
  }
  bool MayHold(const Outlook& outlook) const override {
    return std::all_of(upstreams_.begin(), upstreams_.end(), [&outlook](const auto& upstream) {
      return outlook.tasks().LatestStatus(upstream.first) == upstream.second ||
             outlook.MayRun(upstream.first);
    });
  }

 private:
  [[nodiscard]] int32_t Position(size_t i) const { return fired_ + static_cast<int32_t>(i); }
  [[nodiscard]] bool IsNewVector(const RuleScope& scope) const {
    for (size_t i = 0; i < upstreams_.size(); ++i) {
      if (scope.Fired(Position(i)) != scope.tasks().LatestSequence(upstreams_[i].first)) {
        return true;
      }
    }
    return false;
  }

  const std::vector<std::pair<TaskIndex, TaskStatus>> upstreams_;
  const int32_t fired_;
};

}  // namespace

std::unique_ptr<const Condition> MakeAllTaskStatus(
    std::vector<std::pair<TaskIndex, TaskStatus>> upstreams, int32_t fired) {
  return std::make_unique<AllTaskStatus>(std::move(upstreams), fired);
}

}  // namespace aiflow
