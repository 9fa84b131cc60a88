#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "model/workflow_spec.h"

namespace aiflow::yaml {

/// Reads a workflow file (docs/authoring-yaml.md): a workflow, a list of workflows, or several
/// documents of these. kInvalidArgument with a line "FILE:LINE:COLUMN: what" for each thing that is
/// wrong; `file` is the name that the lines begin with. Does not validate the workflows
/// (ValidateWorkflowSpec).
Result<std::vector<WorkflowSpec>> ParseWorkflows(const std::string& text, const std::string& file);

/// The same, and what ValidateWorkflowSpec refuses is an error with the place of its task or rule,
/// in one list with the rest.
Result<std::vector<WorkflowSpec>> ParseValidWorkflows(const std::string& text,
                                                      const std::string& file);

}  // namespace aiflow::yaml
