#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "model/hook_call.h"
#include "model/ids.h"

namespace aiflow {

/// One try to tell the world how an execution has ended.
struct HookDelivery {
  OutboxId id;
  int64_t tries = 0;  // failed ones before
  std::string key;    // the same for every try of this hook, and of no other one
  HookCall call;
};

/// Runs commands and calls URLs. Wired by the server; simulated in tests.
class HookSender {
 public:
  virtual ~HookSender() = default;

  /// What went wrong, for people; empty: delivered.
  using Done = std::function<void(std::string error)>;
  /// Begins a try; must not block. `done` is called once, from any thread; or never, when the
  /// sender ends first: the next server then tries again.
  virtual void Send(HookDelivery delivery, Done done) = 0;
};

}  // namespace aiflow
