#include "engine/engine_loop.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/check.h"
#include "model/event_keys.h"
#include "model/limits.h"

namespace aiflow {
namespace {

Status Stopping() {
  return Status(Code::kUnavailable,
                "the server is stopping; ask again with the same request id when it is back");
}

/// Whether a request makes something that takes room, or may well give some back.
Admission AdmissionOf(const Request& request) {
  const auto is_any_of = [&request]<typename... Kind>(std::variant<Kind...>* /*kinds*/) {
    return (std::holds_alternative<Kind>(request) || ...);
  };
  using Making = std::variant<AddNamespace, UploadWorkflow, AddSnapshot, StartWorkflowExecution,
                              StartTaskExecution, RestartTaskExecution, RerunTasks, AddSchedule,
                              BackfillSchedule, AddTrigger>;
  return is_any_of(static_cast<Making*>(nullptr)) ? Admission::kExternal : Admission::kRelief;
}

}  // namespace

/// Everything that other threads leave for the engine's.
struct EngineLoop::Door {
  struct Arrived {
    Offset offset = 0;
    Done done;
  };
  using Read = std::function<void(const Result<const State*>&)>;

  void Wake() {
    const std::lock_guard lock(mutex);
    woken = true;
    ready.notify_one();
  }

  std::mutex mutex;
  std::condition_variable ready;
  // All guarded by mutex.
  bool woken = false;
  bool stop = false;
  bool closed = true;   // nobody will take what arrives
  size_t requests = 0;  // accepted by Submit and not yet answered
  std::deque<Arrived> arrived;
  std::deque<Read> reads;
  std::string not_ready = "the engine has not been started";
};

/// Who wants to know about changes of which execution.
struct EngineLoop::Watches {
  struct Entry {
    ExecutionId execution;
    std::function<void()> changed;
  };

  void Changed(const CommitNews& news);

  RecentChanges recent;
  std::mutex mutex;
  std::condition_variable idle;
  // All guarded by mutex.
  std::map<uint64_t, Entry> entries;
  std::multimap<ExecutionId, uint64_t> by_execution;
  uint64_t next_id = 1;
  uint64_t running = 0;  // the entry being called; 0 = none
  std::thread::id thread;
};

void EngineLoop::Watches::Changed(const CommitNews& news) {
  std::unique_lock lock(mutex);
  recent.Note(news.committed, news.touched, news.all);
  if (entries.empty()) return;
  thread = std::this_thread::get_id();
  std::vector<uint64_t> ids;
  for (const auto& [id, entry] : entries) {
    if (news.all) ids.push_back(id);
  }
  const auto add = [&](ExecutionId execution) {
    const auto [begin, end] = by_execution.equal_range(execution);
    for (auto it = begin; it != end; ++it) ids.push_back(it->second);
  };
  for (const ExecutionId execution : news.touched) add(execution);
  if (!news.touched.empty()) add(ExecutionId());
  for (const uint64_t id : ids) {
    const auto found = entries.find(id);
    if (found == entries.end()) continue;  // unwatched by an earlier one
    const std::function<void()> changed = found->second.changed;
    running = id;
    lock.unlock();
    changed();
    lock.lock();
    running = 0;
    idle.notify_all();
  }
}

EngineLoop::EngineLoop(Engine& engine, LogHandle& log, const Queries& queries,
                       EngineLoopOptions options, std::function<void(const Status&)> lease_lost)
    : engine_(engine),
      log_(log),
      queries_(queries),
      options_(options),
      lease_lost_(std::move(lease_lost)),
      door_(std::make_shared<Door>()),
      watches_(std::make_unique<Watches>()) {}

EngineLoop::~EngineLoop() { Stop(); }

Status EngineLoop::Start() {
  CHECK(!thread_.joinable()) << "the engine's thread runs already";
  SetNotReady("the engine is recovering");
  const Status recovered = engine_.Recover([door = door_] { door->Wake(); });
  if (!recovered.ok()) {
    SetNotReady(recovered.message());
    return recovered;
  }
  engine_.SetCommitListener([this](const CommitNews& news) {
    committed_.store(news.committed, std::memory_order_release);
    counters_.Note(news, SystemClock().Now());
    watches_->Changed(news);
  });
  committed_ = engine_.committed();
  watches_->recent.Begin(committed_);
  epoch_ = engine_.epoch();
  {
    const std::lock_guard lock(door_->mutex);
    door_->stop = false;
    door_->closed = false;
    door_->woken = true;  // the log may hold events already
    door_->not_ready.clear();
  }
  thread_ = std::thread([this] { Run(); });
  return Status::Ok();
}

void EngineLoop::Stop() {
  {
    const std::lock_guard lock(door_->mutex);
    door_->stop = true;
    door_->ready.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void EngineLoop::Run() {
  while (Await()) {
    if (!Step()) break;
  }
  Finish();
}

template <typename Ready>
void EngineLoop::Sleep(std::unique_lock<std::mutex>& lock, Ready ready) {
  using Wall = std::chrono::system_clock;
  if (retry_set_) {
    Instant until = retry_at_;
    if (next_due_.has_value() && backoff_ == Millis(0)) {
      const auto left = Wall::time_point(*next_due_) - Wall::now();
      until = std::min(until, std::chrono::steady_clock::now() + left);
    }
    door_->ready.wait_until(lock, until, ready);
  } else if (next_due_.has_value()) {
    // On the wall clock, so that a step of it is noticed.
    door_->ready.wait_until(lock, Wall::time_point(*next_due_), ready);
  } else {
    door_->ready.wait(lock, ready);
  }
}

bool EngineLoop::Await() {
  std::deque<Door::Arrived> arrived;
  std::deque<Door::Read> reads;
  bool retry = false;
  {
    std::unique_lock lock(door_->mutex);
    // After an error there is no point in trying earlier, whatever arrives.
    const auto ready = [this] { return door_->stop || (door_->woken && backoff_ == Millis(0)); };
    if (!more_) Sleep(lock, ready);
    if (door_->stop) return false;
    retry = retry_set_ && std::chrono::steady_clock::now() >= retry_at_;
    door_->woken = false;
    arrived.swap(door_->arrived);
    reads.swap(door_->reads);
  }
  for (const Door::Read& read : reads) read(&engine_.state());
  for (Door::Arrived& request : arrived) Expect(request.offset, std::move(request.done));
  if (retry) {
    retry_set_ = false;
    engine_.RetryRefused();
  }
  return true;
}

bool EngineLoop::Step() {
  if (backoff_ == Millis(0)) engine_.FireTimers(SystemClock().Now());
  const auto begun = std::chrono::steady_clock::now();
  const Result<bool> more = engine_.Step();
  const EngineStats stats = engine_.stats();
  if (stats.commits != counters_.commits.load(std::memory_order_relaxed)) {
    counters_.batch.Observe(std::chrono::steady_clock::now() - begun);
  }
  counters_.Note(stats);
  next_due_ = engine_.NextDue();
  if (!more.has_value() && more.error().code() == Code::kAborted) {
    SetNotReady(more.error().message());
    if (lease_lost_) lease_lost_(more.error());
    return false;
  }
  if (!more.has_value()) {
    Failed(more.error());
    return true;
  }
  if (backoff_ != Millis(0)) {
    backoff_ = Millis(0);
    SetNotReady("");
  }
  more_ = *more;
  if (!engine_.has_refused()) {
    refused_backoff_ = Millis(0);
  } else if (!retry_set_) {
    refused_backoff_ =
        std::clamp(refused_backoff_ * 2, options_.first_backoff, options_.max_backoff);
    retry_set_ = true;
    retry_at_ = std::chrono::steady_clock::now() + refused_backoff_;
  }
  return true;
}

void EngineLoop::Failed(const Status& error) {
  more_ = false;
  backoff_ = std::clamp(backoff_ * 2, options_.first_backoff, options_.max_backoff);
  retry_set_ = true;
  retry_at_ = std::chrono::steady_clock::now() + backoff_;
  SetNotReady(error.message());
}

void EngineLoop::Finish() {
  std::deque<Door::Arrived> arrived;
  std::deque<Door::Read> reads;
  {
    const std::lock_guard lock(door_->mutex);
    door_->closed = true;
    if (door_->not_ready.empty()) door_->not_ready = "the server is stopping";
    arrived.swap(door_->arrived);
    reads.swap(door_->reads);
  }
  engine_.SetCommitListener(nullptr);
  engine_.End();
  std::map<uint64_t, Done> waiting;
  waiting.swap(waiting_);
  for (auto& [id, done] : waiting) done(Error(Stopping()));
  for (Door::Arrived& request : arrived) request.done(Error(Stopping()));
  for (const Door::Read& read : reads) read(Error(Stopping()));
}

void EngineLoop::SetNotReady(std::string reason) {
  const std::lock_guard lock(door_->mutex);
  door_->not_ready = std::move(reason);
}

size_t EngineLoop::waiting_requests() const {
  const std::lock_guard lock(door_->mutex);
  return door_->requests;
}

std::string EngineLoop::NotReadyReason() const {
  const std::lock_guard lock(door_->mutex);
  return door_->not_ready;
}

Status EngineLoop::Admit() {
  const std::lock_guard lock(door_->mutex);
  if (door_->closed || door_->stop) {
    return Status(
        Code::kUnavailable,
        "not ready: " + (door_->not_ready.empty() ? "the server is stopping" : door_->not_ready));
  }
  if (door_->requests >= options_.max_waiting_requests) {
    return Status(Code::kUnavailable,
                  "overloaded: " + std::to_string(door_->requests) +
                      " requests are waiting for the engine; try again in a moment");
  }
  ++door_->requests;
  return Status::Ok();
}

void EngineLoop::Submit(const Request& request, const std::string& request_id, Done done) {
  if (request_id.size() > limits::kMaxEventUuidBytes) {
    done(Error(Code::kInvalidArgument, "request_id has " + std::to_string(request_id.size()) +
                                           " bytes, more than kMaxEventUuidBytes " +
                                           std::to_string(limits::kMaxEventUuidBytes)));
    return;
  }
  if (Status admitted = Admit(); !admitted.ok()) {
    done(Error(std::move(admitted)));
    return;
  }
  Event event = FormatRequest(request);
  if (!request_id.empty()) event.id = RequestEventId(request_id);
  Done answered = [door = door_, done = std::move(done)](Result<ReplyRow> reply) {
    {
      const std::lock_guard lock(door->mutex);
      --door->requests;
    }
    done(std::move(reply));
  };
  log_.AppendAsync(
      std::move(event), AdmissionOf(request),
      [door = door_, answered = std::move(answered)](const Result<AppendResult>& result) {
        if (!result.has_value()) {
          // Its event has an id only when the caller gave one.
          const bool other = result.error().code() == Code::kAlreadyExists;
          answered(Error(other ? Status(Code::kAlreadyExists,
                                        "this request_id (Idempotency-Key) was used for another "
                                        "request; take a new one")
                               : result.error()));
          return;
        }
        {
          const std::lock_guard lock(door->mutex);
          if (!door->closed) {
            door->arrived.push_back({result->offset, answered});
            door->woken = true;
            door->ready.notify_one();
            return;
          }
        }
        answered(Error(Stopping()));
      });
}

void EngineLoop::Read(std::function<void(const Result<const State*>&)> read) {
  {
    const std::lock_guard lock(door_->mutex);
    if (!door_->closed && !door_->stop && door_->reads.size() < options_.max_waiting_reads) {
      door_->reads.push_back(std::move(read));
      door_->woken = true;
      door_->ready.notify_one();
      return;
    }
  }
  read(Error(Code::kUnavailable, "the engine is not ready, or too many ask; try again"));
}

void EngineLoop::WhenCommitted(Offset offset, std::function<void()> done) {
  {
    const std::lock_guard lock(door_->mutex);
    if (!door_->closed) {
      door_->arrived.push_back({offset, [done = std::move(done)](Result<ReplyRow>) { done(); }});
      door_->woken = true;
      door_->ready.notify_one();
      return;
    }
  }
  done();
}

void EngineLoop::Expect(Offset offset, Done done) {
  const uint64_t id = ++next_waiting_;
  waiting_.emplace(id, std::move(done));
  engine_.OnCommitted(offset, [this, id](const ReplyRow& reply) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    const Done waiting = std::move(found->second);
    waiting_.erase(found);
    Answer(reply, waiting);
  });
}

void EngineLoop::Answer(const ReplyRow& reply, const Done& done) const {
  ReplyRow answer = reply;
  if (answer.code == static_cast<int>(Code::kNotFound) && answer.message.empty()) {
    // Decided long ago, perhaps by another server.
    Result<std::optional<ReplyRow>> stored = queries_.GetReply(reply.offset);
    if (!stored.has_value()) {
      done(Error(stored.error()));
      return;
    }
    if (!stored->has_value()) {
      done(Error(Code::kNotFound,
                 "event " + std::to_string(reply.offset) + " has no reply: it was no request"));
      return;
    }
    answer = std::move(**stored);
  }
  if (answer.code != 0) {
    done(Error(static_cast<Code>(answer.code), answer.message));
  } else {
    done(std::move(answer));
  }
}

uint64_t EngineLoop::Watch(ExecutionId execution, std::function<void()> changed) {
  const std::lock_guard lock(watches_->mutex);
  const uint64_t id = watches_->next_id++;
  watches_->entries.emplace(id, Watches::Entry{execution, std::move(changed)});
  watches_->by_execution.emplace(execution, id);
  return id;
}

const RecentChanges& EngineLoop::recent_changes() const { return watches_->recent; }

void EngineLoop::Unwatch(uint64_t id) {
  std::unique_lock lock(watches_->mutex);
  const auto found = watches_->entries.find(id);
  if (found == watches_->entries.end()) return;
  const auto [begin, end] = watches_->by_execution.equal_range(found->second.execution);
  for (auto it = begin; it != end; ++it) {
    if (it->second == id) {
      watches_->by_execution.erase(it);
      break;
    }
  }
  watches_->entries.erase(found);
  if (watches_->thread == std::this_thread::get_id()) return;
  watches_->idle.wait(lock, [&] { return watches_->running != id; });
}

}  // namespace aiflow
