#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/status.h"

namespace aiflow::cli {

struct ProcessOutput {
  int exit_code = 0;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

/// Runs `argv` (found in PATH when it has no slash; no shell) with an empty stdin, and collects
/// what it prints. A process that takes longer than `limit` is killed: kDeadlineExceeded. kNotFound
/// when there is no such program.
Result<ProcessOutput> RunProcess(const std::vector<std::string>& argv,
                                 std::chrono::milliseconds limit);

}  // namespace aiflow::cli
