#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "aiflow/workflow.h"

namespace aiflow {

/// Answers the questions of a server about the custom conditions of a program's workflows, which
/// must outlive it: docs/formats/host-protocol.md. Single-threaded.
class ConditionQuestion {
 public:
  explicit ConditionQuestion(std::vector<const Workflow*> workflows)
      : workflows_(std::move(workflows)) {}

  /// Whether a message can be answered at all: it has its members, of the right types.
  static bool IsUnderstood(const nlohmann::json& message);

  /// The answer. What user code throws is an answer, too, and changes no state. REQUIRES:
  /// IsUnderstood(message).
  [[nodiscard]] nlohmann::json Answer(const nlohmann::json& message) const;

 private:
  [[nodiscard]] const ConditionFunction* Find(const nlohmann::json& ask, std::string& error) const;

  const std::vector<const Workflow*> workflows_;
};

}  // namespace aiflow
