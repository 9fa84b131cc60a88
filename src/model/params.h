#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/workflow_spec.h"

namespace aiflow {

/// The parameters of an execution: those of `given_json` (a JSON object; empty: none), and the
/// defaults of those not given. A canonical JSON object with a member for each of `params`; empty
/// when `params` is. kInvalidArgument names one parameter that is not declared, is missing, or has
/// a value of another type: a string is not read as a number, nor a number as a string.
Result<std::string> ResolveParams(const std::vector<ParamSpec>& params,
                                  std::string_view given_json);

/// Whether `given_json` is what a workflow of which nothing is known may be started with: empty or
/// a JSON object, within the limits.
Status CheckParams(std::string_view given_json);

/// The value that a plain text gives `param`, as a JSON text: the text itself for a string; a
/// decimal number; `true` or `false`; for kJson, a JSON text. kInvalidArgument: it gives none.
Result<std::string> ParamFromText(const ParamSpec& param, std::string_view text);

}  // namespace aiflow
