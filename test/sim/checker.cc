#include "checker.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "model/event_keys.h"
#include "model/requests.h"

namespace aiflow::sim {
namespace {

bool IsLive(TaskStatus status) {
  return status == TaskStatus::kQueued || status == TaskStatus::kRunning ||
         status == TaskStatus::kStopping || status == TaskStatus::kRetrying;
}

/// Which row it is, for messages.
struct Namer {
  std::string operator()(const NamespaceRow& row) const { return "namespace " + row.name; }
  std::string operator()(const WorkflowRow& row) const { return "workflow " + row.name; }
  std::string operator()(const SnapshotRow& row) const { return Text("snapshot", row.id.value()); }
  std::string operator()(const ExecutionRow& row) const {
    return Text("execution", row.id.value()) + " " + std::string(ExecutionStatusName(row.status)) +
           Text(" event", row.event_offset);
  }
  std::string operator()(const TaskRow& row) const {
    std::string text = Text("task of", row.execution_id.value()) + "." + std::to_string(row.task) +
                       Text(" last", row.last_sequence) + Text(" latest", row.latest) +
                       Text(" current", row.current) + Text(" successor", row.successor) +
                       " pending";
    for (const Offset offset : row.pending_starts) text += " " + std::to_string(offset);
    return text;
  }
  std::string operator()(const TaskExecutionRow& row) const {
    return "run " + row.attempt().ToString() + " " + std::string(TaskStatusName(row.status)) +
           Text(" cause", row.cause_offset) + Text(" coalesced", row.coalesced);
  }
  std::string operator()(const RuleStateRow& row) const {
    std::string text = Text("rule state", row.execution_id.value()) + "." +
                       std::to_string(row.task) + "." + std::to_string(row.rule) + " slots";
    for (const uint8_t slot : row.slots) text += " " + std::to_string(slot);
    for (const auto& [task, seq] : row.fired) {
      text += " " + std::to_string(task) + "@" + std::to_string(seq);
    }
    return text;
  }
  std::string operator()(const OutboxRow& row) const {
    return Text("outbox", row.id.value()) + Text(" kind", static_cast<int64_t>(row.kind)) + " " +
           row.attempt.ToString() + " " + row.publish.id;
  }
  std::string operator()(const CountersRow& row) const { return Text("counters", row.outbox); }
  template <typename Row>
  std::string operator()(const Row& /*row*/) const {
    return "another row";
  }
  static std::string Text(const char* what, int64_t number) {
    return std::string(what) + " " + std::to_string(number);
  }
};

template <typename T>
concept Comparable = requires(const T& a, const T& b) {
  { a == b } -> std::convertible_to<bool>;
};

bool SameRow(const Change& a, const Change& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&b]<typename Row>(const Row& row) {
        if constexpr (Comparable<Row>) {
          return row == std::get<Row>(b);
        } else {
          return false;
        }
      },
      a);
}

}  // namespace

void Checker::Touch(ExecutionId id, const char* what) {
  touched_.insert(id);
  const auto found = executions_.find(id);
  if (found == executions_.end()) {
    chaos_.Fail(std::string(what) + " of execution " + std::to_string(id.value()) +
                ", which does not exist");
  } else if (finished_.contains(id)) {
    chaos_.Fail(std::string(what) + " changes in execution " + std::to_string(id.value()) +
                ", which has finished");
  }
}

bool Checker::MayReopen(ExecutionId id) const {
  // The next event, too, when its decision has begun.
  const Offset last = committed_ + (part_ == 0 ? 0 : 1);
  for (Offset offset = batch_from_ + 1; offset <= last; ++offset) {
    const Event& event = log_[static_cast<size_t>(offset - 1)];
    const Result<Request> request = ParseRequest(event);
    if (!request.has_value()) continue;
    const auto names = [id](const auto* typed) {
      return typed != nullptr && typed->execution_id == id.value();
    };
    if (names(std::get_if<RerunTasks>(&*request)) || names(std::get_if<MarkTask>(&*request)) ||
        names(std::get_if<StartTaskExecution>(&*request)) ||
        names(std::get_if<RestartTaskExecution>(&*request))) {
      return true;
    }
  }
  return false;
}

void Checker::Take(const ExecutionRow& row) {
  if (finished_.contains(row.id) && MayReopen(row.id)) finished_.erase(row.id);
  const auto [found, fresh] = executions_.try_emplace(row.id, row);
  touched_.insert(row.id);
  if (fresh) {
    ++chaos_.counts.executions;
    return;
  }
  if (finished_.contains(row.id)) {
    chaos_.Fail("execution " + std::to_string(row.id.value()) + " changes after its end");
  }
  found->second = row;
}

void Checker::Take(const TaskRow& row) {
  Touch(row.execution_id, "a task");
  const auto [found, fresh] = tasks_.try_emplace({row.execution_id, row.task}, row);
  if (!fresh && found->second.last_sequence > row.last_sequence) {
    chaos_.Fail("a sequence number goes back: " + Namer()(row));
  }
  found->second = row;
}

void Checker::CheckCause(const TaskExecutionRow& row) {
  // A report of SUCCESS whose RUNNING was never heard stands for both, and each may cause a run.
  const Event& cause = log_[static_cast<size_t>(row.cause_offset - 1)];
  // So does a run that is recorded by hand.
  const bool twice = cause.kind == EventKind::kTaskStatus || cause.value == "MARK_TASK";
  // And whoever asks again what could not be answered wants one more.
  const int limit = (twice ? 2 : 1) + model_.AskedAgain(row);
  if (++causes_[RunKey(row.execution_id, row.task, row.cause_offset)] > limit) {
    chaos_.Fail("event " + std::to_string(row.cause_offset) + " causes one more " + Namer()(row));
  }
}

void Checker::Take(const TaskExecutionRow& row) {
  Touch(row.execution_id, "a run");
  const auto [found, fresh] =
      runs_.try_emplace(RunKey(row.execution_id, row.task, row.sequence), row);
  if (fresh) CheckCause(row);
  const TaskStatus before = fresh ? TaskStatus::kInit : found->second.status;
  if (!fresh) {
    if (found->second.id != row.id) {
      chaos_.Fail("two task executions have sequence number " + row.attempt().ToString());
    }
    if (before != row.status && !IsLegalTransition(before, row.status)) {
      chaos_.Fail("illegal transition " + std::string(TaskStatusName(before)) + " to " +
                  Namer()(row));
    }
  }
  if (IsAnnounced(row.status) && (fresh || before != row.status)) {
    must_announce_.insert(StatusChangedEventId(row.attempt(), row.status));
  }
  if (row.status == TaskStatus::kRetrying) retried_.insert(row.attempt());
  found->second = row;
  const WorkflowSpec* spec = SpecOf(row.execution_id);
  if (spec != nullptr && spec->name == kReferenceWorkflow) joins_[row.execution_id].Changed(row);
}

void Checker::Take(const RuleStateRow& row) { Touch(row.execution_id, "a rule"); }

/// Each answer that counts has seen the one before it.
void Checker::Take(const StateRow& row) {
  int64_t& answers = answers_[{row.execution_id, row.workflow_id}];
  if (row.value != std::to_string(++answers)) {
    chaos_.Fail("state " + row.name + " of execution " + std::to_string(row.execution_id.value()) +
                ", workflow " + std::to_string(row.workflow_id.value()) + " becomes " + row.value +
                " with answer " + std::to_string(answers));
  }
}

void Checker::Take(const CauseRow& row) {
  if (!chaos_.history_wanted) return;
  chaos_.Note("task " + std::to_string(row.execution_id.value()) + "-" + std::to_string(row.task) +
              "-" + std::to_string(row.sequence) + ": " + row.text);
}

void Checker::Take(const OutboxRow& row) {
  const bool again = row.kind == OutboxKind::kHook && outbox_.contains(row.id);
  if (!outbox_ids_.insert(row.id).second && !again) {
    chaos_.Fail("outbox id used twice: " + Namer()(row));
  }
  if (row.kind == OutboxKind::kStartAttempt && !started_.insert(row.attempt).second) {
    chaos_.Fail("a second start of attempt " + row.attempt.ToString() + " is committed");
  }
  if (row.kind == OutboxKind::kPublish) announced_.insert(row.publish.id);
  outbox_.insert_or_assign(row.id, row);
}

void Checker::Take(const EraseOutbox& erase) { outbox_.erase(erase.id); }

void Checker::Take(const EraseExecution& erase) {
  const auto found = executions_.find(erase.id);
  if (found == executions_.end() || !IsFinished(found->second.status)) {
    chaos_.Fail("execution " + std::to_string(erase.id.value()) + " is deleted while it is open");
  }
  finished_.insert(erase.id);  // and from now on never changes
}

void Checker::Take(const EraseWorkflow& erase) {
  for (const auto& [id, row] : executions_) {
    if (row.workflow_id == erase.id) Take(EraseExecution{id});
  }
}

void Checker::Take(const ReplyRow& row) {
  if (!replies_.emplace(row.offset, row).second) {
    chaos_.Fail("event " + std::to_string(row.offset) + " is answered twice");
  }
}

void Checker::TakeCursor(const CursorRow& row) {
  const bool next = row.offset == committed_ + 1 && row.part == part_ + 1;
  if (!next && row != CursorRow{}) {
    chaos_.Fail("part " + std::to_string(row.part) + " of the decision about event " +
                std::to_string(row.offset) + " is committed after event " +
                std::to_string(committed_) + ", part " + std::to_string(part_));
  }
  part_ = row.part;
}

void Checker::OnCommit(const CommitBatch& batch) {
  ++chaos_.counts.commits;
  if (batch.from_offset != committed_ || batch.to_offset < committed_) {
    chaos_.Fail("the committed offset moves from " + std::to_string(committed_) + " to " +
                std::to_string(batch.to_offset));
  }
  if (batch.from_part != part_) {
    chaos_.Fail("part " + std::to_string(batch.from_part + 1) + " of a decision follows part " +
                std::to_string(part_));
  }
  batch_from_ = batch.from_offset;
  committed_ = batch.to_offset;
  for (const Change& change : batch.changes) {
    if (const auto* cursor = std::get_if<CursorRow>(&change)) TakeCursor(*cursor);
  }
  if (part_ != 0) ++chaos_.counts.parts;
  touched_.clear();
  must_announce_.clear();
  announced_.clear();
  for (const Change& change : batch.changes) {
    std::visit([this](const auto& row) { Take(row); }, change);
  }
  for (const std::string& id : must_announce_) {
    if (!announced_.contains(id)) chaos_.Fail("no announcement is committed with " + id);
  }
  for (const std::string& id : announced_) {
    if (!announcements_.insert(id).second) chaos_.Fail("announced twice: " + id);
  }
  for (const ExecutionId id : touched_) CheckExecution(id);
  CheckSlots();
  for (const ExecutionId id : touched_) {
    if (IsFinished(executions_.at(id).status)) finished_.insert(id);
  }
  model_.OnCommit(batch);
}

void Checker::CheckExecution(ExecutionId id) const {
  const auto found = executions_.find(id);
  if (found == executions_.end()) return;
  const bool finished = IsFinished(found->second.status);
  TaskIndex task = -1;
  int live = 0;
  int waiting = 0;
  for (auto it = runs_.lower_bound(RunKey(id, 0, 0));
       it != runs_.end() && std::get<0>(it->first) == id; ++it) {
    const TaskExecutionRow& run = it->second;
    if (run.task != task) {
      task = run.task;
      live = waiting = 0;
    }
    if (IsLive(run.status)) ++live;
    if (run.status == TaskStatus::kInit) ++waiting;
    if (live > 1) chaos_.Fail("two live attempts: " + Namer()(run));
    if (waiting > 1) chaos_.Fail("two successors: " + Namer()(run));
    if (finished && !IsFinished(run.status)) {
      chaos_.Fail("execution " + std::to_string(id.value()) + " has finished, but not its " +
                  Namer()(run));
    }
  }
}

void Checker::OnHandOver(const AttemptKey& attempt, OutboxKind kind) {
  const bool there = std::ranges::any_of(outbox_, [&](const auto& entry) {
    return entry.second.kind == kind && entry.second.attempt == attempt;
  });
  if (!there) {
    chaos_.Fail(std::string(kind == OutboxKind::kStartAttempt ? "start" : "stop") + " of attempt " +
                attempt.ToString() + " leaves without a committed row");
  }
}

void Checker::OnQuestion(OutboxId id) const {
  if (!outbox_.contains(id)) {
    chaos_.Fail("question " + std::to_string(id.value()) + " is asked, but not in the outbox");
  }
}

void Checker::OnForget(const AttemptKey& attempt, std::optional<TaskStatus> result) {
  const auto found = runs_.find(RunKey(attempt.execution, attempt.task, attempt.sequence));
  if (retried_.contains(attempt)) return;  // another try followed, or was stopped before
  if (found == runs_.end() || !IsFinished(found->second.status)) {
    chaos_.Fail("attempt " + attempt.ToString() + " is forgotten before it is final");
    return;
  }
  // A stop because of a limit is a failure.
  const bool limited = result == TaskStatus::kStopped &&
                       found->second.status == TaskStatus::kFailed &&
                       found->second.stop_cause == StopCause::kLimit;
  const bool dropped = model_.IsReportDropped(attempt.execution);
  if (result.has_value() && *result != found->second.status && !limited && !dropped) {
    chaos_.Fail("attempt " + attempt.ToString() + " ended " + std::string(TaskStatusName(*result)) +
                ", but is recorded as " + std::string(TaskStatusName(found->second.status)));
  }
}

void Checker::CheckState(const State& state) const {
  Result<std::vector<Change>> rows = store_.Load();
  CHECK(rows.has_value());
  for (Change& row : *rows) {
    if (auto* snapshot = std::get_if<SnapshotRow>(&row)) {
      const auto found = specs_.find(snapshot->id);
      if (found != specs_.end()) snapshot->spec = found->second;
    }
  }
  State loaded;
  loaded.Apply(*rows);
  const std::vector<Change> want = loaded.Dump();
  const std::vector<Change> have = state.Dump();
  const auto [w, h] = std::ranges::mismatch(want, have, SameRow);
  if (w == want.end() && h == have.end()) return;
  chaos_.Fail("the state differs from the store: stored " +
              (w == want.end() ? std::string("nothing") : std::visit(Namer(), *w)) +
              ", in memory " +
              (h == have.end() ? std::string("nothing") : std::visit(Namer(), *h)));
}

void Checker::CheckLog(const std::vector<Event>& events) const {
  std::set<std::string> ids;
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (event.offset != static_cast<Offset>(i) + 1) {
      chaos_.Fail("offset " + std::to_string(event.offset) + " is at position " +
                  std::to_string(i + 1));
    }
    if (!event.id.empty() && !ids.insert(event.id).second) {
      chaos_.Fail("the log has " + event.id + " twice");
    }
    // Nobody waits for a reply to what the engine says itself.
    const bool asked = event.kind == EventKind::kInternal && event.value != "EVALUATION_ANSWER" &&
                       event.value != "REPLAY_HELD" && event.value != "TIMER_FIRED";
    if (asked && !replies_.contains(event.offset)) {
      chaos_.Fail("request " + std::to_string(event.offset) + " (" + event.value +
                  ") has no reply");
    }
  }
  for (const std::string& id : announcements_) {
    if (!ids.contains(id)) chaos_.Fail("an announcement is lost: " + id);
  }
}

void Checker::CheckRest(const std::vector<Event>& events) const {
  for (const auto& [id, row] : outbox_) {
    if (row.kind != OutboxKind::kHook) chaos_.Fail("at rest, the outbox has " + Namer()(row));
  }
  model_.CheckRest();
  for (const auto& [id, row] : executions_) {
    if (IsFinished(row.status)) continue;
    CheckWaiting(row);
    const WorkflowSpec* spec = SpecOf(id);
    if (spec == nullptr || spec->name != kReferenceWorkflow) continue;
    std::map<TaskIndex, int64_t> expected = ExpectedRuns(row, model_.WithoutSetAside(events));
    const auto join = joins_.find(id);
    expected[kJoined] = join == joins_.end() ? 0 : join->second.fired();
    expected[kAsked] = model_.ExpectedAsked(id);
    for (const auto& [task, count] : expected) {
      std::set<Offset> causes;
      int64_t runs = 0;
      for (auto it = runs_.lower_bound(RunKey(id, task, 0));
           it != runs_.end() && std::get<0>(it->first) == id && std::get<1>(it->first) == task;
           ++it) {
        ++runs;
        causes.insert(it->second.cause_offset);
      }
      if (runs != count || static_cast<int64_t>(causes.size()) != runs) {
        chaos_.Fail("reference task " + spec->tasks[static_cast<size_t>(task)].name + " ran " +
                    std::to_string(runs) + " times for " + std::to_string(causes.size()) +
                    " causes, expected " + std::to_string(count));
      }
    }
  }
}

/// Counted anew from the rows: the first run of each kind that waits for a slot waits with reason.
void Checker::CheckSlots() const {
  struct Kind {
    WorkflowId workflow;
    std::string pool;
    std::string executor;
    auto operator<=>(const Kind&) const = default;
  };
  std::map<std::string, int64_t> executors;
  std::map<std::string, int64_t> pools;
  std::map<WorkflowId, int64_t> workflows;
  std::map<Kind, std::pair<const TaskExecutionRow*, const TaskSpec*>> first;
  for (const auto& [key, run] : runs_) {
    if (IsFinished(run.status)) continue;
    const ExecutionRow& execution = executions_.at(run.execution_id);
    const WorkflowSpec* spec = SpecOf(run.execution_id);
    const TaskSpec& task = spec->tasks[static_cast<size_t>(run.task)];
    if (run.has_slot) {
      ++executors[ExecutorName(run.executor)];
      ++workflows[execution.workflow_id];
      pools[task.pool] += task.pool_slots;
    } else if (run.status == TaskStatus::kQueued && task.op != OperatorKind::kEmpty &&
               !model_.IsSuspended(run.execution_id)) {
      auto& head = first[{execution.workflow_id, task.pool, task.executor}];
      if (head.first == nullptr || task.priority > head.second->priority ||
          (task.priority == head.second->priority && run.id < head.first->id)) {
        head = {&run, &task};
      }
    }
  }
  const auto slots = [this](const std::string& name) {
    const auto pool = pools_.find(name);
    if (pool != pools_.end()) return pool->second.slots;
    return name == kExecutorPool ? std::numeric_limits<int64_t>::max() : 0;
  };
  for (const auto& [executor, used] : executors) {
    if (used > slots(executor) && !pool_shrank_) {
      chaos_.Fail("more runs have a slot of executor " + executor + " than there are slots");
    }
  }
  const auto executor_of = [this](const Kind& kind) {
    if (!kind.executor.empty()) return kind.executor;
    for (const std::string& name : {kind.pool, std::string(kExecutorPool)}) {
      const auto pool = pools_.find(name);
      if (pool != pools_.end() && !pool->second.executor.empty()) return pool->second.executor;
    }
    return std::string(kLocalExecutor);
  };
  for (const auto& [kind, head] : first) {
    const int64_t concurrency = SpecOf(head.first->execution_id)->concurrency;
    const std::string executor = executor_of(kind);
    const bool full =
        executors[executor] >= slots(executor) ||
        (!kind.pool.empty() && pools[kind.pool] + head.second->pool_slots > slots(kind.pool)) ||
        (concurrency > 0 && workflows[kind.workflow] >= concurrency);
    if (!full && part_ == 0)
      chaos_.Fail("a run waits although there are slots: " + Namer()(*head.first));
  }
}

/// The run that a successor waits for; the run itself when it is none.
const TaskExecutionRow& Checker::PredecessorOf(const TaskExecutionRow& run) const {
  const auto task = tasks_.find({run.execution_id, run.task});
  if (task == tasks_.end() || task->second.successor != run.sequence) return run;
  const auto current = runs_.find(RunKey(run.execution_id, run.task, task->second.current));
  return current == runs_.end() ? run : current->second;
}

void Checker::CheckWaiting(const ExecutionRow& row) const {
  const WorkflowSpec* spec = SpecOf(row.id);
  if (spec == nullptr) return;
  bool live = false;
  std::vector<bool> ran(spec->tasks.size(), false);
  std::vector<TaskStatus> latest(spec->tasks.size(), TaskStatus::kInit);
  for (auto it = runs_.lower_bound(RunKey(row.id, 0, 0));
       it != runs_.end() && std::get<0>(it->first) == row.id; ++it) {
    const TaskExecutionRow& run = it->second;
    const bool waits = WaitsForSlot(run) || WaitsForSlot(PredecessorOf(run));
    live = live || waits;
    if (!IsFinished(run.status) && !waits) chaos_.Fail("at rest, there is " + Namer()(run));
    ran[static_cast<size_t>(run.task)] = true;
    latest[static_cast<size_t>(run.task)] = run.status;
  }
  for (auto it = tasks_.lower_bound({row.id, 0}); it != tasks_.end() && it->first.first == row.id;
       ++it) {
    const auto current = runs_.find(RunKey(row.id, it->first.second, it->second.current));
    const bool waits = current != runs_.end() && !current->second.has_slot;
    if (!it->second.pending_starts.empty() && !waits) {
      chaos_.Fail("at rest, starts are pending: " + Namer()(it->second));
    }
  }
  const bool waits = row.status == ExecutionStatus::kInit && spec->max_active_executions > 0;
  if (row.status == ExecutionStatus::kStopping ||
      (!spec->keep_open && !waits && !live && !MayWait(*spec, ran, latest))) {
    chaos_.Fail("execution " + std::to_string(row.id.value()) + " of " + spec->name +
                " is open for no reason: " + std::string(ExecutionStatusName(row.status)));
  }
}

std::vector<ExecutionRow> Checker::executions() const {
  std::vector<ExecutionRow> rows;
  for (const auto& [id, row] : executions_) rows.push_back(row);
  return rows;
}

std::vector<ExecutionId> Checker::running() const {
  std::vector<ExecutionId> ids;
  for (const auto& [id, row] : executions_) {
    if (!IsFinished(row.status)) ids.push_back(id);
  }
  return ids;
}

const WorkflowSpec* Checker::SpecOf(ExecutionId id) const {
  const auto execution = executions_.find(id);
  if (execution == executions_.end()) return nullptr;
  const auto spec = specs_.find(execution->second.snapshot_id);
  return spec == specs_.end() ? nullptr : spec->second.get();
}

std::optional<ReplyRow> Checker::ReplyAt(Offset offset) const {
  const auto found = replies_.find(offset);
  if (found == replies_.end()) return std::nullopt;
  return found->second;
}

}  // namespace aiflow::sim
