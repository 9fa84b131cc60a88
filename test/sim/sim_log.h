#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chaos.h"
#include "storage/log_handle.h"

namespace aiflow::sim {

/// The event log of a simulated world. Appends wait until Sync makes some of them durable; a crash
/// of its process loses the others. Single-threaded.
class SimLog {
 public:
  explicit SimLog(Chaos& chaos) : chaos_(chaos) {}

  /// `owner` dead: `done` is not called.
  void Append(Event event, LogHandle::AppendCallback done, std::shared_ptr<Pulse> owner);
  /// kOutOfRange when the event behind `after` was removed.
  [[nodiscard]] Result<std::vector<Event>> Read(Offset after, size_t max_events) const;
  [[nodiscard]] Offset head() const { return static_cast<Offset>(events_.size()); }
  [[nodiscard]] Offset first() const { return first_; }
  /// As EventLog::OffsetBefore.
  [[nodiscard]] Offset OffsetBefore(Millis time) const;
  /// Removes events below `offset`, in whole pieces; their ids are known on. The first one kept.
  Offset DropBefore(Offset offset);
  /// One listener per owner; null removes it.
  void SetHeadListener(const Pulse* owner, std::function<void(Offset)> on_head);

  /// A group commit of some or all waiting appends; sometimes the disk refuses it.
  void Sync(bool all);
  /// The process dies: of what waits, a part may be durable already, nobody hears of it.
  void Crash();

  [[nodiscard]] bool idle() const { return pending_.empty(); }
  /// All that ever were, also those removed.
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }

 private:
  struct Pending {
    Event event;
    LogHandle::AppendCallback done;
    std::shared_ptr<Pulse> owner;
  };
  Result<AppendResult> Store(const Event& event);

  Chaos& chaos_;
  std::vector<Event> events_;
  Offset first_ = 1;  // of those kept
  std::map<std::string, Offset> by_id_;
  std::deque<Pending> pending_;
  std::map<const Pulse*, std::function<void(Offset)>> on_head_;
};

}  // namespace aiflow::sim
