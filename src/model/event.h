#pragma once

#include <string>

#include "base/clock.h"
#include "model/ids.h"

namespace aiflow {

/// What an event is to the engine and who may see it. Stored with the event; numbers are frozen.
enum class EventKind : uint8_t {
  kUser = 0,           // sent by users and their tasks
  kScheduling = 1,     // a start, stop or restart request that came through the notification API
  kTaskStatus = 2,     // report of an attempt; value TASK_STATUS
  kStatusChanged = 3,  // announcement of a task's new status, for listeners and rules elsewhere
  kInternal = 4,       // requests of the API, timers, answers; hidden from old list calls
};

/// One record of the log. A plain value; `offset` and `create_time` are set by the log alone.
struct Event {
  Offset offset = 0;
  Millis create_time{0};
  EventKind kind = EventKind::kUser;
  std::string key;
  std::string value;
  std::string context;  // free text, by convention a JSON object
  std::string ns;       // namespace, as sent
  std::string sender;
  /// Idempotency key within the log (see event_keys.h for its spaces); empty = not idempotent.
  std::string id;

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace aiflow
