#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/requests.h"
#include "scheduler/conditions/condition.h"
#include "scheduler/draft.h"

/// Events that wait for the answers of user-written conditions. Each state scope (an execution for
/// the rules of its tasks, a workflow for its triggers) has one FIFO; of its first entry one
/// question is in flight at a time. An entry is complete when the last question that listens to its
/// event was answered; then the rules, or the trigger, look at it as of the event. One that asks
/// nothing waits for the entries of its own task or trigger only.
///
/// Nobody needs to ask: SettleEvaluations does, once per event, after all its effects. Erasing a
/// trigger or workflow, or an execution's leaving RUNNING, drops what waits for it.
namespace aiflow {

/// The current event waits for the rules of `task`. `ordinal` numbers what the rules see in this
/// event; `decided`: one of them has acted. False: as many wait as may, and it is not kept.
bool EnqueueRules(ExecutionDraft& execution, const Occurrence& occurrence, TaskIndex task,
                  int32_t ordinal, bool decided);

/// EnqueueRules found no room: the execution fails, and says why.
void FailForTooManyEvaluations(ExecutionDraft& execution);

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

/// Takes an answer; one to a question that is not in flight changes nothing.
void OnAnswer(Draft& draft, const EvaluationAnswer& answer);

/// Asks the leaf of a dead letter again, as of now. Not OK: why that is impossible.
Status AskAgain(Draft& draft, const DeadLetterRow& letter);

/// Drops what waits for executions that take no more events, and puts the question of each scope's
/// first entry into the outbox. Called once per event, after SettleExecution.
void SettleEvaluations(Draft& draft);

/// A user-written leaf, by its place.
struct Leaf {
  RuleIndex rule = -1;  // -1: of a trigger
  int32_t question = 0;
  std::string name;  // for people
};

/// The question that is in flight.
struct QuestionInFlight {
  const EvaluationRow* entry = nullptr;
  Leaf leaf;
};
/// What an outbox row of kind kEvaluate asks; nothing when it is not in flight any more. Valid
/// until the state changes.
std::optional<QuestionInFlight> FindQuestion(const State& state, const OutboxRow& row);

}  // namespace aiflow
