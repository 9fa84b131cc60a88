#include "model_checker.h"

#include <algorithm>
#include <iterator>
#include <variant>

#include "model/requests.h"
#include "reference.h"
#include "scheduler/quarantine.h"
#include "sim_hosts.h"

namespace aiflow::sim {
namespace {

std::string Text(ExecutionId id) { return "execution " + std::to_string(id.value()); }

bool IsUnfinished(const ExecutionRow& row) { return !IsFinished(row.status); }

}  // namespace

const WorkflowSpec* ModelChecker::SpecOf(const ExecutionRow& row) const {
  const auto snapshot = snapshots_.find(row.snapshot_id);
  return snapshot == snapshots_.end() ? nullptr : snapshot->second.spec.get();
}

// ---- Executions --------------------------------------------------------------------------------

void ModelChecker::Take(const ExecutionRow& row) {
  if (gone_.contains(row.id)) chaos_.Fail(Text(row.id) + " comes back, although it was removed");
  if (started_.emplace(row.id, row.workflow_id).second) {
    Started(row);
  } else if (ended_.contains(row.id) && IsUnfinished(row) &&
             IsFinished(executions_[row.id].status)) {
    chaos_.Meet(Met::kReopened);
  }
  const WorkflowSpec* spec = SpecOf(row);
  if (IsFinished(row.status)) {
    const bool again = !ended_.insert(row.id).second;
    if (spec != nullptr) hooks_.Ended(row, *spec, again);
  }
  if (row.status == ExecutionStatus::kInit) chaos_.Meet(Met::kExecutionWaited);
  executions_[row.id] = row;
}

void ModelChecker::Started(const ExecutionRow& row) {
  const auto same = [&row](const ExecutionRow& other) {
    return other.workflow_id == row.workflow_id && other.due == row.due &&
           (row.source == 0 || (other.run_type == row.run_type && other.source == row.source));
  };
  if (row.due != Millis(0)) {
    for (const auto& [id, other] : executions_) {
      if (same(other)) {
        chaos_.Fail(Text(row.id) + " and " + Text(id) + " are for the same due time");
      }
    }
    const bool backfill = EventAt(row.created_offset).value == "BACKFILL_SCHEDULE";
    chaos_.Meet(backfill ? Met::kBackfillStarted : Met::kScheduleStarted);
  }
  if (row.run_type == RunType::kEvent) {
    if (!started_by_.insert({row.workflow_id, row.created_offset}).second) {
      chaos_.Fail(Text(row.id) + " is the second of its workflow for the event at offset " +
                  std::to_string(row.created_offset));
    }
    chaos_.Meet(answered_ ? Met::kEvaluatedStart : Met::kTriggerStarted);
    if (row.source == reference_trigger_.value()) ++reached_starts_;
  }
  if (const WorkflowSpec* spec = SpecOf(row)) CheckParams(row, *spec);
}

void ModelChecker::CheckParams(const ExecutionRow& row, const WorkflowSpec& spec) {
  if (spec.params.empty() != row.params_json.empty()) {
    chaos_.Fail(Text(row.id) + " has the params '" + row.params_json + "', but its workflow " +
                (spec.params.empty() ? "has none" : "has some"));
  }
  if (spec.params.empty()) return;
  chaos_.Meet(Met::kParams);
  const auto expect = [&](const std::string& what) {
    if (row.params_json.find(what) == std::string::npos) {
      chaos_.Fail(Text(row.id) + " has the params " + row.params_json + ", but not " + what);
    }
  };
  for (const ParamSpec& param : spec.params) expect("\"" + param.name + "\":");
  const Event& cause = EventAt(row.created_offset);
  if (row.run_type == RunType::kManual) {
    const Result<Request> request = ParseRequest(cause);
    const auto* start =
        request.has_value() ? std::get_if<StartWorkflowExecution>(&*request) : nullptr;
    if (start != nullptr && start->params_json.find("\"n\":7") != std::string::npos) {
      expect("\"n\":7");
    } else if (start != nullptr) {
      expect("\"n\":1");  // the default
    }
  } else if (row.run_type == RunType::kEvent) {
    const auto trigger = triggers_.find(TriggerId(row.source));
    if (trigger == triggers_.end() || trigger->second.params_json.empty()) return;
    if (trigger->second.params_json.find("offset") == std::string::npos) return;
    chaos_.Meet(Met::kTriggerParams);
    expect("\"n\":" + std::to_string(row.created_offset));
  }
}

void ModelChecker::Take(const TaskRow& row) { tasks_[{row.execution_id, row.task}] = row; }

void ModelChecker::Take(const TaskExecutionRow& row) {
  const auto [run, fresh] = runs_.try_emplace({row.execution_id, row.task, row.sequence}, row);
  if (!fresh && row.status == TaskStatus::kRetrying && run->second.status != row.status) {
    chaos_.Meet(Met::kRetry);
  }
  if (!fresh && row.stop_cause == StopCause::kLimit && run->second.stop_cause != row.stop_cause) {
    chaos_.Meet(Met::kLimit);
  }
  const Event& cause = EventAt(row.cause_offset);
  if (fresh && cause.value == "TIMER_FIRED") chaos_.Meet(Met::kTick);
  run->second = row;
}

void ModelChecker::Take(const RuleStateRow& row) {
  rules_[{row.execution_id, row.task, row.rule}] = row;
}

void ModelChecker::Erase(ExecutionId id) {
  executions_.erase(id);
  gone_.insert(id);
  std::erase_if(letters_, [id](const auto& entry) { return entry.second.execution_id == id; });
  std::erase_if(evaluations_, [id](const auto& entry) { return entry.second.execution_id == id; });
  suspensions_.erase({id, WorkflowId()});
  held_.erase({id, WorkflowId()});
}

void ModelChecker::Take(const EraseExecution& erase) { Erase(erase.id); }

void ModelChecker::Take(const EraseWorkflow& erase) {
  chaos_.Meet(Met::kWorkflowDeleted);
  for (const auto& [id, workflow] : started_) {
    if (workflow == erase.id && executions_.contains(id)) Erase(id);
  }
  std::erase_if(schedules_, [&](const auto& e) { return e.second.workflow_id == erase.id; });
  std::erase_if(triggers_, [&](const auto& e) { return e.second.workflow_id == erase.id; });
  std::erase_if(snapshots_, [&](const auto& e) { return e.second.workflow_id == erase.id; });
  std::erase_if(letters_, [&](const auto& e) { return e.second.workflow_id == erase.id; });
  std::erase_if(evaluations_, [&](const auto& e) { return e.second.workflow_id == erase.id; });
  suspensions_.erase({ExecutionId(), erase.id});
  held_.erase({ExecutionId(), erase.id});
  workflows_.erase(erase.id);
}

void ModelChecker::Take(const EraseSnapshot& erase) {
  chaos_.Meet(Met::kSnapshotDeleted);
  for (const auto& [id, row] : executions_) {
    if (row.snapshot_id == erase.id && IsUnfinished(row)) {
      chaos_.Fail("the snapshot of " + Text(id) + " is deleted while it is open");
    }
  }
  snapshots_.erase(erase.id);
}

// ---- Outbox ------------------------------------------------------------------------------------

void ModelChecker::Take(const OutboxRow& row) {
  outbox_.insert_or_assign(row.id, row);
  hooks_.Take(row);
  if (row.kind == OutboxKind::kEvaluate) {
    chaos_.Meet(row.trigger.valid() ? Met::kTriggerQuestion : Met::kTaskQuestion);
    const auto execution = executions_.find(row.attempt.execution);
    const WorkflowSpec* spec = execution == executions_.end() ? nullptr : SpecOf(execution->second);
    const bool asked = spec != nullptr && spec->name == kReferenceWorkflow;
    if (!asked && (!row.trigger.valid() || row.trigger != reference_trigger_)) return;
    Verdicts& verdicts = asked ? asked_[row.attempt.execution] : reached_;
    const Verdict verdict = ReferenceVerdict(chaos_.seed, row.id);
    verdicts.met += verdict == Verdict::kMet ? 1 : 0;
    verdicts.errors += verdict == Verdict::kError ? 1 : 0;
  }
}

void ModelChecker::Take(const EraseOutbox& erase) {
  outbox_.erase(erase.id);
  hooks_.Take(erase);
}

// ---- Conditions and triggers -------------------------------------------------------------------

void ModelChecker::Take(const TriggerRow& row) {
  triggers_[row.id] = row;
  const auto workflow = workflows_.find(row.workflow_id);
  if (workflow != workflows_.end() && workflow->second.name == kReachedWorkflow) {
    reference_trigger_ = row.id;
  }
}

void ModelChecker::Take(const EraseTrigger& erase) {
  const bool asked = std::ranges::any_of(
      evaluations_, [&](const auto& entry) { return entry.second.trigger_id == erase.id; });
  if (asked) chaos_.Meet(Met::kTriggerDeletedAsked);
  triggers_.erase(erase.id);
  std::erase_if(evaluations_, [&](const auto& e) { return e.second.trigger_id == erase.id; });
}

void ModelChecker::Take(const EvaluationRow& row) {
  evaluations_[{row.execution_id, row.trigger_id, row.offset, row.ordinal, row.task}] = row;
}

void ModelChecker::Take(const EraseEvaluation& erase) {
  evaluations_.erase(
      {erase.execution_id, erase.trigger_id, erase.offset, erase.ordinal, erase.task});
}

void ModelChecker::Take(const SuspensionRow& row) {
  const Receiver receiver{row.execution_id, row.workflow_id};
  if (row.lost != 0) chaos_.Fail("an event is not held, although there is room");
  if (row.workflow_id.valid()) chaos_.Meet(Met::kWorkflowSuspended);
  const auto known = suspensions_.find(receiver);
  if (known != suspensions_.end() && known->second.replaying && !row.replaying) {
    chaos_.Meet(Met::kReplayQuarantined);
  }
  suspensions_.insert_or_assign(receiver, row);
}

void ModelChecker::Take(const HeldEventRow& row) {
  chaos_.Meet(Met::kEventHeld);
  std::set<Offset>& held = held_[{row.execution_id, row.workflow_id}];
  // What comes in place of a dropped event has its place, too.
  const bool in_place = row.event.context.find("dropped by hand") != std::string::npos;
  if (in_place) report_dropped_.insert(row.execution_id);
  if (!held.empty() && row.offset < *held.begin() && !in_place) {
    chaos_.Fail("event " + std::to_string(row.offset) + " is held behind a later one");
  }
  held.insert(row.offset);
}

void ModelChecker::Take(const EraseHeldEvent& erase) {
  std::set<Offset>& held = held_[{erase.execution_id, erase.workflow_id}];
  if (held.empty() || *held.begin() != erase.offset) {
    chaos_.Fail("event " + std::to_string(erase.offset) + " is replayed out of its turn");
  }
  held.erase(erase.offset);
}

void ModelChecker::Take(const EraseSuspension& erase) {
  const Receiver receiver{erase.execution_id, erase.workflow_id};
  suspensions_.erase(receiver);
  ended_suspensions_.push_back(receiver);
}

/// At the end of a batch, when it is known who has ended with it.
void ModelChecker::CheckEndedSuspensions() {
  for (const Receiver& receiver : ended_suspensions_) {
    const auto execution = executions_.find(receiver.first);
    const bool ended = execution != executions_.end() && IsFinished(execution->second.status);
    if (!held_[receiver].empty() && !ended) {
      chaos_.Fail("a suspension ends, and events are still held");
    }
    held_.erase(receiver);
  }
  ended_suspensions_.clear();
}

std::vector<Event> ModelChecker::WithoutSetAside(const std::vector<Event>& events) const {
  std::vector<Event> received;
  std::ranges::copy_if(events, std::back_inserter(received),
                       [this](const Event& event) { return !set_aside_.contains(event.offset); });
  return received;
}

std::vector<int64_t> ModelChecker::quarantined(bool droppable) const {
  std::set<DeadLetterId> needed;
  for (const auto& [receiver, row] : suspensions_) {
    const auto execution = executions_.find(receiver.first);
    const WorkflowSpec* spec = execution == executions_.end() ? nullptr : SpecOf(execution->second);
    const auto workflow = workflows_.find(receiver.second);
    if ((spec != nullptr && spec->name == kReferenceWorkflow) ||
        (workflow != workflows_.end() && workflow->second.name == kReachedWorkflow)) {
      needed.insert(row.letter);
    }
  }
  std::vector<int64_t> ids;
  for (const auto& [id, row] : letters_) {
    if (!IsQuarantine(row)) continue;
    if (!droppable || (row.decided && !needed.contains(id))) ids.push_back(id.value());
  }
  return ids;
}

void ModelChecker::Take(const DeadLetterRow& row) {
  if (IsQuarantine(row)) {
    if (letters_.insert_or_assign(row.id, row).second) {
      chaos_.Meet(row.decided ? Met::kQuarantined : Met::kSetAside);
      if (!row.decided) set_aside_.insert(row.event.offset);
    }
    return;
  }
  if (const auto kept = letters_.find(row.id); kept != letters_.end()) {
    DeadLetterRow decided = kept->second;
    decided.decided = true;
    if (row != decided) chaos_.Fail("a dead letter changes");
    kept->second = row;
    return;
  }
  letters_.emplace(row.id, row);
  letter_events_.insert(row.event.offset);
  chaos_.Meet(Met::kLetterKept);
  if (row.trigger_id.valid() && row.trigger_id == reference_trigger_) ++reached_.letters;
  if (const auto asked = asked_.find(row.execution_id); asked != asked_.end()) {
    ++asked->second.letters;
  }
}

void ModelChecker::Take(const EraseDeadLetter& erase) {
  const auto letter = letters_.find(erase.id);
  if (letter == letters_.end()) return chaos_.Fail("a dead letter is erased that is not there");
  const DeadLetterRow& row = letter->second;
  if (IsQuarantine(row)) {
    letters_.erase(letter);
    return;
  }
  ++erased_letters_[{row.execution_id, row.task, row.event.offset}];
  letters_.erase(letter);
}

int ModelChecker::AskedAgain(const TaskExecutionRow& run) const {
  const auto found = erased_letters_.find({run.execution_id, run.task, run.cause_offset});
  return found == erased_letters_.end() ? 0 : found->second;
}

void ModelChecker::Take(const ReplyRow& row) {
  const std::string& value = EventAt(row.offset).value;
  const bool ok = row.code == static_cast<int>(Code::kOk);
  if (value == "RETRY_DEAD_LETTER" && ok) chaos_.Meet(Met::kLetterRetried);
  if (value == "DROP_DEAD_LETTER" && ok) chaos_.Meet(Met::kLetterDropped);
  if (row.message.find("is retried; ") != std::string::npos) {
    chaos_.Meet(Met::kQuarantineRetried);
  }
  if (row.message.find("dropped; ") != std::string::npos) chaos_.Meet(Met::kQuarantineDropped);
  if (value == "DELETE_NAMESPACE" && ok && row.id > 0) chaos_.Meet(Met::kNamespaceDeleted);
  if (value == "RETIRE_ROWS" && ok) {
    const Result<Request> request = ParseRequest(EventAt(row.offset));
    const auto& retire = std::get<RetireRows>(*request);
    if (!retire.executions.empty()) chaos_.Meet(Met::kExecutionRetired, row.id);
    if (!retire.runs.empty()) chaos_.Meet(Met::kRunRetired, row.id);
    if (retire.replies_below > 0) chaos_.Meet(Met::kReplyRetired);
  }
  if (value == "BACKFILL_SCHEDULE" && row.message.find("have one already") != std::string::npos) {
    chaos_.Meet(Met::kBackfillRepeated);
  }
  if (row.message.find("history_retention") != std::string::npos) {
    chaos_.Meet(Met::kRetiredRefused);
  }
}

int64_t ModelChecker::ExpectedAsked(ExecutionId id) const {
  const auto asked = asked_.find(id);
  return asked == asked_.end() ? 0 : asked->second.met;
}

// ---- Retention ---------------------------------------------------------------------------------

void ModelChecker::Take(const EraseTaskExecution& erase) {
  const auto run = runs_.find({erase.execution_id, erase.task, erase.sequence});
  const auto task = tasks_.find({erase.execution_id, erase.task});
  if (run == runs_.end() || task == tasks_.end() || !IsFinished(run->second.status)) {
    return chaos_.Fail("a run of " + Text(erase.execution_id) + " is removed that has not ended");
  }
  const TaskRow& names = task->second;
  bool named = erase.sequence == names.latest || erase.sequence == names.current ||
               erase.sequence == names.successor;
  for (const auto& [key, rule] : rules_) {
    if (rule.execution_id != erase.execution_id) continue;
    named = named || std::ranges::find(rule.fired, std::pair(erase.task, erase.sequence)) !=
                         rule.fired.end();
  }
  if (named) chaos_.Fail("a run of " + Text(erase.execution_id) + " is removed that is named");
}

void ModelChecker::Take(const EraseReplies& erase) {
  if (erase.below > first_) chaos_.Fail("replies go before their events");
}

bool ModelChecker::MayMissCause(const TaskExecutionRow& run) const {
  if (run.cause_offset >= first_) return false;
  const auto found = runs_.find({run.execution_id, run.task, run.sequence});
  if (found == runs_.end()) return true;
  const TaskExecutionRow& row = found->second;
  return row.status != TaskStatus::kQueued || row.try_number > 1 ||
         letter_events_.contains(row.cause_offset);
}

void ModelChecker::OnDrop(Offset first) {
  const auto need = [&](Offset offset, const std::string& what) {
    if (offset < first_ || offset >= first) return;
    chaos_.Fail("the log is cut at " + std::to_string(first) + ", but " + what + " names " +
                std::to_string(offset));
  };
  // A dead letter does not hold its event: what starts when it is asked again may go without.
  const auto need_cause = [&](Offset offset, const std::string& what) {
    if (!letter_events_.contains(offset)) need(offset, what);
  };
  for (const auto& [id, row] : outbox_) need(row.offset, "an outbox row");
  for (const auto& [key, row] : evaluations_) {
    need(row.offset, "an event that waits for answers");
    need_cause(row.event.offset, "an event that waits for answers");
  }
  for (const auto& [id, row] : executions_) {
    if (row.status == ExecutionStatus::kInit)
      need_cause(row.created_offset, Text(id) + ", which waits,");
  }
  for (const auto& [key, task] : tasks_) {
    const auto execution = executions_.find(task.execution_id);
    if (execution == executions_.end() || !IsUnfinished(execution->second)) continue;
    for (const Offset offset : task.pending_starts) need_cause(offset, "a kept start");
    for (const int64_t sequence : {task.current, task.successor}) {
      const auto run = runs_.find({task.execution_id, task.task, sequence});
      if (run == runs_.end()) continue;
      const TaskStatus status = run->second.status;
      const bool begins = status == TaskStatus::kInit || status == TaskStatus::kQueued;
      if (begins && run->second.try_number == 1) {
        need_cause(run->second.cause_offset, "a waiting run");
      }
    }
  }
  if (first > first_) chaos_.Meet(Met::kEventDropped, first - first_);
  first_ = std::max(first_, first);
}

void ModelChecker::CheckRetired(Millis before) const {
  if (hooks_.has_hooks()) return;  // they keep their executions, and these may be the oldest
  for (const auto& [id, row] : executions_) {
    if (!IsUnfinished(row) && row.end < before) {
      chaos_.Fail(Text(id) + " has ended long ago, and retention leaves it");
    }
  }
}

void ModelChecker::OnBlobSweep(const std::set<std::string>& named) const {
  for (const auto& [id, row] : snapshots_) {
    if (!row.spec_digest.empty() && !named.contains(row.spec_digest)) {
      chaos_.Fail("the specification of a snapshot is swept away");
    }
  }
  for (const auto& [id, row] : triggers_) {
    if (!row.pickled_digest.empty() && !named.contains(row.pickled_digest)) {
      chaos_.Fail("the rule of a trigger is swept away");
    }
  }
}

// ---- All of it ---------------------------------------------------------------------------------

void ModelChecker::OnCommit(const CommitBatch& batch) {
  hooks_.BeginBatch();
  answered_ = false;
  for (Offset offset = batch.from_offset + 1; offset <= batch.to_offset; ++offset) {
    answered_ = answered_ || EventAt(offset).value == "EVALUATION_ANSWER";
  }
  for (const Change& change : batch.changes) {
    std::visit([this](const auto& row) { Take(row); }, change);
  }
  for (const auto& [receiver, row] : suspensions_) {
    if (!row.replaying && !letters_.contains(row.letter)) {
      chaos_.Fail("somebody is suspended by no failed event");
    }
  }
  CheckEndedSuspensions();
  hooks_.EndBatch(gone_);
}

void ModelChecker::CheckRest() const {
  if (!suspensions_.empty()) chaos_.Fail("at rest, somebody is suspended");
  if (!evaluations_.empty()) chaos_.Fail("at rest, an event waits for the answers of nobody");
  const auto check = [this](const std::string& who, const Verdicts& verdicts) {
    if (verdicts.letters != verdicts.errors) {
      chaos_.Fail(who + ": " + std::to_string(verdicts.errors) + " questions had no answer, and " +
                  std::to_string(verdicts.letters) + " dead letters were kept");
    }
  };
  for (const auto& [id, verdicts] : asked_) {
    // Whoever was stopped dropped what it had asked.
    const auto execution = executions_.find(id);
    if (execution != executions_.end() && IsUnfinished(execution->second)) {
      check("reference " + Text(id), verdicts);
    }
  }
  check("the reference trigger", reached_);
  if (reached_starts_ != reached_.met) {
    chaos_.Fail("the reference trigger was met " + std::to_string(reached_.met) +
                " times and has started " + std::to_string(reached_starts_) + " executions");
  }
}

void ModelChecker::CheckEnd() const {
  if (hooks_.has_hooks()) chaos_.Fail("at the end, a hook is still to be told");
}

std::vector<int64_t> ModelChecker::triggers() const {
  std::vector<int64_t> ids;
  for (const auto& [id, row] : triggers_) {
    if (id != reference_trigger_) ids.push_back(id.value());
  }
  return ids;
}

std::vector<int64_t> ModelChecker::schedules() const {
  std::vector<int64_t> ids;
  for (const auto& [id, row] : schedules_) ids.push_back(id.value());
  return ids;
}

std::vector<int64_t> ModelChecker::letters(bool of_triggers) const {
  std::vector<int64_t> ids;
  for (const auto& [id, row] : letters_) {
    if (IsQuarantine(row)) continue;
    const bool other = row.trigger_id.valid() && row.trigger_id != reference_trigger_;
    if (!of_triggers || other) ids.push_back(id.value());
  }
  return ids;
}

std::vector<int64_t> ModelChecker::snapshots() const {
  std::vector<int64_t> ids;
  for (const auto& [id, row] : snapshots_) {
    const bool reference = row.spec != nullptr && (row.spec->name == kReferenceWorkflow ||
                                                   row.spec->name == kReachedWorkflow);
    if (!reference) ids.push_back(id.value());
  }
  return ids;
}

bool ModelChecker::WantsReferenceTrigger() const {
  if (reference_trigger_.valid()) return false;
  return std::ranges::any_of(
      workflows_, [](const auto& entry) { return entry.second.name == kReachedWorkflow; });
}

}  // namespace aiflow::sim
