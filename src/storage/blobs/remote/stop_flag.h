#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace aiflow::remote {

/// Set once, when what waits shall give up. Thread-safe.
class StopFlag {
 public:
  void Set() {
    {
      const std::lock_guard lock(mutex_);
      set_ = true;
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool is_set() const { return set_; }
  /// Sleeps. False: it was set meanwhile.
  [[nodiscard]] bool Sleep(Millis duration) const {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, duration, [this] { return set_.load(); });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::atomic<bool> set_ = false;
};

}  // namespace aiflow::remote
