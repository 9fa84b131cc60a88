#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "eventlog/log_service.h"
#include "storage/memory/memory_log.h"

namespace aiflow {

/// A log whose appends can be held up and made to fail, to see what its service does meanwhile.
class GatedLog final : public EventLog {
 public:
  explicit GatedLog(EventLog& log) : log_(log) {}

  void Close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void Open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void Fail(Status status) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(status);
  }
  /// Waits until an append stands before the closed gate.
  void AwaitBlocked() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return blocked_; });
  }
  std::vector<size_t> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  int lists() const { return lists_; }

  Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events) override {
    std::unique_lock lock(mutex_);
    blocked_ = !open_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    blocked_ = false;
    batches_.push_back(events.size());
    if (!failure_.ok()) return Error(failure_);
    lock.unlock();
    return log_.Append(events);
  }

  std::string log_id() const override { return log_.log_id(); }
  Offset head() const override { return log_.head(); }
  Offset first() const override { return log_.first(); }
  Result<std::vector<Event>> Read(Offset after, size_t max_events,
                                  size_t max_bytes) const override {
    return log_.Read(after, max_events, max_bytes);
  }
  Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                  size_t max_bytes) const override {
    ++lists_;
    return log_.List(filter, max_events, max_bytes);
  }
  Result<std::pair<int64_t, std::vector<SenderCount>>> Count(
      const EventFilter& filter) const override {
    return log_.Count(filter);
  }
  /// Removing events takes as many steps; `on_step` is called in each.
  void SetDropSteps(int steps, std::function<void()> on_step) {
    drop_steps_ = steps;
    on_drop_step_ = std::move(on_step);
  }
  Result<DropProgress> DropBefore(Offset offset) override {
    if (drop_steps_ > 0) {
      --drop_steps_;
      on_drop_step_();
      return DropProgress{log_.first(), false};
    }
    return log_.DropBefore(offset);
  }
  Result<Offset> OffsetAt(Millis time) const override { return log_.OffsetAt(time); }
  Result<Offset> OffsetBefore(Millis time) const override { return log_.OffsetBefore(time); }
  Result<int64_t> RegisterClient(const std::string& ns, const std::string& sender) override {
    return log_.RegisterClient(ns, sender);
  }
  Status DeleteClient(int64_t client_id) override { return log_.DeleteClient(client_id); }
  Result<bool> ClientExists(int64_t client_id) const override {
    return log_.ClientExists(client_id);
  }
  Result<Consumer> RegisterConsumer(const std::string& name, Offset after) override {
    return log_.RegisterConsumer(name, after);
  }
  Result<Consumer> CommitConsumer(const std::string& name, Offset cursor) override {
    return log_.CommitConsumer(name, cursor);
  }
  Status DeleteConsumer(const std::string& name) override { return log_.DeleteConsumer(name); }
  std::vector<Consumer> Consumers() const override { return log_.Consumers(); }
  std::string owner() const override { return log_.owner(); }
  Status SetOwner(const std::string& owner) override { return log_.SetOwner(owner); }

 private:
  EventLog& log_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  bool blocked_ = false;
  Status failure_;
  std::vector<size_t> batches_;
  mutable std::atomic<int> lists_{0};
  int drop_steps_ = 0;
  std::function<void()> on_drop_step_;
};

inline Event MakeEvent(const std::string& key, const std::string& value = "v",
                       const std::string& id = "") {
  Event event;
  event.key = key;
  event.value = value;
  event.id = id;
  return event;
}

/// A service over a gated log in memory.
class LogServiceWorld {
 public:
  explicit LogServiceWorld(LogServiceOptions options = {})
      : service_(std::make_unique<LogService>(gate_, options)) {}

  GatedLog& gate() { return gate_; }
  LogService& service() { return *service_; }

  std::future<Result<AppendResult>> Append(Event event,
                                           Admission admission = Admission::kExternal) {
    auto promise = std::make_shared<std::promise<Result<AppendResult>>>();
    service_->AppendAsync(std::move(event), admission, [promise](Result<AppendResult> result) {
      promise->set_value(std::move(result));
    });
    return promise->get_future();
  }
  std::future<Result<Offset>> Drop(Offset offset) {
    auto promise = std::make_shared<std::promise<Result<Offset>>>();
    service_->DropBefore(offset, [promise](Result<Offset> first) { promise->set_value(first); });
    return promise->get_future();
  }
  using Found = std::future<Result<std::vector<Event>>>;
  Found List(EventFilter filter, Millis timeout = Millis(0), LogService::WaitId* id = nullptr) {
    auto promise = std::make_shared<std::promise<Result<std::vector<Event>>>>();
    const LogService::WaitId wait = service_->List(
        filter, timeout,
        [promise](Result<std::vector<Event>> found) { promise->set_value(std::move(found)); });
    if (id != nullptr) *id = wait;
    return promise->get_future();
  }

 private:
  MemoryLog memory_{SystemClock(), "log"};
  GatedLog gate_{memory_};
  std::unique_ptr<LogService> service_;
};

}  // namespace aiflow
