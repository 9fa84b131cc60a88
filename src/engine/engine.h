#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "engine/hook_sender.h"
#include "executor/task_executor.h"
#include "model/limits.h"
#include "model/rows.h"
#include "scheduler/decide.h"
#include "storage/blob_store.h"
#include "storage/log_handle.h"
#include "storage/queries.h"
#include "storage/store.h"

namespace aiflow {

/// What a task gets besides its cause: docs/formats/task-environment.md.
struct AttemptInputs {
  std::string params_json;                     // of the execution; empty: none
  Millis due{0};                               // the due time it stands for; 0: none
  std::map<std::string, std::string> outputs;  // of the tasks that its rules name
};

/// Turns a committed start or stop into what an executor needs: command line, environment, paths.
/// Wired by the server; simulated in tests. Engine thread only; must not block on the network.
class AttemptPlanner {
 public:
  virtual ~AttemptPlanner() = default;
  /// kFailedPrecondition and the like make the attempt FAILED with the message as its reason.
  /// kDeadlineExceeded: something is not here yet; it is asked again, and the attempt waits.
  /// `cause` is the causing event (offset 0 when it is gone). The engine sets key, token and epoch.
  virtual Result<AttemptSpec> Plan(const WorkflowRow& workflow, const SnapshotRow& snapshot,
                                   const TaskExecutionRow& run, const Event& cause,
                                   const AttemptInputs& inputs) = 0;
};

class ConditionEvaluator;

struct EngineOptions {
  std::string holder = "server";
  size_t max_events_per_commit = 512;
  size_t max_bytes_per_read = 8 << 20;
  /// What concerns more executions is decided and committed in parts.
  size_t max_executions_per_commit = limits::kMaxExecutionsPerCommit;
  /// Told in one line what an operator should know: servers that died at an event, and what was
  /// quarantined. Called from Recover and Step. Empty: nobody is told.
  std::function<void(const std::string&)> warn;
  /// What decides; another one in tests, where a decision may take the server down.
  std::function<Decision(const State&, const DecideInput&)> decide = Decide;
};

/// What a commit has changed.
struct CommitNews {
  Offset committed = 0;
  std::vector<ExecutionId> touched;    // ascending, each once
  bool all = false;                    // what it touched is not known: it may be any execution
  std::vector<ExecutionStatus> ended;  // of each execution that has ended, once
  std::span<const Event> decided;      // valid during the call; the last one perhaps in part
};

/// Counts since Recover.
struct EngineStats {
  int64_t events = 0;
  int64_t commits = 0;
  int64_t failed_commits = 0;
  int64_t dropped_reports = 0;  // a wrong token, or an attempt that nobody expects
};

/// The one writer of the scheduling state: decide -> commit -> act. A step-wise object without
/// threads or clocks of its own, so that the simulator drives the very same code; EngineLoop gives
/// it a thread.
///
/// The life of an event:
///  1. Somebody appends it: a producer through the notification service, EngineHandle::Submit for a
///     request of the API, the Reporter for what an executor saw, the Publisher for an
///     announcement. The log drops a repeated id, so each is there once.
///  2. Step reads it from the committed offset and resolves the specification that an upload names.
///     A blob that is missing or damaged is answered as an error; it never reaches Decide. One that
///     asks about finished executions begins a batch of its own and brings their rows.
///  3. Decide names the changes. They are applied to the in-memory state at once, because the next
///     event of the batch is decided on top of them. Of an event that concerns very many executions
///     it names a part; that ends the batch, and the next one goes on with the same event, also
///     after a restart. The committed offset moves with the last part.
///  4. One commit stores the changes of the whole batch, the new committed offset, the outbox rows,
///     the replies, and the acknowledgements of announcements that the log has meanwhile.
///  5. Only now something leaves: starts and stops to the executor, questions to the evaluator,
///     announcements to the log, replies to waiting callers, and the news of which executions
///     changed to watchers.
///  6. The executor's reports come back as events of their own (1), and so do answers. The commit
///  of
///     the report erases the start or stop row, that of the answer the question; until then the row
///     is handed over again by each recovery. An announcement's row goes when the engine reads its
///     own announcement from the log (4), or, when that lies behind already, with a commit that
///     only acknowledges.
///
/// An event at which the server dies again and again is quarantined (CrashGuard): the engine asks
/// Decide to keep it from its receivers, so that it stands in nobody else's way.
///
/// A commit whose outcome is unknown is settled before anything else: the engine reads the store's
/// epoch, committed offset and number of committed parts. Committed: it goes on acting. Not
/// committed: the state is loaded again. Another epoch: the lease is lost and the engine never
/// commits again.
class Engine {
 public:
  Engine(LogHandle& log, Store& store, const BlobStore& blobs, TaskExecutor& executor,
         AttemptPlanner& planner, EngineOptions options);
  /// Nothing is called any more afterwards. Log and executor must outlive the engine.
  ~Engine();

  /// Who tells the world when an execution has ended; without one, hooks stay in the outbox. Call
  /// it before Recover.
  void SetHookSender(HookSender& sender);

  /// Recovery in order (rule 35): check the log's identity, take the lease, load the state, hand
  /// the expected attempts to the executor, re-hand the outbox. `wake` is called from any thread
  /// when there is work for Step. An error is a refusal to start, with what to do.
  Status Recover(std::function<void()> wake);

  /// Reads the next events, decides, commits once, acts. True when there may be more work at once.
  /// kAborted: the lease is lost, stop. Other errors: nothing uncommitted was acted on; call again
  /// later (the world may have recovered).
  Result<bool> Step();

  /// The last call of a server that ends by itself: it has not died at the event that is next.
  void End();

  /// Appends an event for every timer that is due at `now`; Step decides it once it is in the log.
  void FireTimers(Millis now);
  /// When FireTimers should be called next; nothing: no timer is set.
  [[nodiscard]] std::optional<Millis> NextDue() const;

  [[nodiscard]] Offset committed() const;
  [[nodiscard]] Epoch epoch() const;
  [[nodiscard]] const State& state() const;
  [[nodiscard]] EngineStats stats() const;

  /// `done` is called from Step once an event at `offset` is committed: the reply of that request
  /// (kNotFound in code when the event was no request, or when it was committed long ago: then the
  /// reply is to be asked from Queries). Engine thread only; see EngineHandle.
  void OnCommitted(Offset offset, std::function<void(const ReplyRow&)> done);

  /// Who asks user-written conditions, and where their states are; both outlive the engine's last
  /// Step. Without one, events wait for their answers. REQUIRES: before Recover.
  void SetEvaluator(ConditionEvaluator& evaluator, const Queries& queries);

  /// `on_commit` is called from Step after each commit, before any reply.
  void SetCommitListener(std::function<void(const CommitNews&)> on_commit);

  /// Whether the log refused an event of the engine. It is tried again when the log moves, or by
  /// RetryRefused: call that after some time.
  [[nodiscard]] bool has_refused() const;
  void RetryRefused();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow
