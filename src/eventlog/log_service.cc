#include "eventlog/log_service.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "eventlog/wait_table.h"
#include "storage/event_filter.h"

namespace aiflow {
namespace {

constexpr Millis kLongestPoll = std::chrono::hours(24 * 365);
constexpr size_t kEventsPerRefresh = 4'096;
constexpr size_t kBytesPerRefresh = 16 << 20;

Status Stopping() { return {Code::kUnavailable, "the event log is shutting down"}; }

}  // namespace

class LogService::Impl {
 public:
  Impl(EventLog& log, LogServiceOptions options)
      : log_(log),
        options_(std::move(options)),
        waits_({options_.max_waits, options_.max_poll_events, options_.max_poll_bytes}, log.head()),
        writer_([this] { RunWriter(); }) {}
  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void AppendAsync(Event event, Admission admission, AppendCallback done);
  /// Runs `command` on the writer thread. False when stopping or the queue is full.
  Status Command(std::function<void()> command, Admission admission = Admission::kExternal);
  void SetHeadListener(std::function<void(Offset)> on_head);
  WaitId List(const EventFilter& filter, Millis timeout, ListCallback done);
  Result<std::vector<Event>> ListNow(const EventFilter& filter) const;
  void DropBefore(Offset offset, std::function<void(Result<Offset>)> done, Admission admission);
  void Cancel(WaitId id) { waits_.Cancel(id); }
  void Refresh();
  void Stop();

  EventLog& log() { return log_; }
  const LogCounters& counters() const { return counters_; }
  LogQueue Queue() const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Item {
    Event event;
    AppendCallback done;
    Instant accepted;
  };
  struct Waiting {
    AppendCallback done;
    Instant accepted;
  };

  Status Admit(size_t bytes, Admission admission) const;
  void RunWriter();
  void WriteBatch(std::vector<Event> events, const std::vector<Waiting>& waiting);
  void Count(const std::vector<Waiting>& waiting, size_t added, Instant begun);
  void TellHeadListener();
  /// Shows what is in the log by now to those who wait. Writer thread only.
  void PublishRest();

  EventLog& log_;
  const LogServiceOptions options_;
  WaitTable waits_;

  LogCounters counters_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Item> queue_;
  std::deque<std::function<void()>> commands_;
  size_t queued_bytes_ = 0;
  bool refresh_ = false;
  bool stopping_ = false;

  std::mutex listener_mutex_;  // held while the listener runs
  std::function<void(Offset)> on_head_;

  std::once_flag stop_once_;
  std::thread writer_;
};

Status LogService::Impl::Admit(size_t bytes, Admission admission) const {
  const auto share = [admission](size_t limit) {
    return admission == Admission::kInternal ? limit : limit - limit / 5;
  };
  if (stopping_) return Stopping();
  const size_t queued = queue_.size() + commands_.size();
  if (queued < share(options_.max_queued_events) &&
      queued_bytes_ + bytes <= share(options_.max_queued_bytes)) {
    return Status::Ok();
  }
  return {Code::kUnavailable, "the event log is overloaded (" + std::to_string(queued) +
                                  " events, " + std::to_string(queued_bytes_) +
                                  " bytes wait to be written); try again in a moment"};
}

void LogService::Impl::AppendAsync(Event event, Admission admission, AppendCallback done) {
  const size_t bytes = EventBytes(event);
  Status status = options_.admit ? options_.admit(admission, bytes) : Status::Ok();
  bool wake = false;
  if (status.ok()) {
    const Instant now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    status = Admit(bytes, admission);
    if (status.ok()) {
      wake = queue_.empty() && commands_.empty();
      queue_.push_back({std::move(event), std::move(done), now});
      queued_bytes_ += bytes;
    }
  }
  if (!status.ok()) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return done(Error(std::move(status)));
  }
  if (wake) work_.notify_one();
}

Status LogService::Impl::Command(std::function<void()> command, Admission admission) {
  {
    const std::lock_guard lock(mutex_);
    AIFLOW_RETURN_IF_ERROR(Admit(0, admission));
    commands_.push_back(std::move(command));
  }
  work_.notify_one();
  return Status::Ok();
}

void LogService::Impl::RunWriter() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock,
               [this] { return stopping_ || refresh_ || !queue_.empty() || !commands_.empty(); });
    const bool refresh = std::exchange(refresh_, false);
    if (queue_.empty() && commands_.empty() && !refresh) return;
    const auto commands = std::exchange(commands_, {});
    std::vector<Event> events;
    std::vector<Waiting> waiting;
    const size_t count = std::min(queue_.size(), options_.max_batch_events);
    events.reserve(count);
    waiting.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      queued_bytes_ -= EventBytes(queue_.front().event);
      events.push_back(std::move(queue_.front().event));
      waiting.push_back({std::move(queue_.front().done), queue_.front().accepted});
      queue_.pop_front();
    }
    lock.unlock();
    for (const auto& command : commands) command();
    if (!events.empty()) WriteBatch(std::move(events), waiting);
    if (refresh) PublishRest();
    lock.lock();
  }
}

void LogService::Impl::Count(const std::vector<Waiting>& waiting, size_t added, Instant begun) {
  const Instant now = std::chrono::steady_clock::now();
  const auto relaxed = std::memory_order_relaxed;
  counters_.appended.fetch_add(static_cast<int64_t>(added), relaxed);
  if (added == 0) return;
  counters_.batches.fetch_add(1, relaxed);
  counters_.write.Observe(now - begun);
  for (const Waiting& one : waiting) counters_.append.Observe(now - one.accepted);
}

LogQueue LogService::Impl::Queue() const {
  LogQueue queue;
  queue.polls = waits_.size();
  const std::lock_guard lock(mutex_);
  queue.events = queue_.size() + commands_.size();
  queue.bytes = queued_bytes_;
  return queue;
}

void LogService::Impl::WriteBatch(std::vector<Event> events, const std::vector<Waiting>& waiting) {
  const Instant begun = std::chrono::steady_clock::now();
  auto results = log_.Append(events);
  if (!results) {
    counters_.batches.fetch_add(1, std::memory_order_relaxed);
    counters_.failed_batches.fetch_add(1, std::memory_order_relaxed);
    for (const Waiting& one : waiting) one.done(Error(results.error()));
    return;
  }
  CHECK(results->size() == events.size()) << results->size() << " results";
  size_t added = 0;
  int64_t duplicates = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const Result<AppendResult>& result = (*results)[i];
    if (result && result->duplicate) ++duplicates;
    if (!result || result->duplicate) continue;
    events[i].offset = result->offset;
    events[i].create_time = result->create_time;
    if (added != i) events[added] = std::move(events[i]);
    ++added;
  }
  events.resize(added);
  counters_.duplicates.fetch_add(duplicates, std::memory_order_relaxed);
  Count(waiting, added, begun);
  for (size_t i = 0; i < waiting.size(); ++i) waiting[i].done(std::move((*results)[i]));
  if (added == 0) return;
  if (options_.shared) return PublishRest();
  TellHeadListener();
  waits_.Publish(events);
}

void LogService::Impl::PublishRest() {
  TellHeadListener();
  for (;;) {
    const Offset head = log_.head();
    const Offset published = waits_.published();
    // Nearly always nobody waits, and the events need not be read.
    if (published >= head || waits_.SkipTo(head)) return;
    const auto events = log_.Read(published, kEventsPerRefresh, kBytesPerRefresh);
    // Who waits is answered at the end of its time, or by the refresh after this one.
    if (!events || events->empty()) return;
    waits_.Publish(*events);
  }
}

void LogService::Impl::Refresh() {
  CHECK(options_.shared) << "a log of its own has no other writers";
  const std::lock_guard lock(mutex_);
  refresh_ = true;
  work_.notify_one();
}

void LogService::Impl::TellHeadListener() {
  const std::lock_guard lock(listener_mutex_);
  if (on_head_) on_head_(log_.head());
}

void LogService::Impl::SetHeadListener(std::function<void(Offset)> on_head) {
  const std::lock_guard lock(listener_mutex_);
  on_head_ = std::move(on_head);
}

LogService::WaitId LogService::Impl::List(const EventFilter& filter, Millis timeout,
                                          ListCallback done) {
  if (timeout <= Millis(0)) {
    done(ListNow(filter));
    return 0;
  }
  const auto deadline = std::chrono::steady_clock::now() + std::min(timeout, kLongestPoll);
  // (after, until] of the filter, cut to what both ends allow.
  const auto list = [&](Offset after, Offset until) -> Result<std::vector<Event>> {
    EventFilter part = filter;
    part.after = std::max(filter.after, after);
    part.until = filter.until > 0 ? std::min(filter.until, until) : until;
    if (part.until <= part.after) return std::vector<Event>();
    return log_.List(part, options_.max_poll_events, options_.max_poll_bytes);
  };
  const Offset seen = log_.head();
  auto found = list(0, seen);
  if (!found || !found->empty()) {
    done(std::move(found));
    return 0;
  }
  const auto wait = waits_.Register(filter);
  if (!wait) {
    done(Error(wait.error()));
    return 0;
  }
  // What was written between the query and the registration.
  waits_.Activate(wait->id, list(seen, wait->published), deadline, std::move(done));
  return wait->id;
}

Result<std::vector<Event>> LogService::Impl::ListNow(const EventFilter& filter) const {
  auto found = log_.List(filter, options_.max_list_events, options_.max_list_bytes);
  if (!found || found->empty()) return found;
  size_t bytes = 0;
  for (const Event& event : *found) bytes += EventBytes(event);
  if (found->size() < options_.max_list_events && bytes < options_.max_list_bytes) return found;
  EventFilter rest = filter;
  rest.after = found->back().offset;
  if (filter.until > 0 && rest.after >= filter.until) return found;
  const auto more = log_.List(rest, 1, 1);
  if (!more || more->empty()) return more ? std::move(found) : more;
  return Error(Code::kResourceExhausted,
               "the list is longer than one answer may be (max_list_events " +
                   std::to_string(options_.max_list_events) + ", max_list_bytes " +
                   std::to_string(options_.max_list_bytes) + "); list with end_offset " +
                   std::to_string(found->back().offset) + ", then from start_offset " +
                   std::to_string(found->back().offset));
}

void LogService::Impl::DropBefore(Offset offset, std::function<void(Result<Offset>)> done,
                                  Admission admission) {
  Status status = Command(
      [this, offset, done] {
        const Result<DropProgress> progress = log_.DropBefore(offset);
        if (!progress) return done(Error(progress.error()));
        if (progress->done) return done(progress->first);
        DropBefore(offset, done, Admission::kInternal);
      },
      admission);
  if (!status.ok()) done(Error(std::move(status)));
}

void LogService::Impl::Stop() {
  std::call_once(stop_once_, [this] {
    CHECK(std::this_thread::get_id() != writer_.get_id()) << "stopped by its own callback";
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_one();
    writer_.join();
    waits_.Stop();
  });
}

LogService::LogService(EventLog& log, LogServiceOptions options)
    : impl_(std::make_unique<Impl>(log, std::move(options))) {}
LogService::~LogService() = default;

std::string LogService::log_id() const { return impl_->log().log_id(); }
Offset LogService::head() const { return impl_->log().head(); }

void LogService::AppendAsync(Event event, Admission admission, AppendCallback done) {
  impl_->AppendAsync(std::move(event), admission, std::move(done));
}

Result<std::vector<Event>> LogService::Read(Offset after, size_t max_events,
                                            size_t max_bytes) const {
  return impl_->log().Read(after, max_events, max_bytes);
}

void LogService::SetHeadListener(std::function<void(Offset)> on_head) {
  impl_->SetHeadListener(std::move(on_head));
}

LogService::WaitId LogService::List(const EventFilter& filter, Millis timeout, ListCallback done) {
  return impl_->List(filter, timeout, std::move(done));
}

void LogService::Cancel(WaitId id) { impl_->Cancel(id); }

Result<std::pair<int64_t, std::vector<SenderCount>>> LogService::Count(
    const EventFilter& filter) const {
  return impl_->log().Count(filter);
}
Result<std::vector<Event>> LogService::ListSome(const EventFilter& filter, size_t max_events,
                                                size_t max_bytes) const {
  return impl_->log().List(filter, max_events, max_bytes);
}
Result<Offset> LogService::OffsetAt(Millis time) const { return impl_->log().OffsetAt(time); }
Result<Offset> LogService::OffsetBefore(Millis time) const {
  return impl_->log().OffsetBefore(time);
}

Offset LogService::first() const { return impl_->log().first(); }

void LogService::DropBefore(Offset offset, std::function<void(Result<Offset>)> done) {
  impl_->DropBefore(offset, std::move(done), Admission::kExternal);
}

void LogService::RegisterClient(std::string ns, std::string sender,
                                std::function<void(Result<int64_t>)> done) {
  Status status = impl_->Command([this, ns = std::move(ns), sender = std::move(sender), done] {
    done(impl_->log().RegisterClient(ns, sender));
  });
  if (!status.ok()) done(Error(std::move(status)));
}

void LogService::DeleteClient(int64_t id, std::function<void(Status)> done) {
  Status status = impl_->Command([this, id, done] { done(impl_->log().DeleteClient(id)); });
  if (!status.ok()) done(std::move(status));
}

void LogService::RegisterConsumer(std::string name, std::optional<Offset> after,
                                  ConsumerDone done) {
  Status status = impl_->Command([this, name = std::move(name), after, done] {
    EventLog& log = impl_->log();
    done(log.RegisterConsumer(name, after.value_or(log.head())));
  });
  if (!status.ok()) done(Error(std::move(status)));
}

void LogService::CommitConsumer(std::string name, Offset cursor, ConsumerDone done) {
  Status status = impl_->Command([this, name = std::move(name), cursor, done] {
    done(impl_->log().CommitConsumer(name, cursor));
  });
  if (!status.ok()) done(Error(std::move(status)));
}

void LogService::DeleteConsumer(std::string name, std::function<void(Status)> done) {
  Status status = impl_->Command(
      [this, name = std::move(name), done] { done(impl_->log().DeleteConsumer(name)); });
  if (!status.ok()) done(std::move(status));
}

std::vector<Consumer> LogService::Consumers() const { return impl_->log().Consumers(); }

void LogService::Claim(std::string owner, std::function<void(Result<bool>)> done) {
  Status status = impl_->Command([this, owner = std::move(owner), done] {
    EventLog& log = impl_->log();
    const std::string before = log.owner();
    if (before == owner) return done(false);
    if (!before.empty()) {
      return done(Error(Code::kPermissionDenied,
                        "event log " + log.log_id() +
                            " belongs to another AIFlow server, or to metadata that was reset: "
                            "give each server a notification server of its own, or begin a new "
                            "log with 'notification db reset'"));
    }
    if (Status claimed = log.SetOwner(owner); !claimed.ok()) return done(Error(claimed));
    done(true);
  });
  if (!status.ok()) done(Error(std::move(status)));
}

std::string LogService::owner() const { return impl_->log().owner(); }
void LogService::Refresh() { impl_->Refresh(); }

Result<bool> LogService::ClientExists(int64_t id) const { return impl_->log().ClientExists(id); }

const LogCounters& LogService::counters() const { return impl_->counters(); }
LogQueue LogService::queue() const { return impl_->Queue(); }

void LogService::Stop() { impl_->Stop(); }

}  // namespace aiflow
