#include "api/http/connection_threads.h"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace aiflow::api {
namespace {

/// Long enough that a page and what it loads share threads.
constexpr std::chrono::seconds kIdle{10};

}  // namespace

void ConnectionThreads::Run(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || tasks_.size() < idle_ || threads_ < most_; });
  if (stopping_) {
    lock.unlock();
    task();
    return;
  }
  const bool waiting = tasks_.size() < idle_;
  tasks_.push_back(std::move(task));
  if (!waiting && !AddThread() && threads_ == 0) {
    // The system has no thread to give: this one does it.
    task = std::move(tasks_.back());
    tasks_.pop_back();
    lock.unlock();
    task();
    return;
  }
  changed_.notify_all();
}

bool ConnectionThreads::AddThread() {
  try {
    std::thread([this] { Work(); }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  ++threads_;
  return true;
}

void ConnectionThreads::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool more =
        changed_.wait_for(lock, kIdle, [this] { return stopping_ || !tasks_.empty(); });
    --idle_;
    if (!more || tasks_.empty()) break;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    changed_.notify_all();
  }
  --threads_;
  changed_.notify_all();
}

void ConnectionThreads::Stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_ == 0; });
}

size_t ConnectionThreads::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_;
}

}  // namespace aiflow::api
