#pragma once

#include <string>

#include "scheduler/draft.h"

namespace aiflow {

/// The question about the entry's event could not be answered: it is kept as a dead letter, unless
/// as many are kept as may be. What became of it, for people.
std::string AddDeadLetter(Draft& draft, const EvaluationRow& entry, RuleIndex rule,
                          int32_t question, const std::string& error);

/// The event at `offset` has started an execution of the workflow: triggers that are asked about it
/// again start no other.
void DecideDeadLetters(Draft& draft, WorkflowId workflow, Offset offset);

/// At most kMaxErrorBytes of it, cut between characters.
std::string ShortError(const std::string& error);

}  // namespace aiflow
