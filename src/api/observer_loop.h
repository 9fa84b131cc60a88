#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace aiflow::api {

/// One thread for the work that follows a change: building views, reading what a log file grew by.
/// Nothing polls: it sleeps until something is posted or a watched file changes. Thread-safe.
class ObserverLoop {
 public:
  ObserverLoop();
  ~ObserverLoop();

  /// Runs `work` on the loop's thread, in order; dropped once stopped. The callers bound what they
  /// post: each observer has at most one piece of work waiting.
  void Post(std::function<void()> work);

  /// Calls `changed` on the loop's thread when the file is written to. 0 when it cannot be watched
  /// (no such file, or the system's limit of watches is reached).
  uint64_t WatchFile(const std::string& path, std::function<void()> changed);
  void UnwatchFile(uint64_t id);

  /// Ends the thread; posted work that has not begun is dropped. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::api
