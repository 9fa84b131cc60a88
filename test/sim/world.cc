#include "world.h"

#include <memory>
#include <utility>

#include "clients.h"
#include "sim_retention.h"
#include "sim_server.h"

namespace aiflow::sim {
namespace {

constexpr int64_t kSteps = 400;
/// Rounds after which what still goes on is taken for a cycle of rules, and stopped.
constexpr int kCycleRounds = 150;
constexpr int kMaxRounds = 1'500;
/// At rest, nothing comes due within this time.
constexpr Millis kSoon{30'000};

class World {
 public:
  World(uint64_t seed, Mutant mutant, bool keep_history)
      : chaos_(seed, mutant, keep_history), durable_(chaos_), clients_(durable_) {}

  SimOutcome Run() {
    clients_.Begin();
    while (chaos_.counts.steps < kSteps && !chaos_.failed()) Step();
    chaos_.faults = false;
    chaos_.now = std::max(chaos_.now, latest_);  // the clock is right again
    chaos_.Note("---- the faults end");
    clients_.PauseStarters();
    Settle(/*stop_cycles=*/true);
    if (!chaos_.failed()) durable_.checker.CheckRest(durable_.log.events());
    Retain(/*calm=*/true);
    clients_.PauseStarters();  // also what came in after the first time
    clients_.StopOpen(/*all=*/true);
    hooks_only_ = true;
    Settle(/*stop_cycles=*/false);
    CheckEnd();
    chaos_.counts.events = durable_.log.head();
    return {std::move(chaos_.failure), std::move(chaos_.history), chaos_.counts};
  }

 private:
  void Step() {
    ++chaos_.counts.steps;
    chaos_.now += Millis(chaos_.random.Below(50));
    // The machine slept, or its clock was set.
    if (chaos_.random.PerMille(10)) chaos_.now += Millis(chaos_.random.Below(150'000));
    latest_ = std::max(latest_, chaos_.now);
    if (chaos_.random.PerMille(5)) chaos_.now -= Millis(chaos_.random.Below(20'000));
    const int64_t dice = chaos_.random.Below(100);
    if (server_ == nullptr) {
      Begin();
    } else if (dice < 35) {
      server_->Run();
    } else if (dice < 55) {
      durable_.log.Sync(false);
    } else if (dice < 72) {
      for (int i = 0; i < 3; ++i) durable_.executor.Tick(false);
    } else if (dice < 75) {
      for (int i = 0; i < 3; ++i) server_->hosts().Tick(false);
      server_->hooks().Tick(false);
    } else if (dice < 90) {
      clients_.Act();
      clients_.Send(*server_);
    } else if (dice < 93) {
      clients_.SendAgain(*server_);
    } else if (dice < 97) {
      if (zombie_ != nullptr) {
        zombie_->Run();
        zombie_->hosts().Tick(false);
        zombie_->hooks().Tick(false);
      }
    } else if (dice < 98) {
      TakeOver();
    } else {
      if (chaos_.random.Percent(40)) server_->Die("from outside");
    }
    Reap();
    if (!retaining_ && server_ != nullptr && chaos_.random.PerMille(12)) Retain(/*calm=*/false);
  }

  /// One round of the server's retention, while the world goes on.
  void Retain(bool calm) {
    if (server_ == nullptr || chaos_.failed()) return;
    retaining_ = true;
    const auto step = [this, calm] {
      if (calm) {
        SettleRound();
      } else if (!chaos_.failed()) {
        Step();
      }
    };
    const Millis keep(calm ? 1 : 1 + chaos_.random.Below(60'000));
    const Millis before = chaos_.now - keep;
    SimRetention(durable_, *server_, step).Round(keep);
    retaining_ = false;
    if (calm && !chaos_.failed()) durable_.checker.model().CheckRetired(before);
  }

  void Begin() {
    server_ = std::make_unique<SimServer>(durable_, ++servers_);
    const Status recovered = server_->Recover();
    if (!recovered.ok()) server_->Die("because it could not recover");
  }

  /// Another server takes the lease while this one lives on and knows nothing of it.
  void TakeOver() {
    if (zombie_ != nullptr) return;
    ++chaos_.counts.takeovers;
    chaos_.Note("another server takes over");
    zombie_ = std::move(server_);
    clients_.Lost();
    Begin();
  }

  void Reap() {
    if (server_ != nullptr && server_->lease_lost()) {
      chaos_.Fail("the only server says that it lost the lease");
    }
    if (server_ != nullptr && server_->dead()) {
      // Log and server share a process, or they do not.
      if (chaos_.random.Percent(50)) durable_.log.Crash();
      durable_.executor.ServerCrash();
      server_.reset();
      clients_.Lost();
    }
    if (zombie_ != nullptr && (zombie_->dead() || zombie_->lease_lost())) zombie_.reset();
  }

  /// Without faults, everything comes to rest.
  void Settle(bool stop_cycles) {
    int round = 0;
    for (; round < kMaxRounds && !chaos_.failed(); ++round) {
      const bool busy = SettleRound();
      if (!busy && server_ != nullptr && !Wait()) {
        if (durable_.checker.model().quarantined(/*droppable=*/false).empty()) return;
        clients_.EndQuarantines();
        clients_.PauseStarters();  // also those whose request was quarantined
      }
      // More than once: an execution that waited for the end of another may be a cycle too.
      if (stop_cycles && round > 0 && round % kCycleRounds == 0) {
        clients_.PauseStarters();  // also a trigger that came meanwhile
        clients_.StopOpen(/*all=*/false);
      }
    }
    if (round == kMaxRounds) chaos_.Fail("it does not come to rest");
  }

  /// Everybody does what there is to do. False: there was nothing.
  bool SettleRound() {
    chaos_.now += Millis(1);
    if (server_ == nullptr) Begin();
    bool busy = clients_.Send(*server_);
    if (zombie_ != nullptr) busy = zombie_->Run() || busy;
    for (int i = 0; i < 100 && !server_->lease_lost() && server_->Run(); ++i) busy = true;
    if (!durable_.log.idle()) {
      durable_.log.Sync(true);
      busy = true;
    }
    for (int i = 0; i < 8; ++i) durable_.executor.Tick(true);
    busy = busy || !server_->hosts().idle() || !server_->hooks().idle();
    for (int i = 0; i < 8; ++i) {
      server_->hosts().Tick(true);
      server_->hooks().Tick(true);
    }
    busy = busy || !durable_.executor.idle() || !durable_.log.idle();
    Reap();
    return busy;
  }

  /// Lets time pass to what comes due soon: retries and limits, but not the next tick or schedule.
  /// Once everything has ended, also to the next try of a hook.
  bool Wait() {
    const std::optional<Millis> due = server_->engine().NextDue();
    if (!due.has_value()) return false;
    const bool hook = hooks_only_ && durable_.checker.model().hooks().has_hooks();
    if (*due > chaos_.now + kSoon && !hook) return false;
    chaos_.now = std::max(chaos_.now, *due);
    return true;
  }

  void CheckEnd() {
    if (chaos_.failed()) return;
    if (!durable_.checker.running().empty()) {
      chaos_.Fail("execution " + std::to_string(durable_.checker.running().front().value()) +
                  " does not end when it is stopped");
    }
    durable_.checker.CheckRest(durable_.log.events());
    durable_.checker.CheckLog(durable_.log.events());
    durable_.checker.model().CheckEnd();
    clients_.CheckEnd();
    const StoreMeta meta = *durable_.store.Meta();
    if (meta.committed != durable_.log.head()) {
      chaos_.Fail("at rest, offset " + std::to_string(meta.committed) + " of " +
                  std::to_string(durable_.log.head()) + " is committed");
    }
  }

  Chaos chaos_;
  Durable durable_;
  Clients clients_;
  std::unique_ptr<SimServer> server_;
  std::unique_ptr<SimServer> zombie_;  // lost the lease, and may not know it yet
  int servers_ = 0;
  bool retaining_ = false;   // a round of retention is under way
  bool hooks_only_ = false;  // everything else has been stopped
  Millis latest_{0};         // the highest time that the clock ever showed
};

}  // namespace

SimOutcome RunSeed(uint64_t seed, Mutant mutant, bool keep_history) {
  return World(seed, mutant, keep_history).Run();
}

}  // namespace aiflow::sim
