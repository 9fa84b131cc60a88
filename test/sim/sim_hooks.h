#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "chaos.h"
#include "engine/hook_sender.h"

namespace aiflow::sim {

class HookChecker;

/// What tells the world of ends, in one server: it tells, fails, tells and calls that a failure,
/// answers late, twice, or not before the server dies. Some hooks are never told, whoever tries.
/// Single-threaded.
class SimHooks final : public HookSender {
 public:
  /// `server`: which one it is.
  SimHooks(Chaos& chaos, HookChecker& world, std::shared_ptr<const Pulse> pulse, int server)
      : chaos_(chaos), world_(world), pulse_(std::move(pulse)), server_(server) {}

  void Send(HookDelivery delivery, Done done) override;

  /// By chance, something becomes of a try. `calm`: for sure, and of most it is a delivery.
  void Tick(bool calm);
  [[nodiscard]] bool idle() const { return tries_.empty(); }

 private:
  struct Try {
    HookDelivery delivery;
    Done done;
  };

  void Tell(const HookDelivery& delivery);

  Chaos& chaos_;
  HookChecker& world_;
  const std::shared_ptr<const Pulse> pulse_;
  const int server_;
  std::vector<Try> tries_;
};

}  // namespace aiflow::sim
