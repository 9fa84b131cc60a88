#pragma once

#include <string>

#include "base/status.h"
#include "scheduler/draft.h"

namespace aiflow {

/// What starts an execution.
struct StartOptions {
  RunType run_type = RunType::kManual;
  std::string params_json;  // of ResolveParams, for the snapshot that is started
  int64_t source = 0;       // the schedule or trigger, by run_type
  Millis due{0};
  Offset cause = 0;  // the event it starts for; 0: the current one
  std::string why;   // for people; names that event and its offset
};

/// The snapshot that a start of the workflow uses: `wanted`, or the latest when none is.
/// kFailedPrecondition: the workflow is disabled, or has none that can be started; kNotFound:
/// `wanted` is not one of its snapshots.
Result<const SnapshotEntry*> FindStartableSnapshot(const Draft& draft, const WorkflowRow& workflow,
                                                   SnapshotId wanted = SnapshotId());

/// A new execution of `snapshot`, which FindStartableSnapshot found: RUNNING, with the tasks that
/// start by themselves; or INIT, while as many executions of the workflow are active as
/// max_active_executions allows. In INIT it sees no events, and its row says what it waits for.
ExecutionDraft& StartExecution(Draft& draft, const WorkflowRow& workflow,
                               const SnapshotEntry& snapshot, StartOptions options);

/// Begins executions that wait in INIT, by id, as far as max_active_executions of the latest
/// snapshot allows now. They see later events than the current one. Called once per event, after
/// SettleExecution of all executions; settles those that it begins.
void PromoteWaiting(Draft& draft);

}  // namespace aiflow
