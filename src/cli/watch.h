#pragma once

#include <cstdint>

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

/// Shows the execution until it is finished: a tree redrawn in place on a terminal, else one line
/// per change. A server that goes away is awaited for a minute. Returns the exit code: the outcome,
/// or kExitInterrupted when `interrupt_fd` became readable; the execution runs on then.
int WatchExecution(Session& session, Client& client, int64_t execution_id, int interrupt_fd);

}  // namespace aiflow::cli
