#pragma once

#include <memory>

#include "engine/condition_evaluator.h"
#include "hosts/host_planner.h"
#include "hosts/host_pool.h"

namespace aiflow::hosts {

/// Owns the thread of a HostPool. Without questions it sleeps, for good. Thread-safe.
class HostLoop final : public ConditionEvaluator {
 public:
  /// `planner` must outlive the loop; only its thread calls it.
  HostLoop(HostPlanner& planner, HostPoolOptions options);
  ~HostLoop() override;

  void Ask(ConditionQuestion question, Done done) override;
  void Withdraw(OutboxId id) override;

  /// As of the last time its thread did something.
  [[nodiscard]] HostPoolStats stats() const;

  /// Kills all hosts. Questions that wait stay unanswered. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::hosts
