#pragma once

#include <string>

#include "scheduler/draft.h"

namespace aiflow {

/// A finished execution runs again, as of this event. Kept: the runs, what its joins fired with,
/// and the last known statuses of tasks of other workflows, since those are statuses and not
/// events: whoever announced one before need not announce it again. Forgotten: how it ended, and
/// events that wait for others in its rules. What happened between its end and now is not caught
/// up. Periodic tasks tick from now on, and execution_timeout begins anew. It counts for
/// max_active_executions, but is never held back by it. `text` says who wants it. REQUIRES: the
/// execution has ended and is one of draft().executions().
void Reopen(ExecutionDraft& execution, const std::string& text);

}  // namespace aiflow
