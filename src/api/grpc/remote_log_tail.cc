#include "api/grpc/remote_log_tail.h"

#include <utility>

#include "storage/event_filter.h"

namespace aiflow::api {
namespace {

constexpr size_t kMaxEvents = 8'192;
constexpr size_t kMaxBytes = 16 << 20;

}  // namespace

void RemoteLogTail::Push(Event event) {
  const std::lock_guard lock(mutex_);
  if (!events_.empty() && event.offset <= events_.back().offset) return;
  if (!events_.empty() && event.offset != events_.back().offset + 1) {
    events_.clear();
    bytes_ = 0;
  }
  bytes_ += EventBytes(event);
  events_.push_back(std::move(event));
  while (events_.size() > kMaxEvents || bytes_ > kMaxBytes) {
    bytes_ -= EventBytes(events_.front());
    events_.pop_front();
  }
}

bool RemoteLogTail::Read(Offset after, size_t max_events, size_t max_bytes,
                         std::vector<Event>* events) const {
  const std::lock_guard lock(mutex_);
  if (events_.empty() || after + 1 < events_.front().offset || after >= events_.back().offset) {
    return false;
  }
  size_t bytes = 0;
  for (auto i = static_cast<size_t>(after + 1 - events_.front().offset); i < events_.size(); ++i) {
    if (events->size() >= max_events || bytes >= max_bytes) break;
    bytes += EventBytes(events_[i]);
    events->push_back(events_[i]);
  }
  return true;
}

}  // namespace aiflow::api
