#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "chaos.h"
#include "engine/condition_evaluator.h"

namespace aiflow::sim {

class Checker;

/// What the hosts say to a question of the reference workflows: the same, whoever asks and
/// whenever.
enum class Verdict { kMet, kNotMet, kError };
Verdict ReferenceVerdict(uint64_t seed, OutboxId question);

/// The condition hosts of one server: they answer what they like, late, twice, or not before the
/// server dies. Every answer counts the answers of its scope in a state. Single-threaded.
class SimHosts final : public ConditionEvaluator {
 public:
  SimHosts(Chaos& chaos, const Checker& checker, std::shared_ptr<const Pulse> pulse)
      : chaos_(chaos), checker_(checker), pulse_(std::move(pulse)) {}

  void Ask(ConditionQuestion question, Done done) override;
  void Withdraw(OutboxId id) override { asked_.erase(id); }

  /// By chance, a host answers. `calm`: one does for sure, and once.
  void Tick(bool calm);
  [[nodiscard]] bool idle() const { return asked_.empty(); }

 private:
  struct Asked {
    ConditionQuestion question;
    Done done;
  };

  ConditionAnswer Think(const ConditionQuestion& question);

  Chaos& chaos_;
  const Checker& checker_;
  const std::shared_ptr<const Pulse> pulse_;
  std::map<OutboxId, Asked> asked_;
};

/// The state that counts the answers of a scope.
inline constexpr const char* kAnswersState = "answers";

}  // namespace aiflow::sim
