#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace aiflow::api {

/// Runs each task on a thread of its own, of at most `most`, made when they are needed and ended
/// when they were idle for a while. Thread-safe.
class ConnectionThreads {
 public:
  explicit ConnectionThreads(size_t most) : most_(most) {}
  ~ConnectionThreads() { Stop(); }
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

  /// Blocks while all threads are busy, so that what comes further waits at its source.
  void Run(std::function<void()> task);
  /// Waits for what runs. Tasks that come later run on the thread that brings them.
  void Stop();

  [[nodiscard]] size_t threads() const;

 private:
  void Work();
  /// False when the system refuses; the tasks then wait for the threads there are.
  bool AddThread();

  const size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace aiflow::api
