#pragma once

#include "model/requests.h"
#include "scheduler/draft.h"

namespace aiflow {

/// An event of a user or task: goes to the triggers of its namespace and to the rules that expect
/// its key, of the execution that its context names, else of every running execution in its
/// namespace.
void OnUserEvent(Draft& draft);

/// An announced status: goes to the triggers, and to the rules elsewhere, that name its key. The
/// rules of its own execution were evaluated with the report.
void OnStatusChanged(Draft& draft);

/// The report of an attempt: applied if the transition is legal, with the rules of the same
/// execution in the same step, then whatever waited for the end of the run.
void OnTaskStatus(Draft& draft, const TaskStatusReport& report);

}  // namespace aiflow
