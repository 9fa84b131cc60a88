#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/event.h"
#include "storage/event_log.h"

namespace aiflow {

/// The long polls that wait for events, by the key they wait for, so that an event costs as much as
/// there are polls for its key. Thread-safe. Owns the thread that ends polls at their deadline; it
/// sleeps while there is none.
class WaitTable {
 public:
  using Id = uint64_t;  // 0 = none
  using Callback = std::function<void(Result<std::vector<Event>>)>;
  using Time = std::chrono::steady_clock::time_point;

  struct Limits {
    size_t waits = 0;
    size_t events = 0;  // of one answer
    size_t bytes = 0;
  };

  /// `head` is the last offset that Publish will not bring.
  WaitTable(Limits limits, Offset head);
  ~WaitTable();
  WaitTable(const WaitTable&) = delete;
  WaitTable& operator=(const WaitTable&) = delete;

  struct Registered {
    Id id = 0;
    Offset published = 0;  // later offsets than this one reach the wait by themselves
  };
  /// Registers a poll. It keeps what is published and calls nothing until Activate. kUnavailable
  /// when there are too many, or after Stop.
  Result<Registered> Register(EventFilter filter);
  /// Starts the wait with what the caller found up to `published`. Calls `done` now if there is any
  /// event or an error, else when there is one or at the deadline.
  void Activate(Id id, Result<std::vector<Event>> found, Time deadline, Callback done);
  /// Ends an active wait with kCancelled, if it has not ended.
  void Cancel(Id id);

  /// New events, in the order of their offsets. Calls what they wake before it returns.
  void Publish(const std::vector<Event>& events);
  /// The last offset that was published.
  Offset published() const;
  /// Publishes everything up to `head` to nobody; false, and nothing is done, when somebody waits.
  bool SkipTo(Offset head);

  [[nodiscard]] size_t size() const;

  /// Ends all waits with kUnavailable and the thread. Idempotent.
  void Stop();

 private:
  struct Wait {
    EventFilter filter;
    Callback done;  // empty until activated
    std::vector<Event> events;
    size_t bytes = 0;
    bool full = false;
    std::optional<Time> deadline;
  };
  using Waits = std::unordered_map<Id, Wait>;
  using Answer = std::pair<Callback, Result<std::vector<Event>>>;

  void Offer(const Event& event, const std::string& key, std::vector<Id>& woken);
  Wait Take(Waits::iterator it);
  void RunTimer();
  static void Call(std::vector<Answer> answers);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // the first deadline, or stopping_
  Waits waits_;
  std::unordered_map<std::string, std::unordered_set<Id>> by_key_;  // "" = any key
  std::set<std::pair<Time, Id>> deadlines_;
  Id next_id_ = 1;
  Offset published_;
  bool stopping_ = false;
  std::once_flag stop_once_;
  std::thread timer_;
};

}  // namespace aiflow
