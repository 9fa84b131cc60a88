#include "storage/event_filter.h"

#include "model/event_keys.h"

namespace aiflow {

bool Matches(const EventFilter& filter, const Event& event) {
  return event.offset > filter.after && (filter.until <= 0 || event.offset <= filter.until) &&
         (filter.include_internal || event.kind != EventKind::kInternal) &&
         (filter.key.empty() || event.key == filter.key) &&
         (filter.ns.empty() ||
          (filter.match_ns ? MatchingNamespace(event.ns) : event.ns) == filter.ns) &&
         (filter.sender.empty() || event.sender == filter.sender);
}

size_t EventBytes(const Event& event) {
  constexpr size_t kFixed = 64;
  return kFixed + event.key.size() + event.value.size() + event.context.size() + event.ns.size() +
         event.sender.size() + event.id.size();
}

bool SamePayload(const Event& event, const Event& stored) {
  return event.key == stored.key && event.value == stored.value &&
         event.context == stored.context && event.ns == stored.ns;
}

Status OtherPayload(const Event& event, Offset stored) {
  return {Code::kAlreadyExists, "event id " + event.id + " is taken by another event (offset " +
                                    std::to_string(stored) +
                                    ", another key, value, context or namespace)"};
}

Status BelowFirst(Offset after, Offset first) {
  return {Code::kOutOfRange, "offset " + std::to_string(after + 1) +
                                 " was removed; the first offset is " + std::to_string(first)};
}

Status UnknownClient(int64_t client_id) {
  return {Code::kNotFound, "client " + std::to_string(client_id) + " is not registered"};
}

Status RemovedSequence(const Event& event) {
  return {Code::kAlreadyExists,
          "event id " + event.id + " was stored before, and its event is no longer kept"};
}

void SenderCounter::Add(const std::string& sender) {
  ++total_;
  const auto [it, added] = places_.emplace(sender, counts_.size());
  if (added) counts_.push_back({sender, 0});
  ++counts_[it->second].count;
}

std::pair<int64_t, std::vector<SenderCount>> SenderCounter::Take() && {
  return {total_, std::move(counts_)};
}

}  // namespace aiflow
