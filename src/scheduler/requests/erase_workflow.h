#pragma once

#include "scheduler/draft.h"

namespace aiflow {

/// Erases a workflow whose executions have all finished, with all it owns. False: so many of them
/// are stored that this part erases some and the decision is cut. REQUIRES: the loaded rows are
/// those of RowsToLoad.
bool EraseInParts(Draft& draft, WorkflowId workflow);

}  // namespace aiflow
