#include "engine/questions.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "model/event_keys.h"
#include "model/limits.h"
#include "model/spec_json.h"
#include "scheduler/state_rep.h"

namespace aiflow {
namespace {

constexpr const char* kSender = "condition_host";

/// The answer's event, complete but for what the host says.
EvaluationAnswer AnswerTo(const OutboxRow& row) {
  EvaluationAnswer answer;
  answer.execution_id = row.attempt.execution.value();
  answer.trigger_id = row.trigger.value();
  answer.offset = row.offset;
  answer.ordinal = row.ordinal;
  answer.task = row.attempt.task;
  answer.generation = row.generation;
  return answer;
}

Event AnswerEvent(EvaluationAnswer answer, ConditionAnswer said) {
  answer.met = said.met;
  answer.error = std::move(said.error);
  answer.states_json = std::move(said.states_json);
  Event event = FormatRequest(answer);
  event.sender = kSender;
  event.id = AnswerEventId(answer);
  return event;
}

void FillRule(const State::Rep& state, const QuestionInFlight& found, ConditionQuestion& question) {
  const EvaluationRow& entry = *found.entry;
  const ExecutionEntry* execution = state.FindExecution(entry.execution_id);
  const SnapshotEntry* snapshot = state.FindSnapshot(execution->row.snapshot_id);
  const WorkflowSpec& spec = snapshot->compiled->spec();
  question.bundle_digest = snapshot->row.bundle_digest;
  question.bundle_name = snapshot->row.bundle_name;
  question.host = spec.host;
  question.ns = spec.ns;
  question.workflow = spec.name;
  question.task = spec.tasks[static_cast<size_t>(entry.task)].name;
  question.rule = found.leaf.rule;
  question.execution = entry.execution_id;
  question.snapshot = execution->row.snapshot_id;
  question.params_json = execution->row.params_json;
  for (const TaskSnapshot& task : entry.statuses) {
    question.statuses.emplace_back(spec.tasks[static_cast<size_t>(task.task)].name, task.status);
  }
}

void FillTrigger(const State::Rep& state, const QuestionInFlight& found,
                 ConditionQuestion& question) {
  const TriggerRow& trigger = state.triggers.at(found.entry->trigger_id).row;
  question.bundle_digest = trigger.bundle_digest;
  question.bundle_name = trigger.bundle_name;
  // The row was checked when it was added; one that cannot be read any more has no host.
  if (Result<HostSpec> host = ParseHost(trigger.host_json); host.has_value()) {
    question.host = *std::move(host);
  }
  question.trigger = trigger.id;
  question.pickled_digest = trigger.pickled_digest;
  if (const WorkflowRow* workflow = state.FindWorkflow(trigger.workflow_id)) {
    question.ns = workflow->ns;
    question.workflow = workflow->name;
    question.snapshot = workflow->latest_snapshot;
  }
}

}  // namespace

void Questions::SetEvaluator(ConditionEvaluator& evaluator, const Queries& queries) {
  evaluator_ = &evaluator;
  queries_ = &queries;
}

void Questions::Begin(Sink sink) {
  sink_ = std::move(sink);
  queue_.clear();
  asked_.clear();
}

void Questions::Enqueue(const OutboxRow& row) {
  CHECK(row.kind == OutboxKind::kEvaluate);
  if (asked_.contains(row.id)) return;
  queue_.push_back(row);
}

void Questions::Erased(OutboxId row) {
  std::erase_if(queue_, [row](const OutboxRow& queued) { return queued.id == row; });
  if (asked_.erase(row) > 0) evaluator_->Withdraw(row);
}

void Questions::Retain(const std::set<OutboxId>& rows) {
  queue_.clear();
  const std::set<OutboxId> asked = asked_;
  for (const OutboxId row : asked) {
    if (!rows.contains(row)) Erased(row);
  }
}

Result<ConditionQuestion> Questions::Complete(const State& state, const OutboxRow& row,
                                              const QuestionInFlight& found) const {
  const EvaluationRow& entry = *found.entry;
  ConditionQuestion question;
  question.id = row.id;
  question.workflow_id = entry.workflow_id;
  question.question = found.leaf.question;
  question.event = entry.event;
  const bool of_task = entry.execution_id.valid();
  if (of_task) {
    FillRule(state.rep(), found, question);
  } else {
    FillTrigger(state.rep(), found, question);
  }
  auto states =
      queries_->ListStates(entry.execution_id, of_task ? WorkflowId() : entry.workflow_id);
  if (!states.has_value()) {
    return Error(states.error().code(),
                 "the states of " +
                     (of_task ? "workflow execution " + std::to_string(entry.execution_id.value())
                              : "workflow " + std::to_string(entry.workflow_id.value())) +
                     " cannot be read: " + states.error().message());
  }
  question.states = *std::move(states);
  return question;
}

Status Questions::Flush(const State& state) {
  if (evaluator_ == nullptr) return Status::Ok();
  while (!queue_.empty()) {
    const OutboxRow& row = queue_.front();
    const std::optional<QuestionInFlight> found = FindQuestion(state, row);
    if (found.has_value()) {
      Result<ConditionQuestion> question = Complete(state, row, *found);
      if (!question.has_value()) return question.error();
      asked_.insert(row.id);
      evaluator_->Ask(*std::move(question),
                      [sink = sink_, answer = AnswerTo(row)](ConditionAnswer said) {
                        sink(AnswerEvent(answer, std::move(said)));
                      });
    }
    queue_.pop_front();
  }
  return Status::Ok();
}

}  // namespace aiflow
