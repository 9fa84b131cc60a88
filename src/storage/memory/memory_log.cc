#include "storage/memory/memory_log.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "storage/event_filter.h"

namespace aiflow {

MemoryLog::MemoryLog(const Clock& clock, std::string log_id, Millis idempotence_window)
    : clock_(clock), log_id_(std::move(log_id)), idempotence_window_(idempotence_window) {}
MemoryLog::~MemoryLog() = default;

std::unique_ptr<MemoryLog> MemoryLog::Copy() const {
  auto copy = std::make_unique<MemoryLog>(clock_, log_id_, idempotence_window_);
  const std::shared_lock lock(mutex_);
  copy->removed_ = removed_;
  copy->events_ = events_;
  copy->last_time_ = last_time_;
  copy->ids_ = ids_;
  copy->kept_ = kept_;
  copy->sequences_ = sequences_;
  copy->clients_ = clients_;
  copy->consumers_ = consumers_;
  return copy;
}

std::string MemoryLog::log_id() const { return log_id_; }

Offset MemoryLog::head() const {
  const std::shared_lock lock(mutex_);
  return HeadLocked();
}

Offset MemoryLog::first() const {
  const std::shared_lock lock(mutex_);
  return removed_ + 1;
}

Result<std::vector<Result<AppendResult>>> MemoryLog::Append(const std::vector<Event>& events) {
  const std::unique_lock lock(mutex_);
  const Millis now = std::max(clock_.Now(), last_time_);
  std::vector<Result<AppendResult>> results;
  results.reserve(events.size());
  for (const Event& event : events) {
    if (const Event* stored = FindStored(event.id)) {
      if (SamePayload(event, *stored)) {
        results.push_back(AppendResult{stored->offset, stored->create_time, true});
      } else {
        results.push_back(Error(OtherPayload(event, stored->offset)));
      }
      continue;
    }
    const auto client = ParseClientKey(event.id);
    if (client && sequences_.Contains(*client)) {
      results.push_back(Error(RemovedSequence(event)));
      continue;
    }
    Event& added = events_.emplace_back(event);
    added.offset = HeadLocked();
    added.create_time = now;
    last_time_ = now;
    if (!added.id.empty()) ids_.emplace(added.id, added.offset);
    results.push_back(AppendResult{added.offset, now, false});
  }
  return results;
}

const Event* MemoryLog::FindStored(const std::string& id) const {
  if (id.empty()) return nullptr;
  if (const auto it = ids_.find(id); it != ids_.end()) {
    return &events_[static_cast<size_t>(it->second - removed_) - 1];
  }
  const auto kept = kept_.find(id);
  return kept == kept_.end() ? nullptr : &kept->second.event;
}

Result<DropProgress> MemoryLog::DropBefore(Offset offset) {
  const std::unique_lock lock(mutex_);
  if (offset > HeadLocked() + 1) {
    return Error(Code::kInvalidArgument, "cannot remove the events before " +
                                             std::to_string(offset) + ": the last one is " +
                                             std::to_string(HeadLocked()));
  }
  offset = consumers_.Bound(offset);
  const Millis now = std::max(clock_.Now(), last_time_);
  std::erase_if(kept_, [&](const auto& entry) {
    return entry.second.removed_at + idempotence_window_ <= now;
  });
  const auto count = static_cast<size_t>(std::max<Offset>(offset - 1 - removed_, 0));
  for (size_t i = 0; i < count; ++i) {
    Event& event = events_[i];
    if (event.id.empty()) continue;
    ids_.erase(event.id);
    const auto client = ParseClientKey(event.id);
    if (client && client->client < static_cast<int64_t>(clients_.size()) &&
        clients_[static_cast<size_t>(client->client)]) {
      sequences_.Add(*client);
    } else {
      kept_.emplace(event.id, Kept{event, now});
    }
  }
  events_.erase(events_.begin(), events_.begin() + static_cast<int64_t>(count));
  removed_ += static_cast<Offset>(count);
  return DropProgress{removed_ + 1, true};
}

Result<std::vector<Event>> MemoryLog::Read(Offset after, size_t max_events,
                                           size_t max_bytes) const {
  EventFilter everything;
  everything.after = after;
  everything.include_internal = true;
  everything.refuse_gap = true;
  return List(everything, max_events, max_bytes);
}

Result<std::vector<Event>> MemoryLog::List(const EventFilter& filter, size_t max_events,
                                           size_t max_bytes) const {
  const std::shared_lock lock(mutex_);
  std::vector<Event> found;
  if (filter.refuse_gap && filter.after < removed_) {
    return Error(BelowFirst(filter.after, removed_ + 1));
  }
  size_t bytes = 0;
  for (auto i = static_cast<size_t>(std::max<Offset>(filter.after - removed_, 0));
       i < events_.size(); ++i) {
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
  return it == events_.begin() ? 0 : removed_ + (it - events_.begin());
}

Result<Offset> MemoryLog::OffsetBefore(Millis time) const {
  const std::shared_lock lock(mutex_);
  const auto it = std::lower_bound(
      events_.begin(), events_.end(), time,
      [](const Event& event, Millis wanted) { return event.create_time < wanted; });
  return removed_ + (it - events_.begin());
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
  sequences_.Forget(client_id);
  return Status::Ok();
}

Result<bool> MemoryLog::ClientExists(int64_t client_id) const {
  const std::shared_lock lock(mutex_);
  return client_id > 0 && client_id < static_cast<int64_t>(clients_.size()) &&
         clients_[static_cast<size_t>(client_id)];
}

Result<Consumer> MemoryLog::RegisterConsumer(const std::string& name, Offset after) {
  const std::unique_lock lock(mutex_);
  return consumers_.Register(name, after, removed_ + 1, HeadLocked(), clock_.Now());
}

Result<Consumer> MemoryLog::CommitConsumer(const std::string& name, Offset cursor) {
  const std::unique_lock lock(mutex_);
  return consumers_.Commit(name, cursor, HeadLocked(), clock_.Now());
}

Status MemoryLog::DeleteConsumer(const std::string& name) {
  const std::unique_lock lock(mutex_);
  return consumers_.Delete(name);
}

std::vector<Consumer> MemoryLog::Consumers() const {
  const std::shared_lock lock(mutex_);
  return consumers_.List();
}

std::string MemoryLog::owner() const {
  const std::shared_lock lock(mutex_);
  return consumers_.owner();
}

Status MemoryLog::SetOwner(const std::string& owner) {
  const std::unique_lock lock(mutex_);
  return consumers_.SetOwner(owner);
}

}  // namespace aiflow
