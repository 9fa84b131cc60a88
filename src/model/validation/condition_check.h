#pragma once

#include <set>
#include <string>

#include "model/validation/own_tasks.h"
#include "model/validation/problems.h"
#include "model/workflow_spec.h"

namespace aiflow::validation {

/// Checks the conditions of one workflow's rules. The arguments must outlive it.
class ConditionCheck {
 public:
  ConditionCheck(const WorkflowSpec& spec, const OwnTasks& own, Problems& problems)
      : spec_(spec), own_(own), problems_(problems) {}

  /// `subject` begins each message: "task 'a', rule 2".
  void Check(const std::string& subject, const ConditionSpec& condition) {
    CheckNode(subject, condition, 1);
  }

 private:
  void CheckNode(const std::string& subject, const ConditionSpec& condition, size_t depth);
  void CheckEvent(const std::string& subject, const ConditionSpec& leaf);
  void CheckStatus(const std::string& subject, const ConditionSpec& leaf);
  void CheckCustom(const std::string& subject, const ConditionSpec& leaf);
  void CheckOwnStatusKey(const std::string& subject, const std::string& key);
  void CheckJoin(const std::string& subject, const ConditionSpec& join);
  void CheckContradiction(const std::string& subject, const ConditionSpec& all);

  const WorkflowSpec& spec_;
  const OwnTasks& own_;
  Problems& problems_;
  std::set<std::string> all_of_names_;
};

}  // namespace aiflow::validation
