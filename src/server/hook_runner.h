#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/hook_sender.h"

namespace aiflow::server {

struct HookRunnerOptions {
  std::filesystem::path directory;  // where commands run
  std::filesystem::path logs;       // <execution>.<hook>.log: what they wrote
  Millis timeout{60'000};           // of each try
  size_t parallel = 8;              // tries at a time
  size_t max_waiting = 10'000;      // beyond, a try fails at once, and comes again later
  std::map<std::string, std::string> environment;  // of commands, besides what they are told
};

/// Tells the world on threads of its own, which are made when first needed. Thread-safe.
class HookRunner final : public HookSender {
 public:
  explicit HookRunner(HookRunnerOptions options);
  ~HookRunner() override;

  void Send(HookDelivery delivery, Done done) override;

  /// Cuts short what runs and forgets what waits, without a word of either: the next server tries
  /// again. No `done` is called any more once it returns. A thread that does not come back, as from
  /// a look-up of a name, is left behind. Idempotent.
  void Stop();

 private:
  struct Core;
  const std::shared_ptr<Core> core_;  // shared with the threads
};

}  // namespace aiflow::server
