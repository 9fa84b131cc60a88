#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "model/workflow_spec.h"

/// Parameters as words of a command line. Pure; errors are kInvalidArgument and name the word.
namespace aiflow::cli {

/// NAME=VALUE words as a JSON object, each value read by its declared type.
Result<std::string> ParamsJson(const std::vector<ParamSpec>& params,
                               const std::vector<std::string>& words);

/// NAME=value:VALUE and NAME=FIELD[/POINTER] words as a trigger's mapping: a constant as a JSON
/// value by its declared type, or what a field of the event holds.
Result<std::string> TriggerParamsJson(const std::vector<ParamSpec>& params,
                                      const std::vector<std::string>& words);

}  // namespace aiflow::cli
