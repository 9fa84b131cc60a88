#include <gtest/gtest.h>

#include <map>

#include "scheduler/conditions/condition.h"

namespace aiflow {
namespace {

using S = TaskStatus;

/// One rule over tasks whose statuses are set by hand: also those that no workflow reaches yet,
/// such as a second RUNNING of the same run after RETRYING.
class HandScope final : public RuleScope, public TaskStatuses {
 public:
  const Occurrence& occurrence() const override { return occurrence_; }
  const TaskStatuses& tasks() const override { return *this; }
  bool Slot(int32_t slot) const override { return slots_.contains(slot) && slots_.at(slot); }
  void SetSlot(int32_t slot, bool met) override { slots_[slot] = met; }
  int64_t Fired(int32_t position) const override {
    return fired_.contains(position) ? fired_.at(position) : 0;
  }
  void SetFired(int32_t position, TaskIndex /*task*/, int64_t sequence) override {
    fired_[position] = sequence;
  }
  std::optional<bool> Answer(int32_t /*question*/) const override { return std::nullopt; }
  std::optional<TaskStatus> LatestStatus(TaskIndex task) const override {
    return statuses_.contains(task) ? std::optional(statuses_.at(task)) : std::nullopt;
  }
  int64_t LatestSequence(TaskIndex task) const override {
    return sequences_.contains(task) ? sequences_.at(task) : 0;
  }

  /// The task reaches the status now. True when the join fires, which consumes the vector.
  bool Reach(const Condition& join, TaskIndex task, int64_t sequence, S status) {
    statuses_[task] = status;
    sequences_[task] = sequence;
    occurrence_.task = task;
    occurrence_.status = status;
    join.Observe(*this, /*latch=*/false);
    const bool met = join.Met(*this);
    if (met) join.Consume(*this);
    return met;
  }

 private:
  Occurrence occurrence_;
  std::map<int32_t, bool> slots_;
  std::map<int32_t, int64_t> fired_;
  std::map<TaskIndex, TaskStatus> statuses_;
  std::map<TaskIndex, int64_t> sequences_;
};

TEST(JoinTest, Rule19TheSameVectorFiresOnce) {
  const auto join = MakeAllTaskStatus({{0, S::kRunning}, {1, S::kSuccess}}, 0);
  HandScope scope;
  EXPECT_FALSE(scope.Reach(*join, 0, 1, S::kRunning));
  EXPECT_TRUE(scope.Reach(*join, 1, 1, S::kSuccess));
  EXPECT_FALSE(scope.Reach(*join, 0, 1, S::kRetrying));
  EXPECT_FALSE(scope.Reach(*join, 0, 1, S::kRunning)) << "the second try of the same run";
  EXPECT_TRUE(scope.Reach(*join, 0, 2, S::kRunning)) << "another run";
}

TEST(JoinTest, Rule19OnlyAnEventOfAnUpstreamFires) {
  const auto join = MakeAllTaskStatus({{0, S::kSuccess}}, 0);
  HandScope scope;
  EXPECT_FALSE(scope.Reach(*join, 5, 1, S::kSuccess));
  EXPECT_TRUE(scope.Reach(*join, 0, 1, S::kSuccess));
}

TEST(JoinTest, JoinsOfOneRuleHaveTheirOwnVectors) {
  ConditionList parts;
  parts.push_back(MakeAllTaskStatus({{0, S::kSuccess}, {1, S::kSuccess}}, 0));
  parts.push_back(MakeAllTaskStatus({{2, S::kSuccess}}, 2));
  const auto either = MakeAnyOf(std::move(parts));
  HandScope scope;
  EXPECT_FALSE(scope.Reach(*either, 0, 1, S::kSuccess));
  EXPECT_TRUE(scope.Reach(*either, 2, 1, S::kSuccess));
  EXPECT_TRUE(scope.Reach(*either, 1, 1, S::kSuccess)) << "not used up by the other";
  EXPECT_FALSE(scope.Reach(*either, 2, 1, S::kSuccess));
}

}  // namespace
}  // namespace aiflow
