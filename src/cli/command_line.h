#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/session.h"

namespace aiflow::cli {

/// Adds further commands beside those that are pure clients.
using AddCommands = std::function<void(CLI::App& app, CommandSlot& slot)>;

/// Runs one command line, `words` without the program's name, and returns the exit code. What
/// cannot be understood is one paragraph on stderr, with the nearest command, and kExitUsage. Never
/// throws.
int RunCommandLine(const World& world, const std::vector<std::string>& words,
                   const AddCommands& more);

/// The same for the program `notification`, whose commands are all in `commands`.
int RunNotificationCommandLine(const World& world, const std::vector<std::string>& words,
                               const AddCommands& commands);

}  // namespace aiflow::cli
