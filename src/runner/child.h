#pragma once

#include <string>

#include "runner/messages.h"
#include "runner/process.h"

namespace aiflow::runner {

/// What the child of a start tells its runner through the start pipe; the pipe's end says the rest:
/// after kClaimed alone the command was executed.
enum class ChildNote : char {
  kClaimed = 'C',
  kNotExecuted = 'E',  // after kClaimed; the reason follows, the result is in the claim
  kLost = 'L',         // somebody else has the claim
  kNoClaim = 'X',      // the claim could not be written; the reason follows
};

/// The body of a start, run in a freshly forked child: takes a session of its own, wins the claim,
/// executes the command. Needs nothing of the runner, so that a claimed start also goes through
/// when the runner dies. Closes all descriptors but `start_pipe`.
[[noreturn]] void RunChild(const AttemptCommand& command, const MachineIdentity& machine,
                           uint64_t descriptor_limit, int start_pipe);

}  // namespace aiflow::runner
