#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "cli/session.h"

namespace aiflow::cli {

/// Takes Ctrl-C as something to read instead of a death, from construction to destruction. Make it
/// before anything that starts threads. Main thread only.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// Readable once Ctrl-C was typed.
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

struct WatchOptions {
  int interrupt_fd = -1;
  bool quiet = false;                                // only how it ended
  std::optional<std::chrono::milliseconds> timeout;  // none: as long as it takes
};

/// Shows the execution until it is finished: a tree redrawn in place on a terminal, else one line
/// per change. A server that goes away is awaited for a minute. Returns the exit code: the outcome,
/// kExitInterrupted when `interrupt_fd` became readable, or kExitTimedOut; the execution runs on
/// then.
int WatchExecution(Session& session, Client& client, int64_t execution_id,
                   const WatchOptions& options);

}  // namespace aiflow::cli
