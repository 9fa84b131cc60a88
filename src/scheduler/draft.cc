#include "scheduler/draft.h"

#include <algorithm>

#include "base/check.h"
#include "model/event_keys.h"
#include "model/requests.h"
#include "model/status_changed.h"

namespace aiflow {
namespace {

/// The changed row, else the stored one, else null.
template <typename Map, typename Key>
const typename Map::mapped_type* Find(const Map& changed, const Map* stored, const Key& key) {
  if (const auto found = changed.find(key); found != changed.end()) return &found->second;
  if (stored == nullptr) return nullptr;
  const auto found = stored->find(key);
  return found == stored->end() ? nullptr : &found->second;
}

}  // namespace

ExecutionDraft::ExecutionDraft(Draft& draft, const ExecutionEntry* base, ExecutionRow row,
                               const CompiledWorkflow& workflow)
    : draft_(draft),
      base_(base),
      workflow_(workflow),
      edited_(base == nullptr),
      row_(std::move(row)),
      evaluations_(base == nullptr || base->detail == nullptr ? nullptr
                                                              : &base->detail->evaluations) {}

const TaskRow* ExecutionDraft::FindTask(TaskIndex task) const {
  const ExecutionDetail* detail = base_ == nullptr ? nullptr : base_->detail.get();
  return Find(tasks_, detail == nullptr ? nullptr : &detail->tasks, task);
}

TaskRow& ExecutionDraft::EditTask(TaskIndex task) {
  if (const auto found = tasks_.find(task); found != tasks_.end()) return found->second;
  TaskRow row;
  if (const TaskRow* stored = FindTask(task)) row = *stored;
  row.execution_id = id();
  row.task = task;
  return tasks_.emplace(task, std::move(row)).first->second;
}

const TaskExecutionRow* ExecutionDraft::FindRun(TaskIndex task, int64_t sequence) const {
  const ExecutionDetail* detail = base_ == nullptr ? nullptr : base_->detail.get();
  return Find(runs_, detail == nullptr ? nullptr : &detail->runs, RunKey{task, sequence});
}

TaskExecutionRow& ExecutionDraft::EditRun(TaskIndex task, int64_t sequence) {
  const RunKey key{task, sequence};
  if (const auto found = runs_.find(key); found != runs_.end()) return found->second;
  const TaskExecutionRow* stored = FindRun(task, sequence);
  CHECK(stored != nullptr) << "execution " << id() << ": run " << sequence << " of task " << task
                           << " is not in the state";
  return runs_.emplace(key, *stored).first->second;
}

void ExecutionDraft::AddRun(TaskExecutionRow row) {
  const RunKey key{row.task, row.sequence};
  CHECK(FindRun(row.task, row.sequence) == nullptr)
      << "execution " << id() << ": sequence " << row.sequence << " is used twice";
  runs_.emplace(key, std::move(row));
}

const RuleStateRow* ExecutionDraft::FindRuleState(RuleRef ref) const {
  const ExecutionDetail* detail = base_ == nullptr ? nullptr : base_->detail.get();
  return Find(rules_, detail == nullptr ? nullptr : &detail->rules, ref);
}

RuleStateRow& ExecutionDraft::EditRuleState(RuleRef ref) {
  if (const auto found = rules_.find(ref); found != rules_.end()) return found->second;
  RuleStateRow row;
  if (const RuleStateRow* stored = FindRuleState(ref)) row = *stored;
  row.execution_id = id();
  row.task = ref.task;
  row.rule = ref.rule;
  return rules_.emplace(ref, std::move(row)).first->second;
}

std::optional<TaskStatus> ExecutionDraft::LatestStatus(TaskIndex task) const {
  // Joins ask for many tasks, and this event changed few of them: those take the long way.
  const auto run = runs_.lower_bound({task, 0});
  if (tasks_.contains(task) || (run != runs_.end() && run->first.first == task)) {
    const TaskRow* row = FindTask(task);
    if (row == nullptr || row->latest == 0) return std::nullopt;
    const TaskExecutionRow* latest = FindRun(task, row->latest);
    CHECK(latest != nullptr) << "execution " << id() << ": latest run of task " << task
                             << " is lost";
    return latest->status;
  }
  if (base_ == nullptr || base_->detail == nullptr) return std::nullopt;
  const std::vector<uint8_t>& statuses = base_->detail->latest_status;
  const auto index = static_cast<size_t>(task);
  if (index >= statuses.size() || statuses[index] == ExecutionDetail::kNeverRan) {
    return std::nullopt;
  }
  return static_cast<TaskStatus>(statuses[index]);
}

int64_t ExecutionDraft::LatestSequence(TaskIndex task) const {
  const TaskRow* row = FindTask(task);
  return row == nullptr ? 0 : row->latest;
}

bool ExecutionDraft::HasLiveTask() const {
  const ExecutionDetail* detail = base_ == nullptr ? nullptr : base_->detail.get();
  int64_t live = detail == nullptr ? 0 : detail->live_tasks;
  for (const auto& [task, row] : tasks_) {
    live += IsLive(row) ? 1 : 0;
    if (detail == nullptr) continue;
    const auto stored = detail->tasks.find(task);
    live -= stored != detail->tasks.end() && IsLive(stored->second) ? 1 : 0;
  }
  return live > 0;
}

bool ExecutionDraft::HasTick() const {
  if (!workflow_.has_periodic()) return false;
  for (size_t i = 0; i < workflow_.tasks().size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    const TaskRow* row = FindTask(task);
    if (row != nullptr && row->next_tick != Millis(0) && !workflow_.task_spec(task).optional) {
      return true;
    }
  }
  return false;
}

bool ExecutionDraft::MayHaveEnded() const {
  return base_ == nullptr || !tasks_.empty() || evaluations_.changed() ||
         row_.status != base_->row.status;
}

void ExecutionDraft::Announce(const TaskExecutionRow& run) {
  const WorkflowSpec& spec = workflow_.spec();
  draft_.Publish(StatusChangedEvent(spec.ns, spec.name, run.task_name, run.attempt(), run.status));
}

void ExecutionDraft::ReportSelf(const TaskExecutionRow& run, TaskStatus status) {
  TaskStatusReport report;
  report.attempt = run.attempt();
  report.task_name = run.task_name;
  report.status = status;
  report.engine_made = true;
  Event event = FormatRequest(report);
  event.ns = workflow_.spec().ns;
  event.id = EngineReportEventId(report.attempt, status, draft_.offset());
  draft_.Publish(std::move(event));
}

std::string ExecutionDraft::SlotAskedFor(TaskIndex task) const {
  const auto found = slot_asked_.find(task);
  return found == slot_asked_.end() ? "" : found->second;
}

void ExecutionDraft::AppendClaims(std::vector<TaskClaims>& before,
                                  std::vector<TaskClaims>& after) const {
  std::set<TaskIndex> changed;
  for (const auto& [task, row] : tasks_) changed.insert(task);
  for (const auto& [key, run] : runs_) changed.insert(key.first);
  const ExecutionDetail* detail = base_ == nullptr ? nullptr : base_->detail.get();
  for (const TaskIndex task : changed) {
    if (detail != nullptr) {
      if (const auto row = detail->tasks.find(task); row != detail->tasks.end()) {
        const auto run = detail->runs.find({task, row->second.current});
        before.push_back(ClaimsOf(base_->row, workflow_, row->second,
                                  run == detail->runs.end() ? nullptr : &run->second));
      }
    }
    if (const TaskRow* row = FindTask(task)) {
      after.push_back(ClaimsOf(row_, workflow_, *row, FindRun(task, row->current)));
    }
  }
}

void ExecutionDraft::Record(CauseKind kind, TaskIndex task, int64_t sequence, RuleIndex rule,
                            std::string text) {
  CauseRow cause;
  cause.execution_id = id();
  // What follows from a replay for others has nothing to do with what they did at its old offset.
  const bool replayed = draft_.suspensions().replays({id(), WorkflowId()});
  cause.offset = replayed ? draft_.offset() : draft_.log_offset();
  cause.task = task;
  // Each part of a decision has numbers of its own.
  constexpr int64_t kPerPart = 1 << 14;
  constexpr int64_t kParts = int64_t{1} << 16;
  cause.ordinal =
      static_cast<int32_t>((draft_.cursor().part % kParts) * kPerPart + ordinals_[task]++);
  cause.kind = kind;
  cause.sequence = sequence;
  cause.rule = rule;
  cause.time = draft_.now();
  cause.text = std::move(text);
  causes_.push_back(std::move(cause));
}

void ExecutionDraft::Restore(const Change& row) {
  if (const auto* task = std::get_if<TaskRow>(&row)) {
    tasks_.emplace(task->task, *task);
  } else if (const auto* run = std::get_if<TaskExecutionRow>(&row)) {
    runs_.emplace(RunKey{run->task, run->sequence}, *run);
  } else if (const auto* rule = std::get_if<RuleStateRow>(&row)) {
    rules_.emplace(RuleRef{rule->task, rule->rule}, *rule);
  }
}

void ExecutionDraft::AppendChanges(std::vector<Change>& changes) const {
  if (edited_) changes.emplace_back(row_);
  for (const auto& [key, row] : tasks_) changes.emplace_back(row);
  for (const auto& [key, row] : runs_) changes.emplace_back(row);
  for (const auto& [key, row] : rules_) changes.emplace_back(row);
  evaluations_.AppendChanges(changes);
}

void ExecutionDraft::AppendCauses(std::vector<Change>& changes) const {
  for (const CauseRow& cause : causes_) changes.emplace_back(cause);
}

Draft::Draft(const State::Rep& state, const Event& event, const std::vector<Change>& loaded,
             size_t max_executions, const HeldEventRow* replayed)
    : state_(state),
      log_offset_(event.offset),
      event_(replayed == nullptr ? event : replayed->event),
      now_(event.create_time),
      loaded_(loaded),
      max_executions_(max_executions),
      counters_(state.counters),
      suspensions_(*this, replayed) {
  CHECK(!resumed() || cursor().offset == log_offset_)
      << "event " << log_offset_ << " comes in the middle of the decision about event "
      << cursor().offset;
}

CursorRow& Draft::Cut() {
  if (!next_.has_value()) next_ = cursor();
  return *next_;
}

CursorRow& Draft::CutAndHoldBack() {
  holds_back_ = true;
  return Cut();
}

ExecutionDraft* Draft::FindExecution(ExecutionId id) {
  if (const auto found = executions_.find(id); found != executions_.end()) {
    return found->second.get();
  }
  const ExecutionEntry* entry = state_.FindExecution(id);
  if (entry == nullptr) return nullptr;
  const SnapshotEntry* snapshot = state_.FindSnapshot(entry->row.snapshot_id);
  if (snapshot == nullptr || snapshot->compiled == nullptr) return nullptr;
  auto draft = std::make_unique<ExecutionDraft>(*this, entry, entry->row, *snapshot->compiled);
  return executions_.emplace(id, std::move(draft)).first->second.get();
}

ExecutionDraft& Draft::AddExecution(ExecutionRow row, const CompiledWorkflow& workflow) {
  const ExecutionId id = row.id;
  auto draft = std::make_unique<ExecutionDraft>(*this, nullptr, std::move(row), workflow);
  const auto [entry, inserted] = executions_.emplace(id, std::move(draft));
  CHECK(inserted) << "execution " << id << " is there already";
  return *entry->second;
}

void Draft::Put(Change change) {
  if (const auto* erase = std::get_if<EraseTrigger>(&change)) DropTrigger(erase->id);
  if (const auto* erase = std::get_if<EraseWorkflow>(&change)) {
    const WorkflowEntry* workflow = state_.FindWorkflowEntry(erase->id);
    if (workflow != nullptr) {
      for (const TriggerId id : workflow->triggers) DropTrigger(id);
    }
  }
  others_.push_back(std::move(change));
}

WorkflowRow& Draft::EditWorkflow(WorkflowId id) {
  if (const auto found = workflows_.find(id); found != workflows_.end()) return found->second;
  const WorkflowRow* stored = state_.FindWorkflow(id);
  CHECK(stored != nullptr) << "workflow " << id << " is not in the state";
  return workflows_.emplace(id, *stored).first->second;
}

void Draft::TouchWorkflow(WorkflowId id) {
  WorkflowRow& row = EditWorkflow(id);
  row.event_offset = std::max(row.event_offset, offset());  // a replay is late
}

// What goes with an owner must not be written after it.
void Draft::DropTrigger(TriggerId id) {
  const auto stored = state_.triggers.find(id);
  if (stored == state_.triggers.end() || !erased_triggers_.insert(id).second) return;
  TriggerEvaluations(stored->second.row.workflow_id).DropOwner(id.value());
}

EvaluationDraft& Draft::TriggerEvaluations(WorkflowId id) {
  if (const auto found = trigger_evaluations_.find(id); found != trigger_evaluations_.end()) {
    return found->second;
  }
  const WorkflowEntry* workflow = state_.FindWorkflowEntry(id);
  EvaluationDraft draft(workflow == nullptr ? nullptr : &workflow->evaluations);
  return trigger_evaluations_.emplace(id, std::move(draft)).first->second;
}

const TriggerRow* Draft::FindTrigger(TriggerId id) const {
  if (erased_triggers_.contains(id)) return nullptr;
  if (const auto found = triggers_.find(id); found != triggers_.end()) return &found->second;
  const auto stored = state_.triggers.find(id);
  return stored == state_.triggers.end() ? nullptr : &stored->second.row;
}

TriggerRow& Draft::EditTrigger(TriggerId id) {
  if (const auto found = triggers_.find(id); found != triggers_.end()) return found->second;
  const TriggerRow* stored = FindTrigger(id);
  CHECK(stored != nullptr) << "trigger " << id << " is not in the state";
  return triggers_.emplace(id, *stored).first->second;
}

const ExecutionRow* Draft::FinishedRow() const {
  for (const Change& row : loaded_) {
    if (const auto* execution = std::get_if<ExecutionRow>(&row)) return execution;
  }
  return nullptr;
}

ExecutionDraft* Draft::FindFinished() {
  if (finished_ != nullptr) return finished_.get();
  const ExecutionRow* row = FinishedRow();
  if (row == nullptr) return nullptr;
  const SnapshotEntry* snapshot = state_.FindSnapshot(row->snapshot_id);
  if (snapshot == nullptr || snapshot->compiled == nullptr) return nullptr;
  finished_ = std::make_unique<ExecutionDraft>(*this, nullptr, *row, *snapshot->compiled);
  for (const Change& loaded : loaded_) finished_->Restore(loaded);
  return finished_.get();
}

ExecutionDraft& Draft::TakeFinished() {
  CHECK(finished_ != nullptr) << "event " << offset() << " came without a finished execution";
  const ExecutionId id = finished_->id();
  return *executions_.insert_or_assign(id, std::move(finished_)).first->second;
}

const ExecutionRow* Draft::FinishedUserOf(SnapshotId snapshot) const {
  for (const Change& row : loaded_) {
    const auto* execution = std::get_if<ExecutionRow>(&row);
    if (execution != nullptr && execution->snapshot_id == snapshot) return execution;
  }
  return nullptr;
}

OutboxRow& Draft::AddOutbox(OutboxKind kind) {
  OutboxRow& row = outbox_.emplace_back();
  row.id = OutboxId(++counters_.outbox);
  row.kind = kind;
  row.offset = offset();
  return row;
}

void Draft::Send(OutboxKind kind, const AttemptKey& attempt) { AddOutbox(kind).attempt = attempt; }

void Draft::Publish(Event event) { AddOutbox(OutboxKind::kPublish).publish = std::move(event); }

void Draft::PutPool(PoolRow row) {
  pools_[row.name] = row;
  others_.emplace_back(std::move(row));
}

const PoolRow* Draft::FindPool(std::string_view pool) const {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? state_.FindPool(pool) : &found->second;
}

int64_t Draft::PoolSlots(std::string_view pool) const {
  const auto found = pools_.find(pool);
  return found == pools_.end() ? state_.PoolSlots(pool) : found->second.slots;
}

void Draft::SendHook(ExecutionId execution, int32_t hook, std::string call) {
  OutboxRow& row = AddOutbox(OutboxKind::kHook);
  row.attempt.execution = execution;
  row.question = hook;
  row.publish.context = std::move(call);
}

void Draft::EraseCommand(OutboxKind kind, const AttemptKey& attempt) {
  const auto added = std::find_if(outbox_.begin(), outbox_.end(), [&](const OutboxRow& row) {
    return row.kind == kind && row.attempt == attempt;
  });
  if (added != outbox_.end()) outbox_.erase(added);
  const auto stored = state_.attempt_outbox.find(attempt);
  if (stored == state_.attempt_outbox.end()) return;
  const OutboxId id =
      kind == OutboxKind::kStartAttempt ? stored->second.start : stored->second.stop;
  if (id.valid()) erased_outbox_.insert(id);
}

void Draft::Ask(const EvaluationRow& entry, int32_t question) {
  OutboxRow& row = AddOutbox(OutboxKind::kEvaluate);
  row.offset = entry.offset;
  row.attempt.execution = entry.execution_id;
  row.attempt.task = entry.task;
  row.trigger = entry.trigger_id;
  row.ordinal = entry.ordinal;
  row.question = question;
  row.generation = entry.generation;
}

void Draft::EraseQuestion(const EvaluationRow& entry) {
  const auto stored = state_.questions.find({entry.execution_id, entry.trigger_id});
  if (stored != state_.questions.end()) erased_outbox_.insert(stored->second);
}

void Draft::Reply(Code code, std::string message, int64_t id, std::string detail) {
  CHECK(!reply_.has_value()) << "event " << offset() << " is answered twice";
  ReplyRow row;
  row.offset = offset();
  row.code = static_cast<int>(code);
  row.message = std::move(message);
  row.id = id;
  row.detail = std::move(detail);
  reply_ = std::move(row);
}

std::vector<Change> Draft::Finish() const {
  std::vector<Change> changes = others_;
  for (const auto& [id, row] : workflows_) changes.emplace_back(row);
  for (const auto& [id, row] : triggers_) {
    if (!erased_triggers_.contains(id)) changes.emplace_back(row);
  }
  for (const auto& [id, execution] : executions_) execution->AppendChanges(changes);
  for (const auto& [id, queue] : trigger_evaluations_) queue.AppendChanges(changes);
  for (const auto& [id, execution] : executions_) execution->AppendCauses(changes);
  for (const OutboxId id : erased_outbox_) changes.emplace_back(EraseOutbox{id});
  for (const OutboxRow& row : outbox_) changes.emplace_back(row);
  if (reply_.has_value()) changes.emplace_back(*reply_);
  if (counters_ != state_.counters) changes.emplace_back(counters_);
  if (next_.has_value() || rest_) {
    CursorRow next = next_.value_or(cursor());
    next.handled = !next_.has_value();
    next.offset = log_offset_;
    next.part = cursor().part + 1;
    changes.emplace_back(next);
  } else if (resumed()) {
    changes.emplace_back(CursorRow{});
  }
  return changes;
}

}  // namespace aiflow
