#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/status.h"

/// Processes that outlive the command that starts or stops them.
namespace aiflow::server {

/// Runs a command in a session of its own; its output is appended to the file `log`.
Result<pid_t> SpawnDetached(std::vector<std::string> words, const std::string& log);

/// Sends `signal` and, when the process has not ended after `patience`, SIGKILL. kNotFound when
/// there is no such process, kDeadlineExceeded when it does not end.
Status EndProcess(pid_t pid, int signal, std::chrono::milliseconds patience);

}  // namespace aiflow::server
