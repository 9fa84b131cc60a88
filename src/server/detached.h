#pragma once

#include <sys/types.h>

#include <chrono>
#include <ios>
#include <string>
#include <vector>

#include "base/status.h"

/// Processes that outlive the command that starts or stops them.
namespace aiflow::server {

/// Runs a command in a session of its own; its output is appended to the file `log`.
Result<pid_t> SpawnDetached(std::vector<std::string> words, const std::string& log);

/// The end of what was written into the file after its first `begin` bytes: at most ten lines of
/// 2 KiB together, each on a line of its own and indented, to put behind a message. Empty when
/// there is nothing.
std::string LastLines(const std::string& path, std::streamoff begin);

/// Sends `signal` and, when the process has not ended after `patience`, SIGKILL. kNotFound when
/// there is no such process, kDeadlineExceeded when it does not end.
Status EndProcess(pid_t pid, int signal, std::chrono::milliseconds patience);

}  // namespace aiflow::server
