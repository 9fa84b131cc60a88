#include "sim_hooks.h"

#include <string>

#include "hook_checker.h"

namespace aiflow::sim {
namespace {

/// Whatever this hook is about to tell, nobody listens.
bool IsDeaf(OutboxId id) { return id.value() * 2654435761 % 11 == 3; }

}  // namespace

void SimHooks::Send(HookDelivery delivery, Done done) {
  if (pulse_->dead) return;
  if (chaos_.mutant == Mutant::kHookKeyChanges) delivery.key += "/" + std::to_string(server_);
  // It may be told at once, and the server die before it hears of that.
  if (chaos_.faults && !IsDeaf(delivery.id) && chaos_.random.Percent(10)) Tell(delivery);
  tries_.push_back({std::move(delivery), std::move(done)});
}

void SimHooks::Tell(const HookDelivery& delivery) {
  if (chaos_.mutant == Mutant::kHookNotTold && chaos_.random.Percent(20)) return;
  world_.OnTold(delivery);
}

void SimHooks::Tick(bool calm) {
  if (tries_.empty() || pulse_->dead) return;
  const auto at = tries_.begin() + static_cast<std::ptrdiff_t>(
                                       chaos_.random.Below(static_cast<int64_t>(tries_.size())));
  const int64_t dice = calm ? 0 : chaos_.random.Below(100);
  if (dice >= 85) return;  // later
  const Try one = *at;
  const bool twice = !calm && chaos_.random.Percent(5);
  if (!twice) tries_.erase(at);
  const bool fails = IsDeaf(one.delivery.id) || dice >= 55;
  if (!fails || (dice >= 75 && !IsDeaf(one.delivery.id))) Tell(one.delivery);
  if (fails) chaos_.Meet(Met::kHookFailed);
  one.done(fails ? "nobody listens" : "");
}

}  // namespace aiflow::sim
