#include "engine/engine.h"

#include <optional>
#include <set>
#include <span>
#include <utility>
#include <variant>

#include "base/check.h"
#include "engine/commit_effects.h"
#include "engine/crash_guard.h"
#include "engine/dispatcher.h"
#include "engine/durable_appender.h"
#include "engine/hook_courier.h"
#include "engine/publisher.h"
#include "engine/questions.h"
#include "engine/reply_board.h"
#include "engine/reporter.h"
#include "engine/spec_resolver.h"
#include "engine/timer_watch.h"
#include "model/event_keys.h"
#include "model/limits.h"
#include "model/requests.h"
#include "model/spec_json.h"
#include "scheduler/quarantine.h"

namespace aiflow {
namespace {

/// The way back into the log. Shared with callbacks of executor and log, which may outlive the
/// engine.
struct Outward {
  Outward(LogHandle& log, const std::string& secret, const std::function<void()>& wake)
      : appender(log, wake), reporter(appender, AttemptTokens(secret)) {}

  DurableAppender appender;
  Reporter reporter;
};

/// What the store has: every decision up to an offset, and so many parts of the next one.
struct Position {
  Offset offset = 0;
  int64_t part = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

/// One commit, from its decisions to its acts.
struct Batch {
  std::vector<Event> events;  // decided, the last one perhaps in part
  Position to;
  std::vector<OutboxId> acknowledged;
  CommitBatch commit;
};

/// A start or stop, for the executor.
bool IsCommand(OutboxKind kind) {
  return kind == OutboxKind::kStartAttempt || kind == OutboxKind::kStopAttempt;
}

/// The digest that an upload names; empty for every other event.
std::string SpecDigestOf(const Event& event) {
  if (event.kind != EventKind::kInternal || event.key != kSchedulingEventKey) return {};
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value()) return {};  // Decide answers it
  if (const auto* upload = std::get_if<UploadWorkflow>(&*request)) return upload->spec_digest;
  if (const auto* snapshot = std::get_if<AddSnapshot>(&*request)) return snapshot->spec_digest;
  return {};
}

}  // namespace

class Engine::Impl {
 public:
  Impl(LogHandle& log, Store& store, const BlobStore& blobs, TaskExecutor& executor,
       AttemptPlanner& planner, EngineOptions options)
      : log_(log),
        store_(store),
        executor_(executor),
        options_(std::move(options)),
        specs_(blobs),
        dispatcher_(log, executor, planner) {}

  ~Impl() { Disconnect(); }

  Status Recover(std::function<void()> wake);
  Result<bool> Step();

  // Recovery.
  Status CheckLog(const StoreMeta& meta) const;
  Status LoadState(const StoreMeta& meta);
  Status OpenExecutor();
  void Disconnect();

  // Decide.
  Status Decide(std::vector<Event> events, Batch& batch);
  Result<std::vector<Change>> Load(const WantedRows& wanted) const;
  Status DecideEvent(const Event& event, std::vector<Change> loaded, std::vector<Change>& changes);
  Result<std::shared_ptr<const WorkflowSpec>> ResolveSpec(const Event& event);

  // Commit.
  /// Before the first decision after a recovery.
  Status NoteBeginning();
  Status CommitNote(const RecoveryRow& note);
  void End();
  void WarnOfDeaths() const;
  void WarnOfQuarantine(const Batch& batch) const;
  Status Commit(Batch batch);
  /// Finds out what became of a commit that ended in an error: true when it did happen, and acts on
  /// it; else rebuilds the state. False also when there was nothing to settle.
  Result<bool> Settle();
  Status Rebuild(const StoreMeta& meta);
  /// Whatever is in the outbox as loaded leaves once more; receivers are idempotent.
  void HandOverAgain();

  // Act.
  Status Act(const Batch& batch);
  Status Dispatch(std::span<const Event> batch);

  LogHandle& log_;
  Store& store_;
  TaskExecutor& executor_;
  const EngineOptions options_;

  State state_;
  Epoch epoch_ = 0;
  Position committed_;
  std::vector<OutboxRow> outbox_;       // as last loaded; empty once handed over
  std::vector<TaskExecutionRow> runs_;  // not finished, as last loaded; empty once handed over

  CrashGuard guard_;
  SpecResolver specs_;
  std::shared_ptr<Outward> outward_;
  std::optional<Publisher> publisher_;
  Dispatcher dispatcher_;
  Questions questions_;
  TimerWatch timers_;
  HookCourier hooks_;
  ReplyBoard replies_;
  std::function<void(const CommitNews&)> on_commit_;

  std::optional<Batch> unsettled_;  // its commit ended in an error
  /// A commit from `committed_` on has failed, but may still arrive. Until another one succeeds,
  /// what the state says may be out of date already: nothing leaves.
  bool outcome_open_ = false;
  bool must_rebuild_ = false;
  EngineStats stats_;
};

// ---- Recovery ----------------------------------------------------------------------------------

Status Engine::Impl::CheckLog(const StoreMeta& meta) const {
  const std::string log_id = log_.log_id();
  if (meta.log_id != log_id) {
    return Status(Code::kFailedPrecondition, "the metadata belongs to event log " + meta.log_id +
                                                 ", but this is event log " + log_id +
                                                 ": start with the event log it was made with");
  }
  // Of a decision under way the event is needed, too.
  const Offset needed = meta.committed + (meta.part == 0 ? 0 : 1);
  if (log_.head() < needed) {
    return Status(
        Code::kFailedPrecondition,
        "event log " + log_id + " ends at offset " + std::to_string(log_.head()) +
            ", but the metadata has committed offset " + std::to_string(needed) +
            (meta.part == 0 ? "" : " in part") +
            ": the log was cut or restored from an older copy; restore log and metadata " +
            "from the same backup");
  }
  return Status::Ok();
}

Status Engine::Impl::LoadState(const StoreMeta& meta) {
  Result<std::vector<Change>> rows = store_.Load();
  if (!rows.has_value()) return rows.error();
  outbox_.clear();
  runs_.clear();
  for (Change& row : *rows) {
    if (auto* snapshot = std::get_if<SnapshotRow>(&row)) {
      if (snapshot->spec_digest.empty()) continue;
      auto spec = specs_.Get(snapshot->spec_digest);
      if (!spec.has_value()) {
        return Status(spec.error().code(), "snapshot " + std::to_string(snapshot->id.value()) +
                                               ": " + spec.error().message());
      }
      snapshot->spec = std::move(*spec);
    } else if (const auto* outbox = std::get_if<OutboxRow>(&row)) {
      outbox_.push_back(*outbox);
    } else if (const auto* run = std::get_if<TaskExecutionRow>(&row)) {
      // Without a slot there is nothing of it at the executor.
      if (!IsFinished(run->status) && run->has_slot) runs_.push_back(*run);
    }
  }
  timers_.Clear();
  state_ = State();
  state_.Apply(*rows);
  if (PartsUnderWay(state_) != meta.part) {
    return Status(Code::kUnavailable, "metadata: a commit came while the state was loaded");
  }
  committed_ = {meta.committed, meta.part};
  return Status::Ok();
}

Status Engine::Impl::OpenExecutor() {
  Result<std::vector<ExpectedAttempt>> expected = dispatcher_.Expected(state_, outbox_, runs_);
  if (!expected.has_value()) return expected.error();
  return executor_.Open(epoch_, std::move(*expected), [outward = outward_](AttemptReport report) {
    outward->reporter.Report(report);
  });
}

void Engine::Impl::Disconnect() {
  if (outward_ == nullptr) return;
  log_.SetHeadListener(nullptr);
  outward_->appender.Close();
}

Status Engine::Impl::Recover(std::function<void()> wake) {
  Disconnect();
  Result<StoreMeta> meta = store_.Meta();
  if (!meta.has_value()) return meta.error();
  if (meta->log_id.empty()) {
    AIFLOW_RETURN_IF_ERROR(store_.BindLog(log_.log_id()));
    meta->log_id = log_.log_id();
  }
  AIFLOW_RETURN_IF_ERROR(CheckLog(*meta));
  Result<Epoch> epoch = store_.TakeLease(options_.holder);
  if (!epoch.has_value()) return epoch.error();
  epoch_ = *epoch;
  // Whoever had the lease may have committed until just now.
  meta = store_.Meta();
  if (!meta.has_value()) return meta.error();
  AIFLOW_RETURN_IF_ERROR(CheckLog(*meta));
  AIFLOW_RETURN_IF_ERROR(LoadState(*meta));

  const RecoveryRow here{.offset = committed_.offset, .part = committed_.part};
  guard_.Begin(state_.rep().recovery, here, log_.head() > committed_.offset,
               options_.max_events_per_commit);
  WarnOfDeaths();

  outward_ = std::make_shared<Outward>(log_, meta->secret, wake);
  publisher_.emplace(outward_->appender, wake);
  dispatcher_.Begin(epoch_, outward_->reporter);
  unsettled_.reset();
  outcome_open_ = false;
  must_rebuild_ = false;
  stats_ = {};
  AIFLOW_RETURN_IF_ERROR(OpenExecutor());
  questions_.Begin(
      [outward = outward_](Event event) { outward->appender.Append(std::move(event), nullptr); });
  for (const OutboxRow& row : outbox_) {
    if (row.kind == OutboxKind::kPublish) publisher_->Publish(row);
    if (row.kind == OutboxKind::kEvaluate) questions_.Enqueue(row);
  }
  hooks_.Begin({outward_, &outward_->appender}, log_.log_id());
  hooks_.Deliver(outbox_, state_);
  AIFLOW_RETURN_IF_ERROR(questions_.Flush(state_));
  outbox_.clear();
  runs_.clear();
  log_.SetHeadListener([wake = std::move(wake)](Offset /*head*/) { wake(); });
  return Status::Ok();
}

// ---- Decide ------------------------------------------------------------------------------------

Result<std::shared_ptr<const WorkflowSpec>> Engine::Impl::ResolveSpec(const Event& event) {
  const std::string digest = SpecDigestOf(event);
  if (digest.empty()) return nullptr;
  auto spec = specs_.Get(digest);
  if (spec.has_value()) {
    if (Status valid = ValidateWorkflowSpec(**spec, nullptr); !valid.ok()) return Error(valid);
  }
  return spec;
}

Result<std::vector<Change>> Engine::Impl::Load(const WantedRows& wanted) const {
  if (wanted.execution.has_value()) return store_.LoadExecution(*wanted.execution);
  if (!wanted.snapshots.empty()) return store_.LoadSnapshotUsers(wanted.snapshots);
  if (wanted.workflow.has_value()) {
    return store_.LoadWorkflowExecutions(*wanted.workflow,
                                         static_cast<int64_t>(options_.max_executions_per_commit));
  }
  return store_.LoadDueExecutions(wanted.due->workflow, wanted.due->from, wanted.due->to);
}

Status Engine::Impl::DecideEvent(const Event& event, std::vector<Change> loaded,
                                 std::vector<Change>& changes) {
  // What is left of a decision that is under way needs no specification.
  Result<std::shared_ptr<const WorkflowSpec>> spec = nullptr;
  const bool usual = guard_.treatment() == Treatment::kDecide;
  if (PartsUnderWay(state_) == 0 && usual) spec = ResolveSpec(event);
  Decision decision;
  if (spec.has_value()) {
    decision = options_.decide(state_, {.event = event,
                                        .spec = std::move(*spec),
                                        .loaded = std::move(loaded),
                                        .max_executions = options_.max_executions_per_commit,
                                        .treatment = guard_.treatment()});
  } else if (IsBadSpec(spec.error())) {
    decision.changes.emplace_back(ReplyRow{.offset = event.offset,
                                           .code = static_cast<int>(spec.error().code()),
                                           .message = spec.error().message()});
  } else {
    return spec.error();
  }
  state_.Apply(decision.changes);
  changes.insert(changes.end(), std::make_move_iterator(decision.changes.begin()),
                 std::make_move_iterator(decision.changes.end()));
  return Status::Ok();
}

Status Engine::Impl::Decide(std::vector<Event> events, Batch& batch) {
  batch.commit.epoch = epoch_;
  batch.commit.from_offset = committed_.offset;
  batch.commit.from_part = committed_.part;
  batch.to = committed_;
  size_t decided = 0;
  for (const Event& event : events) {
    CHECK(event.offset == batch.to.offset + 1)
        << "event log: offset " << event.offset << " follows " << batch.to.offset;
    std::vector<Change> loaded;
    // What is quarantined is not looked at: that may be what takes the server down.
    const bool usual = decided != 0 || guard_.treatment() == Treatment::kDecide;
    const WantedRows wanted = usual ? RowsToLoad(event, state_) : WantedRows{};
    if (!wanted.empty()) {
      // What this batch has decided so far must be in the store before its rows are read there.
      if (decided != 0) break;
      auto rows = Load(wanted);
      if (!rows.has_value()) return rows.error();
      loaded = std::move(*rows);
    }
    if (Status status = DecideEvent(event, std::move(loaded), batch.commit.changes); !status.ok()) {
      if (decided == 0) return status;
      break;  // what came before it can be committed
    }
    ++decided;
    batch.to.part = PartsUnderWay(state_);
    if (batch.to.part != 0) break;
    batch.to = {event.offset, 0};
    publisher_->Seen(event);
    timers_.Decided(event);
    if (batch.commit.changes.size() >= limits::kMaxRowsPerCommit) break;
  }
  const auto note = guard_.NoteWith({.offset = batch.to.offset, .part = batch.to.part});
  if (note.has_value() && log_.head() > batch.to.offset) {
    batch.commit.changes.emplace_back(*note);
    state_.Apply(std::span(batch.commit.changes).last(1));
  }
  batch.commit.to_offset = batch.to.offset;
  events.resize(decided);
  batch.events = std::move(events);

  batch.acknowledged = publisher_->Acknowledged();
  const size_t before = batch.commit.changes.size();
  for (const OutboxId row : batch.acknowledged) batch.commit.changes.emplace_back(EraseOutbox{row});
  state_.Apply(std::span(batch.commit.changes).subspan(before));
  return Status::Ok();
}

// ---- Commit ------------------------------------------------------------------------------------

Status Engine::Impl::NoteBeginning() {
  const std::optional<RecoveryRow> note = guard_.Note();
  if (!note.has_value()) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(CommitNote(*note));
  guard_.Noted();
  return Status::Ok();
}

Status Engine::Impl::CommitNote(const RecoveryRow& note) {
  Batch batch;
  batch.to = committed_;
  batch.commit = {.epoch = epoch_,
                  .from_offset = committed_.offset,
                  .to_offset = committed_.offset,
                  .from_part = committed_.part,
                  .changes = {note}};
  state_.Apply(batch.commit.changes);
  return Commit(std::move(batch));
}

void Engine::Impl::WarnOfDeaths() const {
  if (guard_.deaths() == 0 || !options_.warn) return;
  options_.warn("the server has died " + std::to_string(guard_.deaths()) +
                " times at the event of offset " + std::to_string(committed_.offset + 1) +
                (guard_.treatment() == Treatment::kDecide
                     ? "; after " + std::to_string(limits::kMaxCrashes) + " it is quarantined"
                     : "; it is quarantined now"));
}

void Engine::Impl::WarnOfQuarantine(const Batch& batch) const {
  if (guard_.treatment() == Treatment::kDecide || !options_.warn) return;
  for (const Change& change : batch.commit.changes) {
    const auto* letter = std::get_if<DeadLetterRow>(&change);
    if (letter == nullptr || !IsQuarantine(*letter)) continue;
    options_.warn("event " + std::to_string(letter->event.offset) + " (" + letter->event.key +
                  ") is failed event " + std::to_string(letter->id.value()) + ": " + letter->error +
                  "; see 'aiflow event failed list'");
  }
}

void Engine::Impl::End() {
  const std::optional<RecoveryRow> note = guard_.Withdrawal();
  // When it cannot be taken back, this end counts as a death: there must be more of them.
  if (note.has_value() && !unsettled_.has_value() && !must_rebuild_) (void)CommitNote(*note);
}

Status Engine::Impl::Commit(Batch batch) {
  Status committed = store_.Commit(batch.commit);
  if (!committed.ok()) {
    ++stats_.failed_commits;
    unsettled_ = std::move(batch);
    const Result<bool> happened = Settle();
    if (!happened.has_value()) return happened.error();
    if (*happened) return Status::Ok();
    // Settle has found the lease intact, so this is no reason to stop.
    return committed.code() == Code::kAborted ? Status(Code::kUnavailable, committed.message())
                                              : committed;
  }
  committed_ = batch.to;
  return Act(batch);
}

Result<bool> Engine::Impl::Settle() {
  if (!unsettled_.has_value() && !must_rebuild_) return false;
  const Result<StoreMeta> meta = store_.Meta();
  if (!meta.has_value()) return Error(meta.error());
  if (meta->epoch != epoch_) {
    return Error(Code::kAborted, "lease lost to " + meta->holder + " (epoch " +
                                     std::to_string(meta->epoch) + " > " + std::to_string(epoch_) +
                                     ")");
  }
  if (unsettled_.has_value()) {
    const Batch batch = std::move(*unsettled_);
    unsettled_.reset();
    const Position from{batch.commit.from_offset, batch.commit.from_part};
    const Position now{meta->committed, meta->part};
    const bool moves = batch.to != from;
    const bool stands = now == from;
    // Acknowledgements stay noted until a commit takes them: nothing is lost.
    if (!moves && stands) return false;
    // With an older commit still open, it may be that one which has arrived.
    if (moves && !outcome_open_ && now == batch.to) {
      committed_ = batch.to;
      if (Status acted = Act(batch); !acted.ok()) return Error(acted);
      return true;
    }
    outcome_open_ = outcome_open_ || (moves && stands);
    must_rebuild_ = true;
  }
  if (Status rebuilt = Rebuild(*meta); !rebuilt.ok()) return Error(rebuilt);
  return false;
}

Status Engine::Impl::Rebuild(const StoreMeta& meta) {
  const Position before = committed_;
  AIFLOW_RETURN_IF_ERROR(LoadState(meta));
  must_rebuild_ = false;
  if (committed_ != before) {
    // A commit has arrived after all, and no older one can any more. Nothing of it has left yet.
    outcome_open_ = false;
    guard_.Moved({.offset = committed_.offset, .part = committed_.part}, /*noted=*/false);
    HandOverAgain();
  }
  outbox_.clear();
  runs_.clear();
  return Status::Ok();
}

void Engine::Impl::HandOverAgain() {
  std::set<OutboxId> rows;
  for (const OutboxRow& row : outbox_) rows.insert(row.id);
  publisher_->Retain(rows);
  questions_.Retain(rows);
  dispatcher_.Clear();
  hooks_.Deliver(outbox_, state_);
  for (OutboxRow& row : outbox_) {
    if (row.kind == OutboxKind::kPublish) {
      publisher_->Publish(row);
    } else if (IsCommand(row.kind)) {
      dispatcher_.Enqueue(std::move(row));
    } else if (row.kind == OutboxKind::kEvaluate) {
      questions_.Enqueue(row);
    }
  }
  if (on_commit_) on_commit_({.committed = committed_.offset, .all = true});
  replies_.Committed(committed_.offset, {});
}

// ---- Act ---------------------------------------------------------------------------------------

Status Engine::Impl::Act(const Batch& batch) {
  ++stats_.commits;
  stats_.events += batch.commit.to_offset - batch.commit.from_offset;
  // An open commit has met a moved position.
  if (!batch.events.empty()) {
    outcome_open_ = false;
    WarnOfQuarantine(batch);
    const RecoveryRow here{.offset = batch.to.offset, .part = batch.to.part};
    const RecoveryRow& note = state_.rep().recovery;
    guard_.Moved(here, note.offset == here.offset && note.part == here.part && note.crashes != 0);
  }
  publisher_->Erased(batch.acknowledged);
  CommitEffects effects = EffectsOf(batch.commit.changes);
  for (const OutboxRow& row : effects.outbox) {
    if (IsCommand(row.kind)) dispatcher_.Enqueue(row);
    if (row.kind == OutboxKind::kEvaluate) questions_.Enqueue(row);
  }
  for (const OutboxId row : effects.erased) questions_.Erased(row);
  // A failure here leaves commands queued for the next step; the rest need not wait for it.
  const Status flushed = Dispatch(batch.events);
  for (const OutboxRow& row : effects.outbox) {
    if (row.kind == OutboxKind::kPublish) publisher_->Publish(row);
  }
  hooks_.Deliver(effects.outbox, state_);
  for (const AttemptKey& attempt : effects.ended) {
    outward_->reporter.Forget(attempt);
    executor_.Forget(attempt);
  }
  if (on_commit_) {
    CommitNews news{.committed = committed_.offset,
                    .touched = std::move(effects.touched),
                    .decided = batch.events};
    for (const auto& [id, status] : effects.ended_executions) news.ended.push_back(status);
    on_commit_(news);
  }
  replies_.Committed(committed_.offset, effects.replies);
  return flushed;
}

Status Engine::Impl::Dispatch(std::span<const Event> batch) {
  if (outcome_open_) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(dispatcher_.Flush(state_, batch));
  return questions_.Flush(state_);
}

Result<bool> Engine::Impl::Step() {
  CHECK(outward_ != nullptr) << "Step before Recover";
  if (const Result<bool> settled = Settle(); !settled.has_value()) return Error(settled.error());
  if (Status flushed = Dispatch({}); !flushed.ok()) return Error(flushed);

  const size_t max_events =
      PartsUnderWay(state_) != 0 ? 1 : guard_.MaxEvents(options_.max_events_per_commit);
  auto events = log_.Read(committed_.offset, max_events, options_.max_bytes_per_read);
  if (!events.has_value()) {
    // Only what is committed is ever removed: somebody else has gone on. Settle finds out who.
    must_rebuild_ = must_rebuild_ || events.error().code() == Code::kOutOfRange;
    return Error(events.error());
  }
  const bool log_moves = !events->empty();
  if (log_moves) {
    if (Status noted = NoteBeginning(); !noted.ok()) return Error(noted);
  }
  Batch batch;
  if (Status decided = Decide(std::move(*events), batch); !decided.ok()) return Error(decided);
  if (batch.events.empty() && batch.acknowledged.empty()) return false;
  if (Status committed = Commit(std::move(batch)); !committed.ok()) return Error(committed);
  if (log_moves) outward_->appender.Retry();
  return log_.head() > committed_.offset;
}

// ---- Engine ------------------------------------------------------------------------------------

Engine::Engine(LogHandle& log, Store& store, const BlobStore& blobs, TaskExecutor& executor,
               AttemptPlanner& planner, EngineOptions options)
    : impl_(std::make_unique<Impl>(log, store, blobs, executor, planner, std::move(options))) {}
Engine::~Engine() = default;

Status Engine::Recover(std::function<void()> wake) { return impl_->Recover(std::move(wake)); }
void Engine::End() {
  if (impl_->outward_ != nullptr) impl_->End();
}
void Engine::SetHookSender(HookSender& sender) { impl_->hooks_.SetSender(&sender); }
Result<bool> Engine::Step() { return impl_->Step(); }
void Engine::FireTimers(Millis now) {
  if (impl_->outward_ == nullptr) return;
  impl_->timers_.Fire(impl_->state_, now, impl_->outward_->appender);
}
std::optional<Millis> Engine::NextDue() const { return impl_->timers_.Next(impl_->state_); }

Offset Engine::committed() const { return impl_->committed_.offset; }
Epoch Engine::epoch() const { return impl_->epoch_; }
const State& Engine::state() const { return impl_->state_; }
bool Engine::has_refused() const {
  return impl_->outward_ != nullptr &&
         (impl_->outward_->appender.waiting() || impl_->dispatcher_.has_deferred());
}

EngineStats Engine::stats() const {
  EngineStats stats = impl_->stats_;
  if (impl_->outward_ != nullptr) stats.dropped_reports = impl_->outward_->reporter.dropped();
  return stats;
}

void Engine::RetryRefused() {
  if (impl_->outward_ == nullptr) return;
  impl_->outward_->appender.Retry();
  impl_->dispatcher_.Retry();
}

void Engine::OnCommitted(Offset offset, std::function<void(const ReplyRow&)> done) {
  impl_->replies_.Wait(offset, impl_->committed_.offset, std::move(done));
}

void Engine::SetEvaluator(ConditionEvaluator& evaluator, const Queries& queries) {
  impl_->questions_.SetEvaluator(evaluator, queries);
}

void Engine::SetCommitListener(std::function<void(const CommitNews&)> on_commit) {
  impl_->on_commit_ = std::move(on_commit);
}

}  // namespace aiflow
