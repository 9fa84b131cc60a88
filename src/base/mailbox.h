#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

namespace aiflow {

/// Whether a sender may use the part of a mailbox that is reserved for internal reports.
enum class Admission { kExternal, kInternal };

/// A bounded queue with many senders and one receiver. Thread-safe. Outside senders are refused at
/// 80% of the capacity, so that internal reports always find room.
template <typename T>
class Mailbox {
 public:
  explicit Mailbox(size_t capacity) : capacity_(capacity) {}

  /// False when the mailbox is full for this sender or closed; `item` is then untouched.
  [[nodiscard]] bool TryPush(T&& item, Admission admission = Admission::kExternal) {
    {
      const std::lock_guard lock(mutex_);
      const size_t limit =
          admission == Admission::kInternal ? capacity_ : capacity_ - capacity_ / 5;
      if (closed_ || items_.size() >= limit) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  /// Waits until there is an item or the mailbox is closed, then takes everything. Empty means
  /// closed.
  std::deque<T> WaitAndTakeAll() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !items_.empty(); });
    return std::exchange(items_, {});
  }

  /// Senders are refused from now on; the receiver still gets what is queued, then empty.
  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace aiflow
