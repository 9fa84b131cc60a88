#pragma once

#include <string>

#include "model/validation/problems.h"
#include "model/workflow_spec.h"

/// Checks of condition leaves that need no workflow around them.
namespace aiflow::validation {

/// The key is not empty, within its limit, and one that rules can see.
void CheckEventKey(const std::string& subject, const std::string& key, Problems& problems);

/// An event leaf: its key and filters; no scope for announcements of task statuses.
void CheckEventLeaf(const std::string& subject, const ConditionSpec& leaf, Problems& problems);

/// A user-written leaf: keys and limits. (Whether there is a host is the workflow's matter.)
void CheckCustomLeaf(const std::string& subject, const ConditionSpec& leaf, Problems& problems);

/// A status leaf: the names are well formed and the status is one that is announced.
void CheckStatusLeaf(const std::string& subject, const ConditionSpec& leaf, Problems& problems);

}  // namespace aiflow::validation
