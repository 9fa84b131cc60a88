#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/workflow_spec.h"

namespace aiflow {

/// Version of the JSON form written by FormatWorkflowSpec; ParseWorkflowSpec reads it and older
/// ones.
inline constexpr int kWorkflowSpecVersion = 2;

/// Reads the JSON form (docs/formats/workflow-spec.md). Unknown members, wrong types and unknown
/// enum names are kInvalidArgument with the JSON path and the value. Does not validate the
/// workflow.
Result<WorkflowSpec> ParseWorkflowSpec(std::string_view json);

/// The canonical JSON form: members in a fixed order, so that equal specs give equal text.
std::string FormatWorkflowSpec(const WorkflowSpec& spec);

/// One condition, in the form it has within a specification.
Result<ConditionSpec> ParseCondition(std::string_view json);
std::string FormatCondition(const ConditionSpec& condition);
/// HostSpec, in the form it has within a specification; an empty text is an empty host.
Result<HostSpec> ParseHost(std::string_view json);
std::string FormatHost(const HostSpec& host);

/// Checks what the public contract demands of an upload: names, duplicates, known references,
/// announced statuses, tasks that can never start (named), at least one task, limits. One error
/// names every problem, each in a line. `warnings` (may be null) gets what is allowed but doubtful.
Status ValidateWorkflowSpec(const WorkflowSpec& spec, std::vector<std::string>* warnings);

/// The same for the condition of a trigger: it may name the status of any task, and has no join.
Status ValidateTriggerCondition(const ConditionSpec& condition);

/// 1 to 200 bytes of Unicode letters, digits, blank, `_`, `-`, `.`; no blank or dot at either end.
/// `what` begins the message: "workflow name".
Status ValidateName(std::string_view what, std::string_view name);

/// `DEFAULT` in any case, except `default` itself: old clients use the constant for "none given".
bool IsReservedNamespace(std::string_view name);

}  // namespace aiflow
