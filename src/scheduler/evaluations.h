#pragma once

#include <string_view>

#include "scheduler/conditions/condition.h"
#include "scheduler/draft.h"

/// Events that wait for the answers of user-written conditions. Each state scope (an execution for
/// the rules of its tasks, a workflow for its triggers) has one FIFO; of its first entry one
/// question is in flight at a time. An entry is complete when the last question that listens to its
/// event was answered; then the rules, or the trigger, look at it as of the event.
///
/// Nobody needs to ask: SettleEvaluations does, once per event, after all its effects. Erasing a
/// trigger or workflow, or an execution's leaving RUNNING, drops what waits for it.
namespace aiflow {

/// The trigger cannot look at the current event now: a user-written leaf listens to `key`, or an
/// earlier event waits for the trigger. The caller then enqueues the event, and does nothing else
/// with that trigger.
bool MustWait(Draft& draft, TriggerId trigger, std::string_view key);

/// The current event waits for the trigger. `decided`: an execution of the workflow was started for
/// it already. Too many wait: it becomes a dead letter.
void EnqueueTriggerEvaluation(Draft& draft, TriggerId trigger, bool decided);

/// ApplyTrigger has started an execution of the workflow for the event at `offset`: triggers that
/// are still to look at it start none.
void DecideTriggerEvaluations(Draft& draft, WorkflowId workflow, Offset offset);

/// Drops what waits for executions that take no more events, and puts the question of each scope's
/// first entry into the outbox. Called once per event, after SettleExecution.
void SettleEvaluations(Draft& draft);

}  // namespace aiflow
