#pragma once

#include <vector>

#include "model/rows.h"
#include "storage/sqlite/connection.h"

namespace aiflow::sqlite {

/// Store::Load: parents before children, executions and what they own in ascending order.
Result<std::vector<Change>> LoadState(const Connection& connection);

/// Store::LoadSnapshotUsers.
Result<std::vector<Change>> LoadSnapshotUsers(const Connection& connection,
                                              const std::vector<SnapshotId>& snapshots);

/// Store::LoadWorkflowExecutions.
Result<std::vector<Change>> LoadWorkflowExecutions(const Connection& connection,
                                                   WorkflowId workflow, int64_t limit);
/// Store::LoadDueExecutions.
Result<std::vector<Change>> LoadDueExecutions(const Connection& connection, WorkflowId workflow,
                                              Millis from, Millis to);

/// Store::LoadExecution.
Result<std::vector<Change>> LoadExecution(const Connection& connection, ExecutionId id);

}  // namespace aiflow::sqlite
