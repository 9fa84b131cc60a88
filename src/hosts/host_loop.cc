#include "hosts/host_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"

namespace aiflow::hosts {
namespace {

using std::chrono::steady_clock;

/// As poll takes it, rounded up; -1: for ever.
int PollTimeout(const std::optional<TimePoint>& due) {
  if (!due.has_value()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace

class HostLoop::Impl {
 public:
  Impl(HostPlanner& planner, HostPoolOptions options)
      : planner_(planner), options_(options), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK(wake_ >= 0) << "eventfd: errno " << errno;
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() {
    Stop();
    close(wake_);
  }

  struct Question {
    ConditionQuestion question;
    Done done;
  };
  using Message = std::variant<Question, OutboxId>;  // asked, or withdrawn

  void Post(Message message) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      messages_.push_back(std::move(message));
    }
    Wake();
  }

  HostPoolStats Stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      messages_.clear();
    }
    Wake();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Wake() const {
    const uint64_t one = 1;
    // It can only be full, and then the loop wakes anyway.
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  }

  /// False: the loop is to end.
  bool Take(HostPool& pool) {
    std::vector<Message> messages;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
      messages.swap(messages_);
    }
    const TimePoint now = steady_clock::now();
    for (Message& message : messages) {
      if (auto* asked = std::get_if<Question>(&message)) {
        pool.Ask(std::move(asked->question), std::move(asked->done), now);
      } else {
        pool.Withdraw(std::get<OutboxId>(message));
      }
    }
    return true;
  }

  void Run() {
    HostPool pool(planner_, options_);
    std::vector<pollfd> polled;
    std::optional<TimePoint> due;
    while (true) {
      polled.clear();
      pool.AppendPolled(polled);
      polled.push_back({.fd = wake_, .events = POLLIN, .revents = 0});
      if (poll(polled.data(), polled.size(), PollTimeout(due)) < 0) {
        CHECK(errno == EINTR) << "poll: errno " << errno;
        continue;
      }
      if (polled.back().revents != 0) {
        uint64_t count = 0;
        [[maybe_unused]] const ssize_t size = read(wake_, &count, sizeof(count));
      }
      if (!Take(pool)) return;
      const TimePoint now = steady_clock::now();
      pool.Handle(polled, now);
      {
        const std::lock_guard lock(mutex_);
        stats_ = pool.stats();
      }
      due = pool.NextDue(now);
    }
  }

  HostPlanner& planner_;
  const HostPoolOptions options_;
  const int wake_;
  mutable std::mutex mutex_;
  HostPoolStats stats_;            // guarded by mutex_
  std::vector<Message> messages_;  // guarded by mutex_
  bool stopping_ = false;          // guarded by mutex_
  std::thread thread_;
};

HostLoop::HostLoop(HostPlanner& planner, HostPoolOptions options)
    : impl_(std::make_unique<Impl>(planner, options)) {}
HostLoop::~HostLoop() = default;

void HostLoop::Ask(ConditionQuestion question, Done done) {
  impl_->Post(Impl::Question{std::move(question), std::move(done)});
}
void HostLoop::Withdraw(OutboxId id) { impl_->Post(id); }
HostPoolStats HostLoop::stats() const { return impl_->Stats(); }
void HostLoop::Stop() { impl_->Stop(); }

}  // namespace aiflow::hosts
