#pragma once

#include <vector>

#include "aiflow/workflow.h"

/// What a workflow program does for the server and the command line.
namespace aiflow {

using Workflows = std::vector<const Workflow*>;

/// Prints the workflows as JSON; returns the exit code.
int Compile(const Workflows& workflows);

/// Runs the task that the environment names (docs/formats/task-environment.md).
[[noreturn]] void RunTask(const Workflows& workflows);

/// Answers questions about custom conditions over the socket AIFLOW_HOST_FD until the server closes
/// it (docs/formats/host-protocol.md). Returns an exit code only when it cannot begin.
int ServeConditions(const Workflows& workflows);

}  // namespace aiflow
