#include "scheduler/trigger_rules.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/event_keys.h"
#include "model/limits.h"
#include "model/trigger_params.h"
#include "scheduler/evaluations.h"
#include "scheduler/parts.h"
#include "scheduler/start_execution.h"

namespace aiflow {
namespace {

/// A trigger has no tasks of its own: every status it looks at is announced by an event.
class NoTasks final : public TaskStatuses {
 public:
  std::optional<TaskStatus> LatestStatus(TaskIndex /*task*/) const override { return std::nullopt; }
  int64_t LatestSequence(TaskIndex /*task*/) const override { return 0; }
};

class TriggerScope final : public RuleScope {
 public:
  TriggerScope(Draft& draft, TriggerId trigger, const Occurrence& occurrence,
               const Answers& answers)
      : draft_(draft), trigger_(trigger), occurrence_(occurrence), answers_(answers) {}

  const Occurrence& occurrence() const override { return occurrence_; }
  const TaskStatuses& tasks() const override { return no_tasks_; }

  bool Slot(int32_t slot) const override {
    const std::vector<uint8_t>& slots = draft_.FindTrigger(trigger_)->slots;
    const auto index = static_cast<size_t>(slot);
    return index < slots.size() && slots[index] != 0;
  }
  // A row is written only when it changes; then the workflow, too, has taken the event.
  void SetSlot(int32_t slot, bool met) override {
    if (Slot(slot) == met) return;
    TriggerRow& row = draft_.EditTrigger(trigger_);
    const auto index = static_cast<size_t>(slot);
    if (index >= row.slots.size()) row.slots.resize(index + 1, 0);
    row.slots[index] = met ? 1 : 0;
    draft_.TouchWorkflow(row.workflow_id);
  }
  // Joins are refused in triggers.
  int64_t Fired(int32_t /*position*/) const override { return 0; }
  void SetFired(int32_t /*position*/, TaskIndex /*task*/, int64_t /*sequence*/) override {
    CHECK(false) << "trigger " << trigger_ << " has a join";
  }
  std::optional<bool> Answer(int32_t question) const override {
    const auto index = static_cast<size_t>(question);
    return index < answers_.size() ? answers_[index] : std::nullopt;
  }

 private:
  Draft& draft_;
  const TriggerId trigger_;
  const Occurrence& occurrence_;
  const Answers& answers_;
  const NoTasks no_tasks_;
};

/// Starts an execution of the trigger's workflow. What kept it from that is for people.
Status Start(Draft& draft, const TriggerRow& trigger, const WorkflowRow& workflow,
             const Occurrence& occurrence, const Event& event) {
  const Result<const SnapshotEntry*> snapshot = FindStartableSnapshot(draft, workflow);
  if (!snapshot.has_value()) return snapshot.error();
  const std::string at = occurrence.text + " at offset " + std::to_string(event.offset);
  Result<std::string> params =
      MapTriggerParams(trigger.params_json, event, (*snapshot)->compiled->spec().params);
  if (!params.has_value()) return {params.error().code(), at + ": " + params.error().message()};
  StartOptions options;
  options.run_type = RunType::kEvent;
  options.params_json = std::move(*params);
  options.source = trigger.id.value();
  options.cause = event.offset;
  options.why = "trigger " + std::to_string(trigger.id.value()) + ": " + at;
  StartExecution(draft, workflow, **snapshot, std::move(options));
  return Status::Ok();
}

/// Triggers that listen to the current event; null when none does.
const std::set<TriggerId>* Listening(const Draft& draft) {
  const Event& event = draft.event();
  if (event.kind == EventKind::kStatusChanged) {
    const auto found = draft.state().triggers_by_status.find(event.key);
    return found == draft.state().triggers_by_status.end() ? nullptr : &found->second;
  }
  const auto found =
      draft.state().triggers_by_event.find({std::string(MatchingNamespace(event.ns)), event.key});
  return found == draft.state().triggers_by_event.end() ? nullptr : &found->second;
}

/// Those that see it, by workflow; of workflows behind the decision's cursor only.
std::map<WorkflowId, std::vector<TriggerId>> ListeningByWorkflow(const Draft& draft) {
  std::map<WorkflowId, std::vector<TriggerId>> workflows;
  const std::set<TriggerId>* listening = Listening(draft);
  if (listening == nullptr) return workflows;
  for (const TriggerId id : *listening) {
    const TriggerRow& row = draft.state().triggers.at(id).row;
    if (row.workflow_id <= draft.cursor().workflow) continue;
    const WorkflowRow* workflow = draft.state().FindWorkflow(row.workflow_id);
    // It sees what comes after the event that added it, and everything once: of a replay there is
    // one only.
    if (workflow == nullptr || draft.offset() <= row.created_offset) continue;
    const SuspensionDraft& suspensions = draft.suspensions();
    const bool late = suspensions.replays({ExecutionId(), workflow->id});
    if (!late && (suspensions.replays() || draft.offset() <= workflow->event_offset)) continue;
    workflows[workflow->id].push_back(id);
  }
  return workflows;
}

/// Of one workflow. How many rows of executions it has changed.
size_t ApplyTriggersOf(Draft& draft, const std::vector<TriggerId>& triggers,
                       const Occurrence& occurrence) {
  const int64_t executions = draft.counters().execution;
  bool started = false;
  std::vector<TriggerId> waiting;
  for (const TriggerId id : triggers) {
    if (MustWait(draft, id, draft.event().key)) {
      waiting.push_back(id);
    } else if (ApplyTrigger(draft, id, occurrence, draft.event(), {}, started)) {
      started = true;
    }
  }
  for (const TriggerId id : waiting) EnqueueTriggerEvaluation(draft, id, started);
  size_t rows = 0;
  for (int64_t id = executions + 1; id <= draft.counters().execution; ++id) {
    rows += draft.FindExecution(ExecutionId(id))->changed_rows();
  }
  return rows;
}

}  // namespace

bool ApplyTrigger(Draft& draft, TriggerId trigger, const Occurrence& occurrence, const Event& event,
                  const Answers& answers, bool decided) {
  const TriggerEntry& entry = draft.state().triggers.at(trigger);
  if (entry.compiled == nullptr) return false;
  const Condition& condition = *entry.compiled->condition;
  TriggerScope scope(draft, trigger, occurrence, answers);
  condition.Observe(scope, /*latch=*/false);
  // As among the rules of a task, one that is met and loses keeps its slots.
  if (decided || draft.FindTrigger(trigger)->paused || !condition.Met(scope)) return false;
  condition.Consume(scope);
  const TriggerRow& row = *draft.FindTrigger(trigger);
  const WorkflowRow* workflow = draft.state().FindWorkflow(row.workflow_id);
  CHECK(workflow != nullptr) << "trigger " << trigger << " has no workflow";
  const Status started = Start(draft, row, *workflow, occurrence, event);
  if (row.reason != started.message()) draft.EditTrigger(trigger).reason = started.message();
  if (started.ok()) DecideTriggerEvaluations(draft, workflow->id, event.offset);
  return started.ok();
}

bool ApplyTriggers(Draft& draft, const Occurrence& occurrence) {
  PartBudget budget(draft);
  WorkflowId last = draft.cursor().workflow;
  for (const auto& [id, triggers] : ListeningByWorkflow(draft)) {
    if (budget.full()) {
      draft.Cut().workflow = last;
      return false;
    }
    if (!draft.suspensions().TakesOrHolds(id)) {
      budget.Spend(limits::kRowsOfHolding);
      last = id;
      continue;
    }
    const size_t rows = ApplyTriggersOf(draft, triggers, occurrence);
    for (size_t i = 0; i < triggers.size(); ++i) budget.Spend(i == 0 ? rows : 0);
    last = id;
  }
  return true;
}

}  // namespace aiflow
