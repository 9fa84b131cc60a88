#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "engine/hook_sender.h"

namespace aiflow::server {

/// How the command of a hook runs.
struct HookCommandOptions {
  std::filesystem::path directory;  // its working directory
  std::filesystem::path log;        // its output goes to the end of this file; missing: made
  Millis timeout{60'000};
  std::map<std::string, std::string> environment;  // besides what it is told itself
};

/// What is kept of the output of one try.
inline constexpr size_t kMaxHookOutputBytes = 1 << 20;
/// Between asking a command to end and killing it.
inline constexpr Millis kHookKillGrace{500};

/// Runs the command of `delivery` in a session of its own: bash, with AIFLOW_HOOK_KEY,
/// AIFLOW_NAMESPACE, AIFLOW_WORKFLOW, AIFLOW_WORKFLOW_EXECUTION_ID, AIFLOW_STATUS and
/// AIFLOW_REASON. What it has started in the background is left alone, unless it is cut short: at
/// the time limit, or when `stop_fd` becomes readable. Empty: it ended with exit code 0; else what
/// went wrong, with the end of its output. Blocks.
std::string RunHookCommand(const HookDelivery& delivery, const HookCommandOptions& options,
                           int stop_fd);

}  // namespace aiflow::server
