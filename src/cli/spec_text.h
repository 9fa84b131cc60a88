#pragma once

#include <string>

namespace aiflow::cli {

/// What `workflow show` says of a specification (docs/formats/workflow-spec.md): one line per task
/// or rule. Pure.
struct SpecText {
  std::string config;  // JSON object
  std::string tasks;   // "train (bash)"
  std::string rules;   // "train: START on event hour_complete"
};
SpecText DescribeSpec(const std::string& spec_json);

/// One rule: "START on event hour_complete (value >= 3)".
std::string DescribeRule(const std::string& rule_json);

/// A condition with the full names of tasks: "task default.w.train being SUCCESS".
std::string DescribeCondition(const std::string& condition_json);

}  // namespace aiflow::cli
