#include "engine/dispatcher.h"

#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"

namespace aiflow {
namespace {

/// The planner asks for patience.
bool IsNotReady(const Status& error) { return error.code() == Code::kDeadlineExceeded; }

}  // namespace

void Dispatcher::Begin(Epoch epoch, Reporter& reporter) {
  epoch_ = epoch;
  reporter_ = &reporter;
  Clear();
}

void Dispatcher::Retry() {
  // Before what came later.
  queue_.insert(queue_.begin(), std::make_move_iterator(deferred_.begin()),
                std::make_move_iterator(deferred_.end()));
  deferred_.clear();
}

Status Dispatcher::Flush(const State& state, std::span<const Event> batch) {
  while (!queue_.empty()) {
    const OutboxRow& row = queue_.front();
    if (row.kind == OutboxKind::kStartAttempt) {
      const Result<bool> done = Start(state, row.attempt, batch);
      if (!done.has_value()) return done.error();
      if (!*done) deferred_.push_back(row);
    } else {
      // A start that comes after its stop would find the attempt's claim taken.
      std::erase_if(deferred_,
                    [&row](const OutboxRow& start) { return start.attempt == row.attempt; });
      Stop(state, row.attempt);
    }
    queue_.pop_front();
  }
  return Status::Ok();
}

Result<bool> Dispatcher::Start(const State& state, const AttemptKey& attempt,
                               std::span<const Event> batch) {
  const std::optional<RunRows> rows = FindRun(state, attempt);
  // A command that waited for the log may meet an attempt that has ended meanwhile.
  if (!rows.has_value() || IsFinished(rows->run.status)) return true;
  Result<Result<AttemptSpec>> spec = PlanAttempt(*rows, batch);
  if (!spec.has_value()) return Error(spec.error());
  if (!spec->has_value() && IsNotReady(spec->error())) return false;
  reporter_->Expect(attempt, rows->workflow.ns, rows->run.task_name);
  if (!spec->has_value()) {
    // Not reported from here: who says that an attempt never runs must win its claim (rule 13), for
    // the next server may be able to plan it.
    AttemptSpec refused = Outline(attempt, *rows);
    refused.refusal = "cannot start: " + spec->error().message();
    executor_.Start(std::move(refused));
    return true;
  }
  executor_.Start(std::move(**spec));
  return true;
}

void Dispatcher::Stop(const State& state, const AttemptKey& attempt) {
  const std::optional<RunRows> rows = FindRun(state, attempt);
  if (!rows.has_value() || IsFinished(rows->run.status)) return;
  reporter_->Expect(attempt, rows->workflow.ns, rows->run.task_name);
  executor_.Stop(Outline(attempt, *rows));
}

AttemptSpec Dispatcher::Outline(const AttemptKey& attempt, const RunRows& rows) const {
  AttemptSpec spec;
  spec.key = attempt;
  spec.executor = rows.run.executor;
  spec.token = reporter_->tokens().TokenOf(attempt);
  spec.epoch = epoch_;
  if (rows.snapshot.spec != nullptr) {
    const TaskSpec& task = rows.snapshot.spec->tasks.at(static_cast<size_t>(attempt.task));
    spec.stop_grace = task.stop_grace;
    spec.signal_group = task.op == OperatorKind::kBash;
    if (task.op == OperatorKind::kHost) spec.final_exit_code = kFinalExitCode;
  }
  return spec;
}

Result<Result<AttemptSpec>> Dispatcher::PlanAttempt(const RunRows& rows,
                                                    std::span<const Event> batch) {
  Result<Event> cause = ReadCause(rows.run.cause_offset, batch);
  if (!cause.has_value()) return Error(cause.error());
  Result<AttemptSpec> spec =
      planner_.Plan(rows.workflow, rows.snapshot, rows.run, *cause, InputsOf(rows, *cause));
  if (spec.has_value()) {
    spec->key = rows.run.attempt();
    spec->executor = rows.run.executor;
    spec->token = reporter_->tokens().TokenOf(spec->key);
    spec->epoch = epoch_;
    const TaskSpec& task = rows.snapshot.spec->tasks.at(static_cast<size_t>(rows.run.task));
    if (task.op == OperatorKind::kHost) spec->final_exit_code = kFinalExitCode;
  }
  return spec;
}

Result<Event> Dispatcher::ReadCause(Offset offset, std::span<const Event> batch) const {
  if (offset <= 0) return Event{};
  if (!batch.empty() && offset >= batch.front().offset && offset <= batch.back().offset) {
    return batch[static_cast<size_t>(offset - batch.front().offset)];
  }
  Result<std::vector<Event>> events = log_.Read(offset - 1, 1, 1);
  if (events.has_value() && !events->empty()) return std::move(events->front());
  // Retention has removed it: the attempt runs without.
  if (events.has_value() || events.error().code() == Code::kOutOfRange) return Event{};
  return Error(events.error().code(), "log: cannot read the causing event " +
                                          std::to_string(offset) + ": " + events.error().message());
}

Result<std::vector<ExpectedAttempt>> Dispatcher::Expected(
    const State& state, const std::vector<OutboxRow>& outbox,
    const std::vector<TaskExecutionRow>& runs) {
  struct Commands {
    bool start = false;
    bool stop = false;
  };
  std::map<AttemptKey, Commands> commands;
  for (const OutboxRow& row : outbox) {
    if (row.kind == OutboxKind::kStartAttempt) commands[row.attempt].start = true;
    if (row.kind == OutboxKind::kStopAttempt) commands[row.attempt].stop = true;
  }
  for (const TaskExecutionRow& run : runs) {
    if (run.status == TaskStatus::kRunning || run.status == TaskStatus::kStopping ||
        run.status == TaskStatus::kQueued) {
      commands.try_emplace(run.attempt());
    }
  }

  std::vector<ExpectedAttempt> expected;
  for (const auto& [attempt, command] : commands) {
    const std::optional<RunRows> rows = FindRun(state, attempt);
    CHECK(rows.has_value()) << "attempt " << attempt.ToString()
                            << " is in the outbox but has no task execution";
    Result<Result<AttemptSpec>> spec = PlanAttempt(*rows, {});
    if (!spec.has_value()) return Error(spec.error());
    // Without its plan it would never be started, and it may well be startable in a moment.
    if (!spec->has_value() && IsNotReady(spec->error()) && command.start) {
      return Error(spec->error().code(),
                   "attempt " + attempt.ToString() + ": " + spec->error().message());
    }
    reporter_->Expect(attempt, rows->workflow.ns, rows->run.task_name);
    ExpectedAttempt next;
    next.stop = command.stop;
    if (spec->has_value()) {
      next.spec = std::move(**spec);
      // QUEUED permits a start, and only an unacknowledged start row does that.
      next.status = command.start ? TaskStatus::kQueued : TaskStatus::kRunning;
      if (rows->run.status == TaskStatus::kStopping && !command.start) {
        next.status = TaskStatus::kStopping;
      }
    } else {
      // It cannot be started any more, but it may have been, before the crash: have it adopted, or
      // else reported FAILED.
      next.spec = Outline(attempt, *rows);
      next.status = TaskStatus::kRunning;
    }
    expected.push_back(std::move(next));
  }
  return expected;
}

}  // namespace aiflow
