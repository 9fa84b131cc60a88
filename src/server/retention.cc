#include "server/retention.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace aiflow::server {
namespace {

/// Of one request; a reply is a small row.
constexpr Offset kReplyOffsetsPerRequest = 20'000;

/// How many rows one look at the store takes. Runs that a join still names stay, and so come again.
constexpr int64_t kRunsPerLook = 5'000;

void AppendRun(const TaskExecutionRow& run, std::vector<int64_t>& numbers) {
  for (const int64_t number :
       {run.execution_id.value(), int64_t{run.task}, run.sequence, run.id.value()}) {
    numbers.push_back(number);
  }
}

}  // namespace

struct Retention::Turn {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;  // guarded by mutex
  std::thread thread;
};

Retention::Retention(EngineHandle& engine, const Queries& queries, RetentionLog& log,
                     RetentionFiles& files, const Clock& clock, RetentionOptions options,
                     std::function<void(const RetentionReport&)> report)
    : engine_(engine),
      queries_(queries),
      log_(log),
      files_(files),
      clock_(clock),
      options_(options),
      report_(std::move(report)),
      turn_(std::make_shared<Turn>()) {}

Retention::~Retention() { Stop(); }

void Retention::Start() {
  turn_->thread = std::thread([this] { Run(); });
}

void Retention::Stop() {
  {
    const std::lock_guard lock(turn_->mutex);
    turn_->stopping = true;
    turn_->changed.notify_all();
  }
  if (turn_->thread.joinable()) turn_->thread.join();
}

bool Retention::stopping() const {
  const std::lock_guard lock(turn_->mutex);
  return turn_->stopping;
}

void Retention::Run() {
  Millis wait = std::min(options_.first, options_.interval);
  for (;;) {
    {
      std::unique_lock lock(turn_->mutex);
      if (turn_->changed.wait_for(lock, wait, [this] { return turn_->stopping; })) return;
    }
    wait = options_.interval;
    const RetentionReport report = Round();
    if (report_ && !stopping()) report_(report);
  }
}

RetentionReport Retention::Round() {
  RetentionReport report;
  // Each step stands for itself: what one cannot do keeps no other from its work.
  const auto note = [&report](const Status& status) {
    if (!status.ok()) report.errors.push_back(status);
  };
  if (options_.keep != Millis(0)) {
    const Millis before = clock_.Now() - options_.keep;
    note(RetireExecutions(before, report));
    note(RetireRuns(before, report));
    note(DropEvents(before, report));
    note(EraseReplies(log_.First()));
  }
  if (!stopping()) note(Sweep());
  return report;
}

Status Retention::RetireExecutions(Millis before, RetentionReport& report) {
  for (;;) {
    const auto ended = queries_.ListEndedBefore(before, options_.executions_per_request);
    if (!ended.has_value()) return ended.error();
    if (ended->empty()) return Status::Ok();
    RetireRows request;
    for (const ExecutionRow& row : *ended) request.executions.push_back(row.id.value());
    const Result<int64_t> removed = Ask(request);
    if (!removed.has_value()) return removed.error();
    report.executions += *removed;
    if (*removed == 0) return Status::Ok();  // hooks are still to be told: the next round
  }
}

Status Retention::RetireRuns(Millis before, RetentionReport& report) {
  for (;;) {
    const auto old = queries_.ListOldRuns(before, kRunsPerLook);
    if (!old.has_value()) return old.error();
    int64_t removed = 0;
    for (size_t begin = 0; begin < old->size();) {
      RetireRows request;
      for (int64_t i = 0; i < options_.runs_per_request && begin < old->size(); ++i, ++begin) {
        AppendRun((*old)[begin], request.runs);
        pruned_.insert((*old)[begin].execution_id);
      }
      const Result<int64_t> part = Ask(request);
      if (!part.has_value()) return part.error();
      removed += *part;
    }
    report.runs += removed;
    if (removed == 0) return Status::Ok();
  }
}

Status Retention::DropEvents(Millis before, RetentionReport& report) {
  // Committed first: what is needed as of later events lies above it.
  const Offset committed = engine_.committed();
  const auto needed = queries_.OldestNeededOffset();
  if (!needed.has_value()) return needed.error();
  const auto old = log_.OffsetBefore(before);
  if (!old.has_value()) return old.error();
  Offset bound = std::min(*old, committed) + 1;
  if (needed->has_value()) bound = std::min(bound, **needed);
  const Offset first = log_.First();
  if (bound <= first) return Status::Ok();
  const auto dropped = Await<Offset>(
      [this, bound](std::function<void(Result<Offset>)> done) { log_.DropBefore(bound, done); });
  if (!dropped.has_value()) return dropped.error();
  if (*dropped > first) report.first_event = *dropped;
  return Status::Ok();
}

Status Retention::EraseReplies(Offset first) {
  // What an earlier server left is one step, and nearly always nothing.
  if (replies_from_ == 0) replies_from_ = std::max<Offset>(first - kReplyOffsetsPerRequest, 1);
  while (replies_from_ < first) {
    const Offset below = std::min(first, replies_from_ + kReplyOffsetsPerRequest);
    const Result<int64_t> asked = Ask(RetireRows{.replies_below = below});
    if (!asked.has_value()) return asked.error();
    replies_from_ = below;
  }
  return Status::Ok();
}

Status Retention::Sweep() {
  // In the first round all of them: an earlier server may have ended between rows and files.
  AIFLOW_RETURN_IF_ERROR(files_.SweepExecutions(
      [this](ExecutionId id) { return first_round_ || pruned_.contains(id); },
      [this] { return stopping(); }));
  if (stopping()) return Status::Ok();
  first_round_ = false;
  pruned_.clear();
  const auto digests = queries_.ListBlobDigests();
  if (!digests.has_value()) return digests.error();
  return files_.SweepBlobs({digests->begin(), digests->end()});
}

Result<int64_t> Retention::Ask(const RetireRows& request) {
  const auto reply = Await<ReplyRow>([this, &request](std::function<void(Result<ReplyRow>)> done) {
    engine_.Submit(request, "", std::move(done));
  });
  if (!reply.has_value()) return Error(reply.error());
  return reply->id;
}

template <typename T>
Result<T> Retention::Await(const std::function<void(std::function<void(Result<T>)>)>& begin) {
  const auto answer = std::make_shared<std::optional<Result<T>>>();
  begin([turn = turn_, answer](Result<T> result) {
    const std::lock_guard lock(turn->mutex);
    answer->emplace(std::move(result));
    turn->changed.notify_all();
  });
  std::unique_lock lock(turn_->mutex);
  turn_->changed.wait(lock, [&] { return answer->has_value() || turn_->stopping; });
  if (answer->has_value()) return **answer;
  return Error(Code::kUnavailable, "the server is stopping");
}

}  // namespace aiflow::server
