#include "storage/memory/memory_log.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "storage/event_filter.h"

namespace aiflow {

MemoryLog::MemoryLog(const Clock& clock, std::string log_id)
    : clock_(clock), log_id_(std::move(log_id)) {}
MemoryLog::~MemoryLog() = default;

std::unique_ptr<MemoryLog> MemoryLog::Copy() const {
  auto copy = std::make_unique<MemoryLog>(clock_, log_id_);
  const std::shared_lock lock(mutex_);
  copy->events_ = events_;
  copy->ids_ = ids_;
  copy->clients_ = clients_;
  return copy;
}

std::string MemoryLog::log_id() const { return log_id_; }

Offset MemoryLog::head() const {
  const std::shared_lock lock(mutex_);
  return static_cast<Offset>(events_.size());
}

Offset MemoryLog::first() const { return 1; }

Result<std::vector<Result<AppendResult>>> MemoryLog::Append(const std::vector<Event>& events) {
  const std::unique_lock lock(mutex_);
  const Millis now =
      std::max(clock_.Now(), events_.empty() ? Millis(0) : events_.back().create_time);
  std::vector<Result<AppendResult>> results;
  results.reserve(events.size());
  for (const Event& event : events) {
    const auto it = event.id.empty() ? ids_.end() : ids_.find(event.id);
    if (it != ids_.end()) {
      const Event& stored = events_[static_cast<size_t>(it->second) - 1];
      if (SamePayload(event, stored)) {
        results.push_back(AppendResult{stored.offset, stored.create_time, true});
      } else {
        results.push_back(Error(OtherPayload(event, stored.offset)));
      }
      continue;
    }
    Event& added = events_.emplace_back(event);
    added.offset = static_cast<Offset>(events_.size());
    added.create_time = now;
    if (!added.id.empty()) ids_.emplace(added.id, added.offset);
    results.push_back(AppendResult{added.offset, now, false});
  }
  return results;
}

Result<std::vector<Event>> MemoryLog::Read(Offset after, size_t max_events,
                                           size_t max_bytes) const {
  if (after + 1 < first()) return Error(BelowFirst(after, first()));
  EventFilter everything;
  everything.after = after;
  everything.include_internal = true;
  return List(everything, max_events, max_bytes);
}

Result<std::vector<Event>> MemoryLog::List(const EventFilter& filter, size_t max_events,
                                           size_t max_bytes) const {
  const std::shared_lock lock(mutex_);
  std::vector<Event> found;
  size_t bytes = 0;
  for (auto i = static_cast<size_t>(std::max<Offset>(filter.after, 0)); i < events_.size(); ++i) {
    if (found.size() >= max_events || (!found.empty() && bytes >= max_bytes)) break;
    if (!Matches(filter, events_[i])) continue;
    bytes += EventBytes(events_[i]);
    found.push_back(events_[i]);
  }
  return found;
}

Result<std::pair<int64_t, std::vector<SenderCount>>> MemoryLog::Count(
    const EventFilter& filter) const {
  const std::shared_lock lock(mutex_);
  SenderCounter counter;
  for (const Event& event : events_) {
    if (Matches(filter, event)) counter.Add(event.sender);
  }
  return std::move(counter).Take();
}

Result<Offset> MemoryLog::OffsetAt(Millis time) const {
  const std::shared_lock lock(mutex_);
  const auto it = std::upper_bound(
      events_.begin(), events_.end(), time,
      [](Millis wanted, const Event& event) { return wanted < event.create_time; });
  return it - events_.begin();
}

Result<Offset> MemoryLog::OffsetBefore(Millis time) const {
  const std::shared_lock lock(mutex_);
  const auto it = std::lower_bound(
      events_.begin(), events_.end(), time,
      [](const Event& event, Millis wanted) { return event.create_time < wanted; });
  return it - events_.begin();
}

Result<int64_t> MemoryLog::RegisterClient(const std::string&, const std::string&) {
  const std::unique_lock lock(mutex_);
  clients_.push_back(true);
  return static_cast<int64_t>(clients_.size()) - 1;
}

Status MemoryLog::DeleteClient(int64_t client_id) {
  const std::unique_lock lock(mutex_);
  if (client_id <= 0 || client_id >= static_cast<int64_t>(clients_.size()) ||
      !clients_[static_cast<size_t>(client_id)]) {
    return UnknownClient(client_id);
  }
  clients_[static_cast<size_t>(client_id)] = false;
  return Status::Ok();
}

Result<bool> MemoryLog::ClientExists(int64_t client_id) const {
  const std::shared_lock lock(mutex_);
  return client_id > 0 && client_id < static_cast<int64_t>(clients_.size()) &&
         clients_[static_cast<size_t>(client_id)];
}

}  // namespace aiflow
