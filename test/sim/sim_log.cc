#include "sim_log.h"

#include <algorithm>
#include <utility>

namespace aiflow::sim {

void SimLog::Append(Event event, LogHandle::AppendCallback done, std::shared_ptr<Pulse> owner) {
  if (chaos_.faults && chaos_.random.PerMille(20)) {
    chaos_.Note("log refuses " + event.value + " " + event.id);
    if (done) done(Error(Code::kUnavailable, "the log's queue is full"));
    return;
  }
  if (chaos_.mutant == Mutant::kLogLosesAcknowledged && chaos_.random.PerMille(20)) {
    if (done) done(AppendResult{.offset = head() + 1, .create_time = chaos_.now});
    return;
  }
  pending_.push_back({std::move(event), std::move(done), std::move(owner)});
}

void SimLog::SetHeadListener(const Pulse* owner, std::function<void(Offset)> on_head) {
  if (on_head) {
    on_head_.insert_or_assign(owner, std::move(on_head));
  } else {
    on_head_.erase(owner);
  }
}

Result<std::vector<Event>> SimLog::Read(Offset after, size_t max_events) const {
  if (after + 1 < first_) {
    return Error(Code::kOutOfRange, "the log begins at " + std::to_string(first_));
  }
  std::vector<Event> events;
  for (auto at = static_cast<size_t>(after); at < events_.size() && events.size() < max_events;
       ++at) {
    events.push_back(events_[at]);
  }
  return events;
}

Offset SimLog::OffsetBefore(Millis time) const {
  const auto later = std::ranges::lower_bound(events_, time, {}, &Event::create_time);
  return static_cast<Offset>(later - events_.begin());
}

Offset SimLog::DropBefore(Offset offset) {
  constexpr Offset kPiece = 8;
  const Offset whole = (offset - 1) / kPiece * kPiece + 1;
  if (whole <= first_) return first_;
  chaos_.Note("log: events from " + std::to_string(first_) + " to " + std::to_string(whole - 1) +
              " are removed");
  first_ = whole;
  return first_;
}

Result<AppendResult> SimLog::Store(const Event& event) {
  if (!event.id.empty() && chaos_.mutant != Mutant::kLogForgetsIds) {
    if (const auto found = by_id_.find(event.id); found != by_id_.end()) {
      const Event& there = events_[static_cast<size_t>(found->second - 1)];
      if (there.key != event.key || there.value != event.value || there.context != event.context ||
          there.ns != event.ns || there.sender != event.sender) {
        return Error(Code::kAlreadyExists, "id " + event.id + " is there with another payload");
      }
      return AppendResult{
          .offset = there.offset, .create_time = there.create_time, .duplicate = true};
    }
  }
  Event stored = event;
  stored.offset = head() + 1;
  stored.create_time =
      std::max(chaos_.now, events_.empty() ? Millis(0) : events_.back().create_time);
  if (!stored.id.empty()) by_id_.emplace(stored.id, stored.offset);
  chaos_.Note("log " + std::to_string(stored.offset) + ": " + stored.key + " " + stored.value +
              " " + stored.context + " " + stored.id);
  events_.push_back(std::move(stored));
  return AppendResult{.offset = events_.back().offset, .create_time = events_.back().create_time};
}

void SimLog::Sync(bool all) {
  auto count = static_cast<int64_t>(pending_.size());
  if (count == 0) return;
  if (!all) count = 1 + chaos_.random.Below(count);
  const bool refused = chaos_.faults && chaos_.random.PerMille(15);
  std::vector<std::pair<Pending, Result<AppendResult>>> done;
  for (int64_t i = 0; i < count; ++i) {
    Pending next = std::move(pending_.front());
    pending_.pop_front();
    Result<AppendResult> result =
        refused ? Error(Code::kInternal, "no space left on the device") : Store(next.event);
    done.emplace_back(std::move(next), std::move(result));
  }
  if (refused) chaos_.Note("log: a sync of " + std::to_string(count) + " events fails");
  for (auto& [pending, result] : done) {
    if (pending.done && !pending.owner->dead) pending.done(result);
  }
  if (refused) return;
  for (const auto& [owner, on_head] : on_head_) {
    if (!owner->dead) on_head(head());
  }
}

void SimLog::Crash() {
  const auto durable = chaos_.random.Below(static_cast<int64_t>(pending_.size()) + 1);
  for (int64_t i = 0; i < durable; ++i) (void)Store(pending_[static_cast<size_t>(i)].event);
  chaos_.Note("log: a crash keeps " + std::to_string(durable) + " of " +
              std::to_string(pending_.size()) + " waiting events");
  pending_.clear();
}

}  // namespace aiflow::sim
