#include "sim_server.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace aiflow::sim {
namespace {

Status Dead() { return Status(Code::kUnavailable, "this process is dead"); }
Status Hiccup(const char* what) {
  return Status(Code::kUnavailable, std::string(what) + " hiccup");
}

}  // namespace

class SimServer::LogDoor final : public LogHandle {
 public:
  explicit LogDoor(SimServer& server) : server_(server) {}

  std::string log_id() const override { return "sim-log"; }
  Offset head() const override { return server_.durable_.log.head(); }

  void AppendAsync(Event event, Admission /*admission*/, AppendCallback done) override {
    if (server_.MayDie("before an append")) return;
    server_.durable_.log.Append(std::move(event), std::move(done), server_.pulse_);
    server_.MayDie("after an append");
  }

  Result<std::vector<Event>> Read(Offset after, size_t max_events,
                                  size_t /*max_bytes*/) const override {
    if (server_.MayDie("at a read")) return Error(Dead());
    if (server_.chaos_.faults && server_.chaos_.random.PerMille(5)) return Error(Hiccup("log"));
    return server_.durable_.log.Read(after, max_events);
  }

  void SetHeadListener(std::function<void(Offset)> on_head) override {
    server_.durable_.log.SetHeadListener(server_.pulse_.get(), std::move(on_head));
  }

 private:
  SimServer& server_;
};

class SimServer::StoreDoor final : public Store {
 public:
  explicit StoreDoor(SimServer& server) : server_(server), durable_(server.durable_) {}

  Result<StoreMeta> Meta() const override {
    if (server_.MayDie("before meta")) return Error(Dead());
    Arrive();
    if (Chance(10)) return Error(Hiccup("store"));
    Result<StoreMeta> meta = durable_.store.Meta();
    if (Mutated(Mutant::kOffsetRunsAhead) && server_.engine_->epoch() != 0 &&
        meta->committed < durable_.log.head()) {
      ++meta->committed;
    }
    return meta;
  }

  Status BindLog(const std::string& log_id) override { return durable_.store.BindLog(log_id); }

  Result<Epoch> TakeLease(const std::string& holder) override {
    if (server_.MayDie("before the lease")) return Error(Dead());
    Result<Epoch> epoch = durable_.store.TakeLease(holder);
    if (server_.MayDie("after the lease")) return Error(Dead());
    return epoch;
  }

  Status Commit(const CommitBatch& batch) override {
    if (server_.MayDie("before a commit")) return Counted(batch, Fault::kCrashBefore, Dead());
    Arrive();
    if (Chance(25)) return Counted(batch, Fault::kRefused, Hiccup("commit refused, store"));
    if (Chance(8) && Moves(batch) && !durable_.late_commit.has_value()) {
      server_.chaos_.Note("a commit is on its way for long");
      durable_.late_commit = batch;
      return Counted(batch, Fault::kLate, Hiccup("commit unknown, store"));
    }
    if (Mutated(Mutant::kActBeforeCommit) && server_.chaos_.random.Percent(30)) {
      durable_.late_commit = batch;
      return Status::Ok();
    }
    const Status committed = Store(batch);
    if (!committed.ok()) {
      (void)server_.MayDie("after a commit");
      return committed;
    }
    if (server_.MayDie("after a commit")) return Counted(batch, Fault::kCrashAfter, Dead());
    if (Chance(25)) {
      server_.chaos_.Note("the reply of a commit is lost");
      return Counted(batch, Fault::kReplyLost, Hiccup("commit unknown, store"));
    }
    return Counted(batch, Fault::kNone, committed);
  }

  Result<std::vector<Change>> Load() const override {
    if (server_.MayDie("before a load")) return Error(Dead());
    if (Chance(20)) return Error(Hiccup("store"));
    Result<std::vector<Change>> rows = durable_.store.Load();
    Mutate(*rows);
    return rows;
  }

  Result<std::vector<Change>> LoadExecution(ExecutionId id) const override {
    if (server_.MayDie("before an execution is loaded")) return Error(Dead());
    if (Chance(20)) return Error(Hiccup("store"));
    return durable_.store.LoadExecution(id);
  }

  Result<std::vector<Change>> LoadSnapshotUsers(
      const std::vector<SnapshotId>& snapshots) const override {
    if (server_.MayDie("before users of snapshots are loaded")) return Error(Dead());
    if (Chance(20)) return Error(Hiccup("store"));
    return durable_.store.LoadSnapshotUsers(snapshots);
  }
  Result<std::vector<Change>> LoadDueExecutions(WorkflowId workflow, Millis from,
                                                Millis to) const override {
    if (server_.MayDie("before due executions are loaded")) return Error(Dead());
    if (Chance(20)) return Error(Hiccup("store"));
    return durable_.store.LoadDueExecutions(workflow, from, to);
  }
  Result<std::vector<Change>> LoadWorkflowExecutions(WorkflowId workflow,
                                                     int64_t limit) const override {
    if (server_.MayDie("before executions of a workflow are loaded")) return Error(Dead());
    if (Chance(20)) return Error(Hiccup("store"));
    return durable_.store.LoadWorkflowExecutions(workflow, limit);
  }

 private:
  [[nodiscard]] bool Chance(int64_t per_mille) const {
    return server_.chaos_.faults && server_.chaos_.random.PerMille(per_mille);
  }
  /// Decides something, and not only acknowledges.
  static bool Moves(const CommitBatch& batch) {
    const auto is_cursor = [](const Change& row) { return std::holds_alternative<CursorRow>(row); };
    return batch.to_offset > batch.from_offset || std::ranges::any_of(batch.changes, is_cursor);
  }
  [[nodiscard]] bool Mutated(Mutant mutant) const { return server_.chaos_.mutant == mutant; }

  /// Counts what became of the batch.
  Status Counted(const CommitBatch& batch, Fault fault, Status status) const {
    for (const Decided decided : DecidedBy(batch, durable_.log.events())) {
      server_.chaos_.MeetCommit(fault, decided);
    }
    return status;
  }

  /// The late commit arrives, perhaps.
  void Arrive() const {
    if (!durable_.late_commit.has_value() || !server_.chaos_.random.Percent(40)) return;
    const CommitBatch batch = std::move(*durable_.late_commit);
    durable_.late_commit.reset();
    const Status committed = durable_.store.Commit(batch);
    server_.chaos_.Note("the late commit to " + std::to_string(batch.to_offset) +
                        " arrives: " + committed.ToString());
    if (committed.ok()) durable_.checker.OnCommit(batch);
  }

  Status Store(const CommitBatch& asked) {
    CommitBatch batch = asked;
    const StoreMeta meta = *durable_.store.Meta();
    if (Mutated(Mutant::kOffsetStandsStill) && server_.chaos_.random.Percent(5)) {
      batch.to_offset = batch.from_offset;
    }
    if (Mutated(Mutant::kNoFence) && batch.to_offset >= meta.committed) {
      batch.epoch = meta.epoch;
      batch.from_offset = meta.committed;
      batch.from_part = meta.part;
    }
    if (Mutated(Mutant::kReplayStaysHeld)) {
      std::erase_if(batch.changes,
                    [](const Change& row) { return std::holds_alternative<EraseHeldEvent>(row); });
    }
    if (Mutated(Mutant::kTornCommit) && server_.chaos_.random.Percent(3)) {
      batch.changes.resize(batch.changes.size() / 2);
    }
    const Status committed = durable_.store.Commit(batch);
    server_.chaos_.Note("commit " + std::to_string(batch.from_offset) + " to " +
                        std::to_string(batch.to_offset) + ": " + committed.ToString());
    if (committed.ok()) durable_.checker.OnCommit(batch);
    if (committed.code() == Code::kInternal) server_.chaos_.Fail(committed.message());
    return committed;
  }

  void Mutate(std::vector<Change>& rows) const {
    const auto drop = [&](const Change& row) {
      return (Mutated(Mutant::kDropOutboxRow) && std::holds_alternative<OutboxRow>(row)) ||
             (Mutated(Mutant::kForgetCursor) && std::holds_alternative<CursorRow>(row)) ||
             (Mutated(Mutant::kForgetHeldEvent) && std::holds_alternative<HeldEventRow>(row));
    };
    if (const auto found = std::ranges::find_if(rows, drop); found != rows.end()) rows.erase(found);
    if (Mutated(Mutant::kForgetEvaluation)) {
      const auto waits = [](const Change& row) {
        return std::holds_alternative<EvaluationRow>(row);
      };
      if (const auto found = std::ranges::find_if(rows, waits); found != rows.end()) {
        rows.erase(found);
      }
    }
    for (Change& row : rows) {
      if (auto* rule = std::get_if<RuleStateRow>(&row)) {
        if (Mutated(Mutant::kForgetJoinVector)) rule->fired.clear();
      } else if (auto* task = std::get_if<TaskRow>(&row)) {
        if (Mutated(Mutant::kForgetPendingStarts)) task->pending_starts.clear();
      } else if (auto* cursor = std::get_if<CursorRow>(&row)) {
        if (Mutated(Mutant::kCursorRunsAhead)) {
          cursor->execution = ExecutionId(cursor->execution.value() + 2);
        }
      }
    }
  }

  SimServer& server_;
  Durable& durable_;
};

class SimServer::ExecutorDoor final : public TaskExecutor {
 public:
  explicit ExecutorDoor(SimServer& server) : server_(server), executor_(server.durable_.executor) {}

  Status Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) override {
    if (server_.MayDie("before opening the executor")) return Dead();
    return executor_.Open(epoch, expected,
                          [pulse = server_.pulse_, sink = std::move(sink)](AttemptReport report) {
                            if (!pulse->dead) sink(std::move(report));
                          });
  }
  void Start(AttemptSpec spec) override {
    if (server_.MayDie("before a start")) return;
    executor_.Start(spec);
    server_.MayDie("after a start");
  }
  void Stop(const AttemptSpec& spec) override {
    if (server_.MayDie("before a stop")) return;
    executor_.Stop(spec);
  }
  void Forget(const AttemptKey& key) override {
    if (server_.MayDie("before forgetting")) return;
    executor_.Forget(key);
  }
  std::string LogPath(const AttemptKey& /*key*/) const override { return {}; }
  int64_t running() const override { return 0; }
  void Close() override {}

 private:
  SimServer& server_;
  SimExecutor& executor_;
};

/// The blob store as the server reads it: sometimes it cannot be read just now.
class SimServer::BlobDoor final : public BlobStore {
 public:
  explicit BlobDoor(SimServer& server) : server_(server) {}
  Result<std::string> Put(std::string_view bytes) override {
    return server_.durable_.blobs.Put(bytes);
  }
  Result<std::string> Get(const std::string& digest) const override {
    if (server_.chaos_.faults && server_.chaos_.random.PerMille(20)) return Error(Hiccup("blobs"));
    return server_.durable_.blobs.Get(digest);
  }
  Result<bool> Has(const std::string& digest) const override {
    return server_.durable_.blobs.Has(digest);
  }

 private:
  SimServer& server_;
};

/// Some attempts can never be planned, whoever tries; some by one server, but not by another.
class SimServer::Planner final : public AttemptPlanner {
 public:
  Planner(int server, const ModelChecker& checker) : server_(server), checker_(checker) {}

  Result<AttemptSpec> Plan(const WorkflowRow& /*workflow*/, const SnapshotRow& snapshot,
                           const TaskExecutionRow& run, const Event& cause,
                           const AttemptInputs& /*inputs*/) override {
    CHECK(cause.offset == run.cause_offset || (cause.offset == 0 && checker_.MayMissCause(run)))
        << "the cause of another run";
    CHECK(snapshot.spec != nullptr);
    const int64_t lot = run.id.value() * 2654435761;
    if (lot % 61 == 0 || (lot + server_) % 31 == 0) {
      return Error(Code::kFailedPrecondition, "the interpreter is gone");
    }
    AttemptSpec spec;
    spec.argv = {"run"};
    return spec;
  }

 private:
  const int server_;
  const ModelChecker& checker_;
};

SimServer::SimServer(Durable& durable, int number)
    : durable_(durable),
      chaos_(durable.chaos),
      number_(number),
      log_(std::make_unique<LogDoor>(*this)),
      store_(std::make_unique<StoreDoor>(*this)),
      executor_(std::make_unique<ExecutorDoor>(*this)),
      blobs_(std::make_unique<BlobDoor>(*this)),
      planner_(std::make_unique<Planner>(number, durable.checker.model())),
      hosts_(durable.chaos, durable.checker, pulse_),
      hooks_(durable.chaos, durable.checker.model().hooks(), pulse_, number),
      engine_(std::make_unique<Engine>(
          *log_, *store_, *blobs_, *executor_, *planner_,
          EngineOptions{
              .holder = "server-" + std::to_string(number),
              .max_events_per_commit =
                  static_cast<size_t>(durable.chaos.random.Percent(50) ? 4 : 64),
              .max_executions_per_commit = static_cast<size_t>(1 + durable.chaos.random.Below(3)),
              .decide = [this](const State& state, const DecideInput& input) {
                return DecideOrDie(state, input);
              }})) {
  engine_->SetEvaluator(hosts_, durable.store);
  engine_->SetHookSender(hooks_);
}

SimServer::~SimServer() { pulse_->dead = true; }

void SimServer::Die(const std::string& where) {
  if (pulse_->dead) return;
  pulse_->dead = true;
  ++chaos_.counts.crashes;
  chaos_.Note("server-" + std::to_string(number_) + " dies " + where);
}

bool SimServer::MayDie(const char* where) {
  if (!pulse_->dead && chaos_.faults && !chaos_.failed() && chaos_.random.PerMille(4)) Die(where);
  return pulse_->dead;
}

/// A poisonous event takes down every server that decides about it as usual; a deadly one also
/// those that only look for its receivers.
Decision SimServer::DecideOrDie(const State& state, const DecideInput& input) {
  const Offset offset = input.event.offset;
  const uint64_t poisonous = input.event.value == "REPLAY_HELD" ? 100 : 6;
  // Of a decision in parts, only with the first one.
  const bool deadly = PartsUnderWay(state) == 0 && chaos_.IsPoison(offset, /*per_mille=*/1);
  if ((input.treatment == Treatment::kDecide && chaos_.IsPoison(offset, poisonous)) ||
      (input.treatment != Treatment::kSetAside && deadly)) {
    Die("at the poisonous event " + std::to_string(offset));
  }
  return Decide(state, input);
}

Status SimServer::Recover() {
  ++chaos_.counts.recoveries;
  const Status recovered = engine_->Recover([this, pulse = pulse_] {
    if (!pulse->dead) woken_ = true;
  });
  chaos_.Note("server-" + std::to_string(number_) + " recovers: " + recovered.ToString());
  woken_ = true;
  if (recovered.ok()) durable_.store.Recovered();
  return recovered;
}

bool SimServer::asleep() const {
  const std::optional<Millis> due = engine_->NextDue();
  const bool timer = due.has_value() && *due <= chaos_.now;
  return !woken_ && !more_ && !failed_ && !timer && !engine_->has_refused();
}

bool SimServer::Run() {
  if (asleep() || lease_lost_ || dead()) return false;
  if (!woken_ && !more_) engine_->RetryRefused();  // its back-off timer
  woken_ = false;
  const int64_t commits = engine_->stats().commits;
  if (!failed_) engine_->FireTimers(chaos_.now);
  const Result<bool> more = engine_->Step();
  more_ = more.has_value() && *more;
  failed_ = !more.has_value();
  chaos_.counts.failed_commits += failed_ ? 1 : 0;
  if (dead()) return true;
  if (failed_) {
    chaos_.Note("step: " + more.error().ToString());
    lease_lost_ = more.error().code() == Code::kAborted;
    return true;
  }
  // Only who holds the lease and knows of every commit can be compared with the store.
  const StoreMeta meta = *durable_.store.Meta();
  if (engine_->stats().commits != commits && meta.epoch == engine_->epoch() &&
      meta.committed == engine_->committed()) {
    durable_.checker.CheckState(engine_->state());
  }
  return true;
}

}  // namespace aiflow::sim
