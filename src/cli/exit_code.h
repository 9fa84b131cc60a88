#pragma once

#include "base/status.h"

namespace aiflow::cli {

/// What the program returns to the shell; docs/cli.md. `standalone`, `server` and their like return
/// the codes of server/server_main.h instead.
enum ExitCode : int {
  kExitOk = 0,
  kExitError = 1,
  kExitDifferent = 1,  // `workflow diff`, as other programs that compare
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitUnavailable = 4,       // no server there, or it did not answer in time
  kExitExecutionFailed = 5,   // `--watch`, `watch`, `wait`: the outcome is FAILED
  kExitExecutionStopped = 6,  // likewise STOPPED
  kExitTimedOut = 7,          // `wait --timeout`: it was not finished in time; it runs on
  kExitInterrupted = 130,     // Ctrl-C; what was being watched runs on
};

inline ExitCode ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return kExitOk;
    case Code::kNotFound: return kExitNotFound;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded: return kExitUnavailable;
    default: return kExitError;
  }
}

}  // namespace aiflow::cli
