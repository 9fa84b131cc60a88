// Private to api/grpc.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "model/event.h"

namespace aiflow::api {

/// The newest events of a remote log, so that the engine need not ask for what has just come by:
/// dense, and bounded in number and size. Thread-safe.
class RemoteLogTail {
 public:
  /// Appends that are answered and events that are waited for may come in any order: what does not
  /// go on from the last one begins anew, and what is older is left out.
  void Push(Event event);

  /// The events after `after`, up to the limits; false when it does not have the first of them.
  bool Read(Offset after, size_t max_events, size_t max_bytes, std::vector<Event>* events) const;

 private:
  mutable std::mutex mutex_;
  // Both guarded by mutex_.
  std::deque<Event> events_;
  size_t bytes_ = 0;
};

}  // namespace aiflow::api
