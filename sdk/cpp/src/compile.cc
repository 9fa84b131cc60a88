#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "model/spec_json.h"
#include "verbs.h"

#ifndef AIFLOW_SDK_VERSION
#define AIFLOW_SDK_VERSION "unknown"
#endif

namespace aiflow {
namespace {

bool HasCustom(const ConditionSpec& condition) {
  return condition.kind == ConditionKind::kCustom ||
         std::any_of(condition.children.begin(), condition.children.end(), HasCustom);
}

bool NeedsHost(const TaskSpec& task) {
  return task.op == OperatorKind::kHost ||
         std::any_of(task.rules.begin(), task.rules.end(),
                     [](const RuleSpec& rule) { return HasCustom(rule.condition); });
}

/// The spec as the server shall see it: with this program as host, when its code is needed.
WorkflowSpec WithHost(const Workflow& flow) {
  WorkflowSpec spec = flow.spec();
  if (std::any_of(spec.tasks.begin(), spec.tasks.end(), NeedsHost)) {
    std::error_code ignored;
    spec.host.language = "cpp";
    spec.host.file = std::filesystem::read_symlink("/proc/self/exe", ignored).filename().string();
    spec.host.sdk_version = AIFLOW_SDK_VERSION;
  }
  return spec;
}

}  // namespace

int Compile(const Workflows& workflows) {
  if (workflows.empty()) {
    std::cerr << "error: the program defines no workflow: pass at least one to aiflow::Main\n";
    return 1;
  }
  nlohmann::ordered_json out;
  out["workflows"] = nlohmann::ordered_json::array();
  // Those of the validation come from whoever takes the specification, as for every language.
  out["warnings"] = nlohmann::ordered_json::array();
  for (const Workflow* flow : workflows) {
    const WorkflowSpec spec = WithHost(*flow);
    if (const Status status = ValidateWorkflowSpec(spec, nullptr); !status.ok()) {
      std::cerr << "error: " << status.message() << "\n";
      return 1;
    }
    out["workflows"].push_back(
        {{"spec", nlohmann::ordered_json::parse(FormatWorkflowSpec(spec))}, {"content", ""}});
  }
  std::cout << out.dump() << "\n";
  return std::cout.flush() ? 0 : 1;
}

}  // namespace aiflow
