#include "engine/engine_counters.h"

#include <gtest/gtest.h>

#include <numeric>

#include "model/status_changed.h"

namespace aiflow {
namespace {

TEST(EngineCountersTest, CountAnnouncementsEndsAndDelays) {
  AttemptKey attempt;
  attempt.execution = ExecutionId(1);
  std::vector<Event> decided = {
      StatusChangedEvent("default", "w", "a", attempt, TaskStatus::kRunning),
      StatusChangedEvent("default", "w", "a", attempt, TaskStatus::kSuccess), Event{}};
  for (Event& event : decided) event.create_time = Millis(1'000);
  EngineCounters counters;
  counters.Note(
      {.ended = {ExecutionStatus::kSuccess, ExecutionStatus::kFailed}, .decided = decided},
      Millis(1'400));
  const auto of = [&counters](TaskStatus status) {
    return counters.status_changes.at(static_cast<size_t>(status)).load();
  };
  EXPECT_EQ(of(TaskStatus::kRunning), 1);
  EXPECT_EQ(of(TaskStatus::kSuccess), 1);
  EXPECT_EQ(of(TaskStatus::kFailed), 0);
  EXPECT_EQ(counters.ended_executions.at(static_cast<size_t>(ExecutionStatus::kFailed)), 1);
  const auto delays = counters.decided.Read();
  EXPECT_EQ(std::accumulate(delays.counts.begin(), delays.counts.end(), int64_t{0}), 3);
  EXPECT_NEAR(delays.sum_seconds, 1.2, 1e-6);
}

}  // namespace
}  // namespace aiflow
