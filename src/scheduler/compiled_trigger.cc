#include "scheduler/compiled_trigger.h"

#include "model/spec_json.h"

namespace aiflow {

std::unique_ptr<const CompiledCondition> CompileTrigger(const TriggerRow& row) {
  if (row.condition_json.empty()) return nullptr;
  const Result<ConditionSpec> condition = ParseCondition(row.condition_json);
  if (!condition.has_value()) return nullptr;
  return std::make_unique<const CompiledCondition>(ConditionCompiler().Compile(*condition));
}

}  // namespace aiflow
