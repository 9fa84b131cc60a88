#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/event.h"
#include "storage/event_log.h"

/// What every event log answers in the same way.
namespace aiflow {

/// Whether the filter lets the event pass, offsets included.
bool Matches(const EventFilter& filter, const Event& event);

/// The size of an event in the limits of reads: its texts and a fixed part.
size_t EventBytes(const Event& event);

/// Whether an append of `event` repeats `stored`: key, value, context and namespace are equal.
bool SamePayload(const Event& event, const Event& stored);

Status OtherPayload(const Event& event, Offset stored);
Status BelowFirst(Offset after, Offset first);
Status UnknownClient(int64_t client_id);
/// A repetition of an event that was removed, of which no more than its number is known.
Status RemovedSequence(const Event& event);

/// Counts events, in all and per sender, in order of first appearance.
class SenderCounter {
 public:
  void Add(const std::string& sender);
  std::pair<int64_t, std::vector<SenderCount>> Take() &&;

 private:
  int64_t total_ = 0;
  std::vector<SenderCount> counts_;
  std::unordered_map<std::string, size_t> places_;
};

}  // namespace aiflow
