#pragma once

#include <initializer_list>

#include "aiflow/condition_context.h"
#include "aiflow/errors.h"
#include "aiflow/task_context.h"
#include "aiflow/workflow.h"

namespace aiflow {

/// The main function of a workflow program; returns its exit code. `--aiflow-compile` prints the
/// workflows as JSON (what `aiflow workflow upload PROGRAM` calls), `--aiflow-run-task` runs the
/// task that the environment names, `--aiflow-serve-conditions` answers for the custom conditions,
/// anything else prints how to use the program.
int Main(int argc, char** argv, std::initializer_list<const Workflow*> workflows);

}  // namespace aiflow
