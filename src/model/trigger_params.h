#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/event.h"
#include "model/workflow_spec.h"

/// How the event that meets a trigger becomes parameters: a JSON object of parameter names, each
/// with {"value": JSON}, the same for every event, or with {"field": FIELD}: the text of that field
/// of the event (key, value, context, sender, offset, create_time in milliseconds), read by the
/// parameter's type as ParamFromText does. With a "pointer" (JSON Pointer) into the value or
/// context, the field is read as JSON, and what is there must be of the parameter's type.
namespace aiflow {

/// Checks the form; the canonical text. Empty: no parameter is given.
Result<std::string> ParseTriggerParams(std::string_view mapping_json);

/// Whether a workflow with `params` can be started so: every name is declared, every parameter
/// without a default is there, constants have the right type. REQUIRES: ParseTriggerParams made
/// `mapping_json`.
Status CheckTriggerParams(std::string_view mapping_json, const std::vector<ParamSpec>& params);

/// The parameters of an execution that `event` starts, as ResolveParams gives them.
/// kInvalidArgument, naming parameter and field: the event lacks a field, or it is of another type.
/// REQUIRES: ParseTriggerParams made `mapping_json`.
Result<std::string> MapTriggerParams(std::string_view mapping_json, const Event& event,
                                     const std::vector<ParamSpec>& params);

}  // namespace aiflow
