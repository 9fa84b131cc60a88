#pragma once

#include <string>

#include "base/status.h"
#include "model/spec_json/object_reader.h"
#include "model/workflow_spec.h"

namespace aiflow::spec_json {

TaskSpec ReadTask(const Json& json, const std::string& path, Status& status);
OrderedJson WriteTask(const TaskSpec& task);

}  // namespace aiflow::spec_json
