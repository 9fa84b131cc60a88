#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

/// No state of its own: below all-of it mirrors the task.
class LocalTaskStatus final : public Condition {
 public:
  LocalTaskStatus(TaskIndex task, TaskStatus status) : task_(task), status_(status) {}

  void Observe(RuleScope& /*scope*/, bool /*latch*/) const override {}
  bool Touched(const RuleScope& scope) const override {
    return scope.occurrence().task == task_ && scope.occurrence().status == status_;
  }
  bool Met(const RuleScope& scope) const override { return Touched(scope); }
  bool Holds(const RuleScope& scope) const override {
    return scope.tasks().LatestStatus(task_) == status_;
  }
  void Consume(RuleScope& /*scope*/) const override {}
  void ClearEvents(RuleScope& /*scope*/) const override {}

  bool MayBeMet(const Outlook& outlook) const override { return outlook.MayRun(task_); }
  bool MayHold(const Outlook& outlook) const override {
    return outlook.tasks().LatestStatus(task_) == status_ || outlook.MayRun(task_);
  }

 private:
  const TaskIndex task_;
  const TaskStatus status_;
};

/// The slot holds whether the last announcement seen had the status; firing does not clear it.
class ForeignTaskStatus final : public Condition {
 public:
  ForeignTaskStatus(std::string key, TaskStatus status, int32_t slot)
      : key_(std::move(key)), status_(status), slot_(slot) {}

  void Observe(RuleScope& scope, bool latch) const override {
    if (latch && scope.occurrence().key == key_) scope.SetSlot(slot_, Touched(scope));
  }
  bool Touched(const RuleScope& scope) const override {
    return scope.occurrence().key == key_ && scope.occurrence().status == status_;
  }
  bool Met(const RuleScope& scope) const override { return Touched(scope); }
  bool Holds(const RuleScope& scope) const override { return scope.Slot(slot_); }
  void Consume(RuleScope& /*scope*/) const override {}
  void ClearEvents(RuleScope& /*scope*/) const override {}

  bool MayBeMet(const Outlook& /*outlook*/) const override { return true; }
  bool MayHold(const Outlook& /*outlook*/) const override { return true; }

 private:
  const std::string key_;
  const TaskStatus status_;
  const int32_t slot_;
};

}  // namespace

std::unique_ptr<const Condition> MakeTaskStatus(TaskIndex task, TaskStatus status) {
  return std::make_unique<LocalTaskStatus>(task, status);
}

std::unique_ptr<const Condition> MakeForeignTaskStatus(std::string key, TaskStatus status,
                                                       int32_t slot) {
  return std::make_unique<ForeignTaskStatus>(std::move(key), status, slot);
}

}  // namespace aiflow
