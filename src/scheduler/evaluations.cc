#include "scheduler/evaluations.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "model/event_match.h"
#include "model/limits.h"
#include "model/state_writes.h"
#include "model/status_changed.h"
#include "scheduler/dead_letters.h"
#include "scheduler/past_event.h"
#include "scheduler/rules.h"
#include "scheduler/stop_execution.h"
#include "scheduler/trigger_rules.h"

namespace aiflow {
namespace {

void AppendLeaves(const std::vector<Question>& questions, RuleIndex rule,
                  const EvaluationRow& entry, std::vector<Leaf>& leaves) {
  for (size_t i = 0; i < questions.size(); ++i) {
    const auto question = static_cast<int32_t>(i);
    const std::vector<std::string>& keys = questions[i].keys;
    const bool asked = entry.question >= 0
                           ? entry.rule == rule && entry.question == question
                           : std::find(keys.begin(), keys.end(), entry.event.key) != keys.end();
    if (asked) leaves.push_back({rule, question, questions[i].name});
  }
}

/// The leaves that are asked about the entry's event, in the order in which they are.
std::vector<Leaf> LeavesOf(const CompiledTask& task, const EvaluationRow& entry) {
  std::vector<Leaf> leaves;
  for (size_t i = 0; i < task.rules.size(); ++i) {
    AppendLeaves(task.rules[i].questions, static_cast<RuleIndex>(i), entry, leaves);
  }
  return leaves;
}
std::vector<Leaf> LeavesOf(const CompiledCondition* trigger, const EvaluationRow& entry) {
  std::vector<Leaf> leaves;
  if (trigger != nullptr) AppendLeaves(trigger->questions, -1, entry, leaves);
  return leaves;
}
/// Empty when its owner is gone.
std::vector<Leaf> LeavesOf(const State::Rep& state, const EvaluationRow& entry) {
  if (!entry.execution_id.valid()) {
    const auto trigger = state.triggers.find(entry.trigger_id);
    if (trigger == state.triggers.end()) return {};
    return LeavesOf(trigger->second.compiled.get(), entry);
  }
  const ExecutionEntry* execution = state.FindExecution(entry.execution_id);
  if (execution == nullptr) return {};
  const SnapshotEntry* snapshot = state.FindSnapshot(execution->row.snapshot_id);
  if (snapshot == nullptr || snapshot->compiled == nullptr) return {};
  return LeavesOf(snapshot->compiled->tasks()[static_cast<size_t>(entry.task)], entry);
}

/// Also of an execution that this event has reopened, and that is not in the state.
std::vector<Leaf> LeavesOf(Draft& draft, const EvaluationRow& entry) {
  if (!entry.execution_id.valid()) return LeavesOf(draft.state(), entry);
  const ExecutionDraft* execution = draft.FindExecution(entry.execution_id);
  if (execution == nullptr) return {};
  return LeavesOf(execution->workflow().tasks()[static_cast<size_t>(entry.task)], entry);
}

Answers AnswersOf(RuleIndex rule, const std::vector<Leaf>& leaves, const EvaluationRow& entry) {
  Answers answers;
  for (size_t i = 0; i < std::min(leaves.size(), entry.answers.size()); ++i) {
    if (leaves[i].rule != rule) continue;
    const auto question = static_cast<size_t>(leaves[i].question);
    if (question >= answers.size()) answers.resize(question + 1);
    answers[question] = entry.answers[i] != 0;
  }
  return answers;
}

bool IsComplete(const std::vector<Leaf>& leaves, const EvaluationRow& entry) {
  return entry.answers.size() >= leaves.size();
}

std::vector<TaskSnapshot> StatusesNow(const ExecutionDraft& execution) {
  std::vector<TaskSnapshot> statuses;
  for (size_t i = 0; i < execution.workflow().tasks().size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    const std::optional<TaskStatus> status = execution.LatestStatus(task);
    if (status.has_value()) statuses.push_back({task, execution.LatestSequence(task), *status});
  }
  return statuses;
}

/// The rules of the entry's task that look at its event; of a rule that has acted already, those
/// that did not look at it then.
std::vector<RuleRef> RulesFor(const CompiledWorkflow& workflow, const EvaluationRow& entry,
                              const std::vector<Leaf>& leaves) {
  if (entry.question >= 0) return {{entry.task, entry.rule}};
  const auto find = [&entry](const CompiledWorkflow::RulesByKey& rules) {
    const auto found = rules.find(entry.event.key);
    return found == rules.end() ? std::vector<RuleRef>{} : found->second;
  };
  std::vector<RuleRef> rules = entry.source >= 0 ? workflow.by_status(entry.source)
                               : entry.event.kind == EventKind::kStatusChanged
                                   ? find(workflow.by_foreign_key())
                                   : find(workflow.by_event_key());
  const RuleIndex first = entry.decided && !leaves.empty() ? leaves.front().rule : 0;
  std::erase_if(
      rules, [&entry, first](RuleRef ref) { return ref.task != entry.task || ref.rule < first; });
  return rules;
}

void CompleteRules(ExecutionDraft& execution, const EvaluationRow& entry,
                   const std::vector<Leaf>& leaves) {
  const PastOccurrence occurrence(entry, &execution.workflow().spec());
  const PastStatuses statuses(entry.statuses);
  const PastEvent event{occurrence.get(), statuses, entry.event.offset, entry.decided,
                        [&](RuleIndex rule) { return AnswersOf(rule, leaves, entry); }};
  ApplyWaitingRules(execution, event, RulesFor(execution.workflow(), entry, leaves));
}

void CompleteTrigger(Draft& draft, const EvaluationRow& entry, const std::vector<Leaf>& leaves) {
  if (draft.FindTrigger(entry.trigger_id) == nullptr) return;
  const PastOccurrence occurrence(entry, nullptr);
  const Answers answers = AnswersOf(-1, leaves, entry);
  ApplyTrigger(draft, entry.trigger_id, occurrence.get(), entry.event, answers, entry.decided);
}

/// One state scope while one of its questions is answered.
struct Scope {
  Draft& draft;
  EvaluationDraft* queue;
  ExecutionDraft* execution;  // null: the triggers of a workflow

  void Complete(const EvaluationRow& entry, const std::vector<Leaf>& leaves) const {
    if (execution != nullptr) {
      CompleteRules(*execution, entry, leaves);
    } else {
      CompleteTrigger(draft, entry, leaves);
    }
  }
  [[nodiscard]] bool open() const { return execution == nullptr || execution->running(); }
};

/// Writes what the answer says of states; the reason when that is impossible.
std::string WriteStates(Scope& scope, const EvaluationRow& entry, const std::string& json) {
  const Result<std::vector<StateWrite>> writes = ParseStateWrites(json);
  if (!writes.has_value()) return writes.error().message();
  const WorkflowId workflow = scope.execution == nullptr ? entry.workflow_id : WorkflowId();
  for (const StateWrite& write : *writes) {
    if (write.value.has_value()) {
      scope.draft.Put(StateRow{entry.execution_id, workflow, write.name, *write.value});
    } else {
      scope.draft.Put(EraseState{entry.execution_id, workflow, write.name});
    }
  }
  return "";
}

void RecordAnswer(Scope& scope, const EvaluationRow& entry, const Leaf& leaf,
                  const std::string& outcome) {
  if (scope.execution == nullptr) return;
  const std::string name = leaf.name.empty() ? "user-written condition" : "'" + leaf.name + "'";
  const PastOccurrence occurrence(entry, &scope.execution->workflow().spec());
  scope.execution->Record(CauseKind::kEvaluated, entry.task, 0, leaf.rule,
                          name + " of rule " + std::to_string(leaf.rule + 1) + ": " + outcome +
                              ", " + occurrence.get().text + " at offset " +
                              std::to_string(entry.event.offset));
}

/// The entry is complete, and with it those behind it that waited for nothing else.
void Advance(Scope& scope, EvaluationRow entry, std::vector<Leaf> leaves) {
  while (true) {
    const EvaluationKey key = KeyOf(entry);
    scope.queue->Erase(key);
    scope.Complete(entry, leaves);
    const EvaluationRow* next = scope.open() ? scope.queue->NextOf(OwnerOf(entry), key) : nullptr;
    if (next == nullptr) return;
    leaves = LeavesOf(scope.draft, *next);
    if (!IsComplete(leaves, *next)) return;
    entry = *next;
  }
}

void Take(Scope& scope, const EvaluationAnswer& answer) {
  const int64_t owner = scope.execution != nullptr ? answer.task : answer.trigger_id;
  const EvaluationRow* first = scope.queue->First();
  if (first == nullptr || KeyOf(*first) != EvaluationKey{answer.offset, answer.ordinal, owner} ||
      first->generation != answer.generation) {
    return;
  }
  if (scope.execution != nullptr) scope.execution->Edit().event_offset = scope.draft.offset();
  EvaluationRow entry = *first;
  std::vector<Leaf> leaves = LeavesOf(scope.draft, entry);
  CHECK(!IsComplete(leaves, entry)) << "the first entry of a scope asks nothing";
  const Leaf leaf = leaves[entry.answers.size()];
  std::string error = answer.error;
  if (error.empty()) error = WriteStates(scope, entry, answer.states_json);
  if (error.empty()) {
    RecordAnswer(scope, entry, leaf, answer.met ? "met" : "not met");
  } else {
    const std::string kept = AddDeadLetter(scope.draft, entry, leaf.rule, leaf.question, error);
    RecordAnswer(scope, entry, leaf, "counts as not met, " + kept + ": " + ShortError(error));
  }
  entry.answers.push_back(error.empty() && answer.met ? 1 : 0);
  ++entry.generation;
  if (!IsComplete(leaves, entry)) return scope.queue->Put(std::move(entry));
  Advance(scope, std::move(entry), std::move(leaves));
}

void Sync(Draft& draft, const EvaluationDraft& queue) {
  const EvaluationRow* before = queue.FirstInState();
  const EvaluationRow* now = queue.First();
  if (before != nullptr && now != nullptr && KeyOf(*before) == KeyOf(*now) &&
      before->generation == now->generation) {
    return;
  }
  if (before != nullptr) draft.EraseQuestion(*before);
  if (now == nullptr) return;
  const std::vector<Leaf> leaves = LeavesOf(draft, *now);
  CHECK(!IsComplete(leaves, *now)) << "the first entry of a scope asks nothing";
  draft.Ask(*now, leaves[now->answers.size()].question);
}

}  // namespace

bool EnqueueRules(ExecutionDraft& execution, const Occurrence& occurrence, TaskIndex task,
                  int32_t ordinal, bool decided) {
  const Event& event = execution.draft().event();
  EvaluationRow entry;
  entry.execution_id = execution.id();
  entry.workflow_id = execution.row().workflow_id;
  entry.offset = event.offset;
  entry.ordinal = ordinal;
  entry.task = task;
  entry.source = occurrence.task;
  entry.decided = decided;
  entry.statuses = StatusesNow(execution);
  if (occurrence.task < 0) {
    entry.event = event;
  } else {
    const WorkflowSpec& spec = execution.workflow().spec();
    const TaskExecutionRow* run =
        execution.FindRun(occurrence.task, execution.LatestSequence(occurrence.task));
    CHECK(run != nullptr) << "a status of task " << occurrence.task << ", which never ran";
    entry.event =
        StatusChangedEvent(spec.ns, spec.name, run->task_name, run->attempt(), *occurrence.status);
    entry.event.offset = event.offset;
    entry.event.create_time = event.create_time;
  }
  if (!execution.evaluations().HasRoomFor(entry)) return false;
  execution.evaluations().Put(std::move(entry));
  return true;
}

void FailForTooManyEvaluations(ExecutionDraft& execution) {
  StopExecution(execution, StopCause::kFailure,
                "at offset " + std::to_string(execution.draft().offset()) +
                    ": too many events wait for the answers of its user-written conditions; the "
                    "limits are " +
                    std::to_string(limits::kMaxPendingEvaluations) + " events and " +
                    std::to_string(limits::kMaxPendingEvaluationBytes >> 20) + " MiB");
}

bool MustWait(Draft& draft, TriggerId trigger, std::string_view key) {
  const TriggerEntry& entry = draft.state().triggers.at(trigger);
  if (draft.TriggerEvaluations(entry.row.workflow_id).Holds(trigger.value())) return true;
  if (entry.compiled == nullptr) return false;
  const std::vector<Question>& questions = entry.compiled->questions;
  return std::any_of(questions.begin(), questions.end(), [key](const Question& question) {
    return std::find(question.keys.begin(), question.keys.end(), key) != question.keys.end();
  });
}

void EnqueueTriggerEvaluation(Draft& draft, TriggerId trigger, bool decided) {
  EvaluationRow entry;
  entry.trigger_id = trigger;
  entry.workflow_id = draft.FindTrigger(trigger)->workflow_id;
  entry.offset = draft.offset();
  entry.event = draft.event();
  entry.decided = decided;
  draft.TouchWorkflow(entry.workflow_id);
  EvaluationDraft& queue = draft.TriggerEvaluations(entry.workflow_id);
  if (queue.HasRoomFor(entry)) return queue.Put(std::move(entry));
  AddDeadLetter(draft, entry, -1, -1,
                "too many events wait for the answers of the workflow's triggers; the limits are " +
                    std::to_string(limits::kMaxPendingEvaluations) + " events and " +
                    std::to_string(limits::kMaxPendingEvaluationBytes >> 20) + " MiB");
}

void DecideTriggerEvaluations(Draft& draft, WorkflowId workflow, Offset offset) {
  EvaluationDraft& queue = draft.TriggerEvaluations(workflow);
  for (const EvaluationKey& key : queue.KeysOfEvent(offset)) {
    EvaluationRow entry = *queue.Find(key);
    if (entry.decided) continue;
    entry.decided = true;
    queue.Put(std::move(entry));
  }
  DecideDeadLetters(draft, workflow, offset);
}

void OnAnswer(Draft& draft, const EvaluationAnswer& answer) {
  if (answer.execution_id != 0) {
    ExecutionDraft* execution = draft.Receive(ExecutionId(answer.execution_id));
    if (execution == nullptr || !execution->running()) return;
    Scope scope{draft, &execution->evaluations(), execution};
    Take(scope, answer);
    return;
  }
  const TriggerRow* trigger = draft.FindTrigger(TriggerId(answer.trigger_id));
  if (trigger == nullptr || !draft.suspensions().TakesOrHolds(trigger->workflow_id)) return;
  Scope scope{draft, &draft.TriggerEvaluations(trigger->workflow_id), nullptr};
  Take(scope, answer);
}

Status AskAgain(Draft& draft, const DeadLetterRow& letter) {
  const auto refuse = [](std::string why) {
    return Status(Code::kFailedPrecondition, std::move(why));
  };
  EvaluationRow entry;
  entry.execution_id = letter.execution_id;
  entry.trigger_id = letter.trigger_id;
  entry.workflow_id = letter.workflow_id;
  entry.offset = draft.offset();
  entry.task = letter.task;
  entry.event = letter.event;
  entry.rule = letter.rule;
  entry.question = letter.question;
  entry.decided = letter.decided;
  Scope scope{draft, nullptr, nullptr};
  if (letter.execution_id.valid()) {
    const std::string subject = "workflow execution " + std::to_string(letter.execution_id.value());
    ExecutionDraft* execution = draft.FindExecution(letter.execution_id);
    if (execution == nullptr) return refuse(subject + " is finished");
    if (!execution->running()) return refuse(subject + " is stopping");
    entry.ordinal = execution->NextOrdinal();
    entry.statuses = StatusesNow(*execution);
    execution->Edit().event_offset = draft.offset();
    scope.execution = execution;
    scope.queue = &execution->evaluations();
  } else {
    const std::string subject = "trigger " + std::to_string(letter.trigger_id.value());
    const TriggerRow* trigger = draft.FindTrigger(letter.trigger_id);
    if (trigger == nullptr) return refuse(subject + " was deleted");
    if (trigger->paused) return refuse(subject + " is paused; resume it first");
    scope.queue = &draft.TriggerEvaluations(letter.workflow_id);
  }
  if (!scope.queue->HasRoomFor(entry)) {
    return {Code::kResourceExhausted, "too many events wait for answers already"};
  }
  const bool behind = scope.queue->Holds(OwnerOf(entry));
  std::vector<Leaf> leaves = LeavesOf(draft, entry);
  if (!behind && IsComplete(leaves, entry)) {
    Advance(scope, std::move(entry), std::move(leaves));
  } else {
    scope.queue->Put(std::move(entry));
  }
  return Status::Ok();
}

void SettleEvaluations(Draft& draft) {
  for (const auto& [id, execution] : draft.executions()) {
    if (!execution->running()) execution->evaluations().Clear();
    Sync(draft, execution->evaluations());
  }
  for (const auto& [id, queue] : draft.trigger_evaluations()) Sync(draft, queue);
}

std::optional<QuestionInFlight> FindQuestion(const State& state, const OutboxRow& row) {
  const State::Rep& rep = state.rep();
  const EvaluationFifo* fifo = nullptr;
  if (row.attempt.execution.valid()) {
    const ExecutionEntry* execution = rep.FindExecution(row.attempt.execution);
    if (execution != nullptr && execution->detail != nullptr)
      fifo = &execution->detail->evaluations;
  } else if (const auto trigger = rep.triggers.find(row.trigger); trigger != rep.triggers.end()) {
    const WorkflowEntry* workflow = rep.FindWorkflowEntry(trigger->second.row.workflow_id);
    if (workflow != nullptr) fifo = &workflow->evaluations;
  }
  if (fifo == nullptr || fifo->rows().empty()) return std::nullopt;
  const auto& [key, entry] = *fifo->rows().begin();
  const int64_t owner = row.attempt.execution.valid() ? row.attempt.task : row.trigger.value();
  if (key != EvaluationKey{row.offset, row.ordinal, owner} || entry.generation != row.generation) {
    return std::nullopt;
  }
  const std::vector<Leaf> leaves = LeavesOf(rep, entry);
  if (IsComplete(leaves, entry)) return std::nullopt;
  return QuestionInFlight{&entry, leaves[entry.answers.size()]};
}

}  // namespace aiflow
