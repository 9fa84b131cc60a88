#pragma once

#include <aiflow/v1/orchestrator.pb.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/address.h"

namespace aiflow::cli {

struct CompiledWorkflows {
  std::vector<::aiflow::v1::WorkflowUpload> workflows;  // at least one
  std::vector<std::string> warnings;
};

/// The Python that compiles workflow files: $AIFLOW_PYTHON, else that of $VIRTUAL_ENV, else that of
/// the .venv beside the build folder which `executable` (this program) lies in, else python3.
std::string PythonInterpreter(const Environment& environment,
                              const std::filesystem::path& executable);

/// Compiles the user's workflow file. A Python file or an executable is run in a process of its
/// own, and what it prints is read (docs/formats/task-environment.md): kInvalidArgument with the
/// compiler's own words when it fails. YAML files (docs/authoring-yaml.md) and specifications
/// (docs/formats/workflow-spec.md) are read here: kInvalidArgument names each place.
Result<CompiledWorkflows> CompileWorkflowFile(const std::filesystem::path& file,
                                              const std::string& python);

/// Reads what a compiler prints. kInvalidArgument with the reason.
Result<CompiledWorkflows> ParseCompilerOutput(const std::string& text);

}  // namespace aiflow::cli
