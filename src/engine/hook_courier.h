#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "engine/durable_appender.h"
#include "engine/hook_sender.h"
#include "model/rows.h"
#include "scheduler/state.h"

namespace aiflow {

/// Hands hooks whose time has come to the sender, and brings what it says to the log. Within one
/// process each try is handed over once; a server that finds the row again begins the try anew.
/// Engine thread only.
class HookCourier {
 public:
  /// `appender` is kept as long as a try is under way.
  void Begin(std::shared_ptr<DurableAppender> appender, std::string log_id);
  /// Without one, hooks stay in the outbox.
  void SetSender(HookSender* sender) { sender_ = sender; }

  /// Takes the kHook rows among committed ones; `state` is the state after that commit.
  void Deliver(std::span<const OutboxRow> rows, const State& state);

 private:
  HookSender* sender_ = nullptr;
  std::shared_ptr<DurableAppender> appender_;
  std::string log_id_;
  std::map<OutboxId, int64_t> handed_over_;  // row -> `tries` of the last try begun
};

}  // namespace aiflow
