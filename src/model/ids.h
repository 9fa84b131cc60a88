#pragma once

#include <cstdint>

#include "base/ids.h"

namespace aiflow {

using WorkflowId = StrongId<struct WorkflowIdTag>;
using SnapshotId = StrongId<struct SnapshotIdTag>;
using ExecutionId = StrongId<struct ExecutionIdTag>;  // a workflow execution
using TaskExecutionId = StrongId<struct TaskExecutionIdTag>;
using OutboxId = StrongId<struct OutboxIdTag>;
using ScheduleId = StrongId<struct ScheduleIdTag>;
using TriggerId = StrongId<struct TriggerIdTag>;
using DeadLetterId = StrongId<struct DeadLetterIdTag>;

/// Position of an event in the log: dense, from 1. 0 = before the first event.
using Offset = int64_t;
/// Grows by one with each server that takes the lease.
using Epoch = int64_t;
/// Position of a task in its workflow's definition, from 0; fixed within one snapshot.
using TaskIndex = int32_t;
/// Position of a rule in its task's declaration order, from 0; fixed within one snapshot.
using RuleIndex = int32_t;

}  // namespace aiflow
