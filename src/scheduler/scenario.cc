#include "scheduler/scenario.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <variant>

#include "scheduler/evaluations.h"
#include "scheduler/state_rep.h"
#include "scheduler/suspensions.h"

namespace aiflow::test {
namespace {

template <typename Map, typename Key>
void EraseOwned(Map& map, Key id) {
  std::erase_if(map, [id](const auto& entry) { return std::get<0>(entry.first) == id; });
}

struct Writer {
  Rows& rows;
  void operator()(const NamespaceRow& row) { rows.namespaces[row.name] = row; }
  void operator()(const WorkflowRow& row) { rows.workflows[row.id.value()] = row; }
  void operator()(const SnapshotRow& row) { rows.snapshots[row.id.value()] = row; }
  void operator()(const ExecutionRow& row) { rows.executions[row.id.value()] = row; }
  void operator()(const TaskRow& row) { rows.tasks[{row.execution_id.value(), row.task}] = row; }
  void operator()(const TaskExecutionRow& row) {
    rows.runs[{row.execution_id.value(), row.task, row.sequence}] = row;
  }
  void operator()(const RuleStateRow& row) {
    rows.rules[{row.execution_id.value(), row.task, row.rule}] = row;
  }
  void operator()(const ScheduleRow& row) { rows.schedules[row.id.value()] = row; }
  void operator()(const TriggerRow& row) { rows.triggers[row.id.value()] = row; }
  void operator()(const PoolRow& row) { rows.pools[row.name] = row; }
  void operator()(const StateRow& row) {
    rows.states[{row.execution_id.value(), row.workflow_id.value(), row.name}] = row;
  }
  void operator()(const EvaluationRow& row) {
    rows.evaluations[{row.execution_id.value(), row.trigger_id.value(), row.offset, row.ordinal,
                      row.task}] = row;
  }
  void operator()(const DeadLetterRow& row) { rows.dead_letters[row.id.value()] = row; }
  void operator()(const CauseRow& row) {
    const bool added =
        rows.causes
            .emplace(std::tuple(row.execution_id.value(), row.offset, row.task, row.ordinal), row)
            .second;
    EXPECT_TRUE(added) << "a cause is written twice: " << row.text;
  }
  void operator()(const OutboxRow& row) { rows.outbox[row.id.value()] = row; }
  void operator()(const ReplyRow& row) {
    EXPECT_TRUE(rows.replies.emplace(row.offset, row).second) << "answered twice";
  }
  void operator()(const CountersRow& row) { rows.counters = row; }
  void operator()(const CursorRow& row) { rows.cursor = row; }
  void operator()(const RecoveryRow& row) { rows.recovery = row; }
  void operator()(const SuspensionRow& row) {
    rows.suspensions[{row.execution_id.value(), row.workflow_id.value()}] = row;
  }
  void operator()(const HeldEventRow& row) {
    const bool added =
        rows.held_events
            .emplace(std::tuple(row.execution_id.value(), row.workflow_id.value(), row.offset), row)
            .second;
    EXPECT_TRUE(added) << "event " << row.offset << " is held twice";
  }
  void operator()(const EraseHeldEvent& erase) {
    const size_t erased = rows.held_events.erase(
        {erase.execution_id.value(), erase.workflow_id.value(), erase.offset});
    EXPECT_EQ(erased, 1U) << "erased what was not there";
  }
  void operator()(const EraseSuspension& erase) {
    rows.suspensions.erase({erase.execution_id.value(), erase.workflow_id.value()});
    std::erase_if(rows.held_events, [&erase](const auto& entry) {
      return entry.second.execution_id == erase.execution_id &&
             entry.second.workflow_id == erase.workflow_id;
    });
  }
  void operator()(const EraseNamespace& erase) { rows.namespaces.erase(erase.name); }
  void operator()(const EraseSnapshot& erase) { rows.snapshots.erase(erase.id.value()); }
  void operator()(const EraseOutbox& erase) {
    EXPECT_EQ(rows.outbox.erase(erase.id.value()), 1U) << "erased what was not there";
  }
  void operator()(const EraseTaskExecution& erase) {
    rows.runs.erase({erase.execution_id.value(), erase.task, erase.sequence});
    std::erase_if(rows.causes, [&erase](const auto& entry) {
      const CauseRow& cause = entry.second;
      return cause.execution_id == erase.execution_id && cause.task == erase.task &&
             cause.sequence == erase.sequence;
    });
  }
  void operator()(const EraseSchedule& erase) { rows.schedules.erase(erase.id.value()); }
  void operator()(const EraseTrigger& erase) {
    rows.triggers.erase(erase.id.value());
    std::erase_if(rows.evaluations,
                  [&erase](const auto& entry) { return entry.second.trigger_id == erase.id; });
  }
  void operator()(const ErasePool& erase) { rows.pools.erase(erase.name); }
  void operator()(const EraseState& erase) {
    std::erase_if(rows.states, [&erase](const auto& entry) {
      const StateRow& state = entry.second;
      return state.execution_id == erase.execution_id && state.workflow_id == erase.workflow_id &&
             (erase.name.empty() || state.name == erase.name);
    });
  }
  void operator()(const EraseEvaluation& erase) {
    const size_t erased =
        rows.evaluations.erase({erase.execution_id.value(), erase.trigger_id.value(), erase.offset,
                                erase.ordinal, erase.task});
    EXPECT_EQ(erased, 1U) << "erased what was not there";
  }
  void operator()(const EraseReplies& erase) {
    std::erase_if(rows.replies, [&erase](const auto& entry) { return entry.first < erase.below; });
  }
  void operator()(const EraseDeadLetter& erase) { rows.dead_letters.erase(erase.id.value()); }
  void operator()(const EraseExecution& erase) {
    const int64_t id = erase.id.value();
    EraseOwned(rows.states, id);
    EraseOwned(rows.evaluations, id);
    std::erase_if(rows.dead_letters,
                  [&erase](const auto& entry) { return entry.second.execution_id == erase.id; });
    rows.executions.erase(id);
    EraseOwned(rows.tasks, id);
    EraseOwned(rows.runs, id);
    EraseOwned(rows.rules, id);
    EraseOwned(rows.causes, id);
    (*this)(EraseSuspension{erase.id, {}});
  }
  void operator()(const EraseWorkflow& erase) {
    std::vector<ExecutionId> executions;
    for (const auto& [id, row] : rows.executions) {
      if (row.workflow_id == erase.id) executions.push_back(row.id);
    }
    for (const ExecutionId id : executions) (*this)(EraseExecution{id});
    const auto owned = [&erase](const auto& entry) { return entry.second.workflow_id == erase.id; };
    std::erase_if(rows.snapshots, owned);
    std::erase_if(rows.schedules, owned);
    std::erase_if(rows.triggers, owned);
    std::erase_if(rows.states, owned);
    std::erase_if(rows.evaluations, owned);
    std::erase_if(rows.dead_letters, owned);
    (*this)(EraseSuspension{{}, erase.id});
    rows.workflows.erase(erase.id.value());
  }
};

}  // namespace

void Rows::Apply(const std::vector<Change>& changes) {
  for (const Change& change : changes) std::visit(Writer{*this}, change);
}

std::vector<Change> Rows::Load() const {
  std::vector<Change> loaded;
  loaded.emplace_back(counters);
  if (cursor.part != 0) loaded.emplace_back(cursor);
  // Deliberately not in the order of ownership: a store may give rows in any order.
  const auto unfinished = [this](int64_t id) { return !IsFinished(executions.at(id).status); };
  for (const auto& [key, row] : rules) {
    if (unfinished(std::get<0>(key))) loaded.emplace_back(row);
  }
  for (const auto& [key, row] : runs) {
    const TaskRow& task = tasks.at({std::get<0>(key), std::get<1>(key)});
    const bool named = row.sequence == task.current || row.sequence == task.successor ||
                       row.sequence == task.latest;
    if (unfinished(std::get<0>(key)) && named) loaded.emplace_back(row);
  }
  for (const auto& [key, row] : tasks) {
    if (unfinished(std::get<0>(key))) loaded.emplace_back(row);
  }
  for (const auto& [key, row] : executions) {
    if (unfinished(key)) loaded.emplace_back(row);
  }
  for (const auto& [key, row] : snapshots) loaded.emplace_back(row);
  for (const auto& [key, row] : workflows) loaded.emplace_back(row);
  for (const auto& [key, row] : namespaces) loaded.emplace_back(row);
  for (const auto& [key, row] : evaluations) {
    if (!row.execution_id.valid() || unfinished(row.execution_id.value())) {
      loaded.emplace_back(row);
    }
  }
  for (const auto& [key, row] : outbox) loaded.emplace_back(row);
  for (const auto& [key, row] : triggers) loaded.emplace_back(row);
  for (const auto& [key, row] : schedules) loaded.emplace_back(row);
  for (const auto& [key, row] : pools) loaded.emplace_back(row);
  for (const auto& [key, row] : dead_letters) loaded.emplace_back(row);
  for (const auto& [key, row] : held_events) loaded.emplace_back(row);
  for (const auto& [key, row] : suspensions) loaded.emplace_back(row);
  return loaded;
}

std::vector<Change> Rows::LoadExecution(int64_t id) const {
  std::vector<Change> loaded;
  if (!executions.contains(id)) return loaded;
  loaded.emplace_back(executions.at(id));
  for (const auto& [key, row] : tasks) {
    if (key.first == id) loaded.emplace_back(row);
  }
  for (const auto& [key, row] : runs) {
    if (std::get<0>(key) != id) continue;
    if (row.sequence == tasks.at({id, row.task}).latest) loaded.emplace_back(row);
  }
  for (const auto& [key, row] : rules) {
    if (std::get<0>(key) == id) loaded.emplace_back(row);
  }
  return loaded;
}

std::vector<Change> Rows::LoadSnapshotUsers(const std::vector<SnapshotId>& ids) const {
  std::vector<Change> loaded;
  for (const SnapshotId id : ids) {
    for (const auto& [key, row] : executions) {
      if (row.snapshot_id != id) continue;
      loaded.emplace_back(row);
      break;
    }
  }
  return loaded;
}

std::vector<Change> Rows::LoadDueExecutions(const DueExecutions& due) const {
  std::vector<Change> loaded;
  for (const auto& [id, row] : executions) {
    if (row.workflow_id == due.workflow && row.due >= due.from && row.due < due.to) {
      loaded.emplace_back(row);
    }
  }
  return loaded;
}

std::vector<Change> Rows::LoadWorkflowExecutions(WorkflowId workflow, size_t limit) const {
  std::vector<Change> loaded;
  for (const auto& [id, row] : executions) {
    if (row.workflow_id == workflow && loaded.size() < limit) loaded.emplace_back(row);
  }
  return loaded;
}

std::vector<Change> SchedulerTest::LoadFor(const Event& event) const {
  const WantedRows wanted = RowsToLoad(event, state_);
  if (wanted.execution.has_value()) return rows_.LoadExecution(wanted.execution->value());
  if (wanted.due.has_value()) return rows_.LoadDueExecutions(*wanted.due);
  if (wanted.workflow.has_value()) {
    return rows_.LoadWorkflowExecutions(*wanted.workflow, max_executions_);
  }
  return rows_.LoadSnapshotUsers(wanted.snapshots);
}

Offset SchedulerTest::Deliver(Event event, std::shared_ptr<const WorkflowSpec> spec) {
  event.offset = ++offset_;
  event.create_time = ++now_;
  DecideInput input{event, std::move(spec), {}};
  input.max_executions = max_executions_;
  decision_.changes.clear();
  parts_ = 0;
  do {
    input.loaded = LoadFor(event);
    input.treatment = std::exchange(treatment_, Treatment::kDecide);
    const Decision part = Decide(state_, input);
    const Decision again = Decide(state_, input);
    EXPECT_EQ(part.changes, again.changes) << "a decision is not a pure function of its input";
    state_.Apply(part.changes);
    rows_.Apply(part.changes);
    decision_.changes.insert(decision_.changes.end(), part.changes.begin(), part.changes.end());
    CheckState();
    ++parts_;
    if (after_part_) after_part_();
    if (reload_between_parts_) {
      state_ = State();
      state_.Apply(rows_.Load());
    }
  } while (PartsUnderWay(state_) != 0);
  return offset_;
}

int SchedulerTest::Pass(Millis time) {
  const Millis end = now_ + time;
  int fired = 0;
  for (;;) {
    // As TimerWatch: those of the suspended wait.
    const auto& timers = state_.rep().timers;
    const auto next = std::find_if(timers.begin(), timers.end(), [this](const auto& timer) {
      return !IsSuspended(state_, timer.second);
    });
    if (next == timers.end() || next->first > end) break;
    const auto [due, timer] = *next;
    now_ = std::max(now_, due - Millis(1));
    Event event = FormatRequest(timer);
    event.id = TimerEventId(timer);
    Deliver(std::move(event));
    ++fired;
    EXPECT_LT(fired, 10'000) << "timers fire without end";
    if (fired >= 10'000) break;
  }
  now_ = std::max(now_, end);
  return fired;
}

ReplyRow SchedulerTest::Request(const aiflow::Request& request,
                                std::shared_ptr<const WorkflowSpec> spec, EventKind kind) {
  Event event = FormatRequest(request);
  event.kind = kind;
  const Offset offset = Deliver(std::move(event), std::move(spec));
  const auto reply = rows_.replies.find(offset);
  EXPECT_NE(reply, rows_.replies.end()) << "no reply";
  return reply == rows_.replies.end() ? ReplyRow{} : reply->second;
}

ReplyRow SchedulerTest::Upload(WorkflowSpec spec) {
  // User-written conditions need one; nothing here runs it.
  if (spec.host.language.empty()) spec.host = {"python", "flow.py", "python3", "3.11", "1.0"};
  UploadWorkflow upload;
  upload.ns = spec.ns;
  upload.name = spec.name;
  upload.spec_digest = "digest of " + FormatWorkflowSpec(spec);
  return Request(upload, std::make_shared<const WorkflowSpec>(spec));
}

int64_t SchedulerTest::StartExecution(const std::string& name) {
  StartWorkflowExecution start;
  start.ns = "default";
  start.name = name;
  const ReplyRow reply = Request(start);
  EXPECT_EQ(reply.code, 0) << reply.message;
  last_ = reply.id;
  return reply.id;
}

int64_t SchedulerTest::Run(std::vector<TaskSpec> tasks) {
  const ReplyRow reply = Upload(Workflow(std::move(tasks)));
  EXPECT_EQ(reply.code, 0) << reply.message;
  return StartExecution();
}

Offset SchedulerTest::Send(const std::string& key, int64_t execution, const std::string& ns) {
  Event event;
  event.key = key;
  event.ns = ns;
  if (execution != 0) {
    event.context = "{\"workflow_execution_id\": " + std::to_string(execution) + "}";
  }
  return Deliver(std::move(event));
}

void SchedulerTest::Report(const std::string& task, TaskStatus status, int64_t sequence,
                           int64_t execution) {
  const int64_t id = execution == 0 ? last_ : execution;
  TaskStatusReport report;
  if (sequence == 0) sequence = TaskState(task, id).current;
  const auto run = rows_.runs.find({id, Index(task, id), sequence});
  report.attempt = {ExecutionId(id), Index(task, id), sequence,
                    run == rows_.runs.end() ? 1 : run->second.try_number};
  report.task_name = task;
  report.status = status;
  report.pid = 42;
  if (status == TaskStatus::kFailed) report.reason = "exit code 1";
  Deliver(FormatRequest(report));
}

void SchedulerTest::Succeed(const std::string& task) {
  Report(task, TaskStatus::kRunning);
  Report(task, TaskStatus::kSuccess);
}

Offset SchedulerTest::Answer(bool met, const std::string& states_json) {
  EvaluationAnswer answer = AnswerTo(met);
  answer.states_json = states_json;
  return Deliver(FormatRequest(answer));
}

Offset SchedulerTest::FailToAnswer(const std::string& error) {
  EvaluationAnswer answer = AnswerTo(false);
  answer.error = error;
  return Deliver(FormatRequest(answer));
}

void SchedulerTest::DeliverAnnouncements() {
  std::vector<OutboxRow> publish;
  for (const auto& [id, row] : rows_.outbox) {
    if (row.kind == OutboxKind::kPublish) publish.push_back(row);
  }
  for (const OutboxRow& row : publish) {
    const std::vector<Change> acknowledged = {EraseOutbox{row.id}};
    state_.Apply(acknowledged);
    rows_.Apply(acknowledged);
    Deliver(row.publish);
  }
}

const ExecutionRow& SchedulerTest::Execution(int64_t id) const {
  return rows_.executions.at(id == 0 ? last_ : id);
}

TaskIndex SchedulerTest::Index(const std::string& task, int64_t id) const {
  const ExecutionRow& execution = Execution(id);
  const WorkflowSpec& spec = *rows_.snapshots.at(execution.snapshot_id.value()).spec;
  for (size_t i = 0; i < spec.tasks.size(); ++i) {
    if (spec.tasks[i].name == task) return static_cast<TaskIndex>(i);
  }
  ADD_FAILURE() << "no task " << task;
  return 0;
}

TaskRow SchedulerTest::TaskState(const std::string& task, int64_t id) const {
  const auto found = rows_.tasks.find({Execution(id).id.value(), Index(task, id)});
  return found == rows_.tasks.end() ? TaskRow{} : found->second;
}

int64_t SchedulerTest::Runs(const std::string& task, int64_t id) const {
  int64_t count = 0;
  for (const auto& [key, run] : rows_.runs) {
    count += run.execution_id == Execution(id).id && run.task_name == task ? 1 : 0;
  }
  return count;
}

const TaskExecutionRow& SchedulerTest::RunOf(const std::string& task, int64_t sequence,
                                             int64_t id) const {
  return rows_.runs.at({Execution(id).id.value(), Index(task, id), sequence});
}

std::optional<TaskStatus> SchedulerTest::Latest(const std::string& task, int64_t id) const {
  const int64_t latest = TaskState(task, id).latest;
  if (latest == 0) return std::nullopt;
  return RunOf(task, latest, id).status;
}

std::vector<CauseRow> SchedulerTest::Causes(const std::string& task, CauseKind kind,
                                            int64_t id) const {
  std::vector<CauseRow> causes;
  for (const auto& [key, cause] : rows_.causes) {
    if (cause.execution_id == Execution(id).id && cause.task == Index(task, id) &&
        cause.kind == kind) {
      causes.push_back(cause);
    }
  }
  return causes;
}

int64_t SchedulerTest::Commands(OutboxKind kind, const std::string& task) const {
  int64_t count = 0;
  for (const auto& [id, row] : rows_.outbox) {
    count += row.kind == kind && row.attempt.execution == ExecutionId(last_) &&
                     row.attempt.task == Index(task)
                 ? 1
                 : 0;
  }
  return count;
}

std::vector<std::string> SchedulerTest::Announced() const {
  std::vector<std::string> announced;
  for (const auto& [id, row] : rows_.outbox) {
    if (row.kind != OutboxKind::kPublish) continue;
    if (row.publish.kind != EventKind::kStatusChanged) continue;
    const auto context = nlohmann::json::parse(row.publish.context);
    announced.push_back(context["task_name"].get<std::string>() + " " +
                        context["task_status"].get<std::string>());
  }
  return announced;
}

const OutboxRow* SchedulerTest::QuestionRow(int64_t id) const {
  const ExecutionId execution = Execution(id).id;
  for (const auto& [outbox_id, row] : rows_.outbox) {
    if (row.kind == OutboxKind::kEvaluate && row.attempt.execution == execution) return &row;
  }
  return nullptr;
}

std::string SchedulerTest::Asked(int64_t id) const {
  const OutboxRow* row = QuestionRow(id);
  if (row == nullptr) return "";
  const std::optional<QuestionInFlight> question = FindQuestion(state_, *row);
  if (!question.has_value()) return "a question about nothing";
  EXPECT_EQ(row->question, question->leaf.question);
  const WorkflowSpec& spec = *rows_.snapshots.at(Execution(id).snapshot_id.value()).spec;
  return spec.tasks[static_cast<size_t>(row->attempt.task)].name + " " +
         std::to_string(question->leaf.rule) + " " + std::to_string(question->leaf.question) +
         ": " + question->entry->event.key;
}

EvaluationAnswer SchedulerTest::AnswerTo(bool met, int64_t id) const {
  EvaluationAnswer answer;
  const OutboxRow* row = QuestionRow(id);
  if (row == nullptr) {
    ADD_FAILURE() << "nothing is asked";
    return answer;
  }
  answer.execution_id = row->attempt.execution.value();
  answer.trigger_id = row->trigger.value();
  answer.offset = row->offset;
  answer.ordinal = row->ordinal;
  answer.task = row->attempt.task;
  answer.generation = row->generation;
  answer.met = met;
  return answer;
}

/// Of each scope that something waits in, the first entry is asked about, and nothing else is.
void SchedulerTest::CheckQuestions() const {
  size_t scopes = 0;
  for (const auto& [id, execution] : state_.rep().executions) {
    if (execution.detail == nullptr || execution.detail->evaluations.rows().empty()) continue;
    EXPECT_EQ(execution.row.status, ExecutionStatus::kRunning) << "after offset " << offset_;
    ++scopes;
  }
  for (const auto& [id, workflow] : state_.rep().workflows) {
    scopes += workflow.evaluations.rows().empty() ? 0 : 1;
  }
  for (const auto& [id, row] : rows_.outbox) {
    if (row.kind != OutboxKind::kEvaluate) continue;
    EXPECT_TRUE(FindQuestion(state_, row).has_value()) << "after offset " << offset_;
    --scopes;
  }
  EXPECT_EQ(scopes, 0U) << "after offset " << offset_;
}

void SchedulerTest::CheckState() const {
  State loaded;
  loaded.Apply(rows_.Load());
  ASSERT_EQ(state_.Dump(), loaded.Dump()) << "after offset " << offset_;
  const State::Rep& kept = state_.rep();
  const State::Rep& made = loaded.rep();
  EXPECT_EQ(kept.held_bytes, made.held_bytes) << "at offset " << offset_;
  ASSERT_TRUE(kept.timers == made.timers) << "after offset " << offset_;
  ASSERT_EQ(kept.slots.executors, made.slots.executors) << "after offset " << offset_;
  ASSERT_EQ(kept.slots.pools, made.slots.pools) << "after offset " << offset_;
  ASSERT_EQ(kept.slots.workflows, made.slots.workflows) << "after offset " << offset_;
  ASSERT_TRUE(kept.waiting_runs == made.waiting_runs) << "after offset " << offset_;
  ASSERT_TRUE(kept.questions == made.questions) << "after offset " << offset_;
  ASSERT_EQ(kept.triggers_by_event, made.triggers_by_event) << "after offset " << offset_;
  ASSERT_EQ(kept.triggers_by_status, made.triggers_by_status) << "after offset " << offset_;
  for (const auto& [id, workflow] : kept.workflows) {
    ASSERT_EQ(workflow.active, made.workflows.at(id).active) << "after offset " << offset_;
    ASSERT_EQ(workflow.waiting, made.workflows.at(id).waiting) << "after offset " << offset_;
    ASSERT_TRUE(workflow.evaluations == made.workflows.at(id).evaluations)
        << "after offset " << offset_;
  }
  const EvaluationFifo none;
  const auto waiting_in = [&none](const ExecutionEntry& execution) -> const EvaluationFifo& {
    return execution.detail == nullptr ? none : execution.detail->evaluations;
  };
  for (const auto& [id, execution] : kept.executions) {
    ASSERT_TRUE(waiting_in(execution) == waiting_in(made.executions.at(id)))
        << "after offset " << offset_;
  }
  CheckQuestions();
  std::map<std::pair<int64_t, TaskIndex>, int64_t> dispatched;
  std::map<std::pair<int64_t, TaskIndex>, int64_t> waiting;
  for (const auto& [key, run] : rows_.runs) {
    const std::pair task(std::get<0>(key), run.task);
    dispatched[task] += run.status != TaskStatus::kInit && !IsFinished(run.status) ? 1 : 0;
    waiting[task] += run.status == TaskStatus::kInit ? 1 : 0;
    EXPECT_EQ(IsFinished(run.status), run.end.count() != 0);
  }
  for (const auto& [key, task] : rows_.tasks) {
    // At most one attempt dispatched and not ended, at most one waiting successor.
    EXPECT_EQ(dispatched[key], task.current == 0 ? 0 : 1) << "at offset " << offset_;
    EXPECT_EQ(waiting[key], task.successor == 0 ? 0 : 1) << "at offset " << offset_;
    const ExecutionRow& execution = rows_.executions.at(key.first);
    if (IsFinished(execution.status)) {
      EXPECT_EQ(task.current + task.successor, 0) << "a finished execution has a live run";
      EXPECT_TRUE(task.pending_starts.empty());
      EXPECT_NE(execution.end.count(), 0);
    }
  }
  std::set<std::string> commands;
  for (const auto& [id, row] : rows_.outbox) {
    if (row.kind > OutboxKind::kStopAttempt) continue;
    EXPECT_TRUE(
        commands
            .insert(row.attempt.ToString() + (row.kind == OutboxKind::kStartAttempt ? "+" : "-"))
            .second);
    const TaskExecutionRow& run =
        rows_.runs.at({row.attempt.execution.value(), row.attempt.task, row.attempt.sequence});
    EXPECT_FALSE(IsFinished(run.status)) << "a command outlived its attempt";
  }
}

}  // namespace aiflow::test
