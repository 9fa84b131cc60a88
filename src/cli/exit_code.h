#pragma once

#include <array>
#include <string_view>

#include "base/status.h"

namespace aiflow::cli {

/// What the program returns to the shell. `standalone`, `server start` and `server stop` return the
/// codes of server/server_main.h instead. kExitMeanings says what each means.
enum ExitCode : int {
  kExitOk = 0,
  kExitError = 1,
  kExitDifferent = 1,  // `workflow diff`, as other programs that compare
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitUnavailable = 4,
  kExitExecutionFailed = 5,
  kExitExecutionStopped = 6,
  kExitTimedOut = 7,
  kExitInterrupted = 130,
};

/// One code: of the commands that are clients, and of those that run or stop a server; empty: never
/// returned.
struct ExitMeaning {
  int code;
  std::string_view client;
  std::string_view server;
};

/// The table of docs/cli.md and of the manual.
inline constexpr std::array<ExitMeaning, 9> kExitMeanings = {{
    {kExitOk, "done; --watch, watch, wait: the execution ended SUCCESS", "done"},
    {kExitError, "refused or failed, stderr says why; workflow diff: there are differences",
     "failed, stderr says why"},
    {kExitUsage, "the command line was not understood",
     "the command line was not understood, or its options contradict each other"},
    {kExitNotFound, "what was named does not exist",
     "the configuration is missing, unreadable or wrong"},
    {kExitUnavailable, "no server answers, or not in time", "a port is in use"},
    {kExitExecutionFailed, "--watch, watch, wait: the execution ended FAILED",
     "another server runs on this home"},
    {kExitExecutionStopped, "--watch, watch, wait: the execution ended STOPPED",
     "the home was written by a newer version, or its log and metadata differ"},
    {kExitTimedOut, "wait --timeout: it was not finished in time; it runs on",
     "server stop: no server runs"},
    {kExitInterrupted, "ended by Ctrl-C; what was watched or sent runs on", ""},
}};

/// Whether the command of this path ("aiflow server start") returns the codes of servers.
constexpr bool RunsServer(std::string_view path) {
  return path == "aiflow standalone" || path.find(" server") != std::string_view::npos;
}

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
