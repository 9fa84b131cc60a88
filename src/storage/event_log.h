#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/event.h"

namespace aiflow {

struct AppendResult {
  Offset offset = 0;
  Millis create_time{0};
  /// The id was there already: nothing was written, offset and time are the stored event's.
  bool duplicate = false;
};

/// Filters of the list and count calls; empty strings match everything.
struct EventFilter {
  std::string key;
  std::string ns;
  std::string sender;
  Offset after = 0;       // exclusive
  Offset until = 0;       // inclusive; 0 = the head
  bool match_ns = false;  // `ns` as a namespace of rules: "default" has events without one, too
  bool include_internal = false;  // EventKind::kInternal
  /// kOutOfRange, with the first offset, when events behind `after` were removed; otherwise the
  /// list begins at the first.
  bool refuse_gap = false;
};

struct SenderCount {
  std::string sender;
  int64_t count = 0;
};

/// A reader with a name and a place that the log keeps for it.
struct Consumer {
  std::string name;
  Offset cursor = 0;  // it is done with everything up to it
  Millis create_time{0};
  Millis commit_time{0};  // when the cursor last moved; 0: never

  friend bool operator==(const Consumer&, const Consumer&) = default;
};

/// What DropBefore has come to.
struct DropProgress {
  Offset first = 0;   // of the oldest event kept
  bool done = false;  // there is nothing more to do for this offset
};

/// How long the idempotency key of an event is known after the event was removed.
inline constexpr Millis kIdempotenceWindow = std::chrono::hours(24 * 7);

/// The durable, ordered event log behind the notification service.
///
/// Offsets are dense, begin at 1, become visible in order and are never reused. `create_time` is
/// max(now, the last event's). Thread-safety: one thread appends; any thread reads, also while
/// another appends. A read sees only events whose Append has synced.
class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Random text made when the log was created; another log is another id.
  virtual std::string log_id() const = 0;
  /// Offset of the last durable event; 0 when empty.
  virtual Offset head() const = 0;
  /// Offset of the oldest event kept; head()+1 when none is.
  virtual Offset first() const = 0;

  /// Appends all or none; durable on return (one sync). Results are per event, in order:
  ///  - a new event: offset and time;
  ///  - its non-empty id is there with equal key, value, context and namespace: duplicate (whoever
  ///    repeats an event, perhaps a later run of the task, need not be its first sender);
  ///  - its id is there with another payload: kAlreadyExists, that event is not stored, others are.
  /// "There" includes events removed by DropBefore, see there.
  /// An outer error (disk full ...) means that nothing of the batch is or will become visible.
  virtual Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events) = 0;

  /// Events with offset > `after`, ascending, at most `max_events` and about `max_bytes` (at least
  /// one event when there is one). kOutOfRange with the first offset when `after` + 1 < first().
  virtual Result<std::vector<Event>> Read(Offset after, size_t max_events,
                                          size_t max_bytes) const = 0;

  /// As Read, with a filter. Begins at first() when `filter.after` is older, unless that refuses
  /// gaps.
  virtual Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                          size_t max_bytes) const = 0;
  /// Total, and the counts of each sender in order of first appearance.
  virtual Result<std::pair<int64_t, std::vector<SenderCount>>> Count(
      const EventFilter& filter) const = 0;
  /// The largest offset with create_time <= `time`; 0 if none.
  virtual Result<Offset> OffsetAt(Millis time) const = 0;
  /// The smallest offset with create_time >= `time`, minus one: where reading from a time begins.
  virtual Result<Offset> OffsetBefore(Millis time) const = 0;

  /// Removes events below `offset`, the oldest first, and never one at or above it, or above the
  /// cursor of a consumer: as many as make whole pieces of the log. Takes a step of some
  /// milliseconds; to be called again until it is done. kInvalidArgument when `offset` is above
  /// head() + 1. Same thread rules as Append.
  ///
  /// A piece is removed durably and as a whole: after a crash the log begins before or behind it.
  /// Offsets and times go on as if nothing were missing, also when nothing is left. The ids of
  /// removed events are known on: for the idempotence window, a repetition is answered as if the
  /// event were there; those of registered clients (`c/{client}/{sequence}`) as long as the client
  /// exists, and a repetition is kAlreadyExists.
  virtual Result<DropProgress> DropBefore(Offset offset) = 0;

  // Registered clients. Ids begin at 1 and are never reused. Same thread rules as Append.
  virtual Result<int64_t> RegisterClient(const std::string& ns, const std::string& sender) = 0;
  /// kNotFound when it was never registered or is deleted.
  virtual Status DeleteClient(int64_t client_id) = 0;
  virtual Result<bool> ClientExists(int64_t client_id) const = 0;

  // Durable consumers, by name. Changes are durable on return; same thread rules as Append.

  /// A new one is done with everything up to `after` (at least with what was removed); one that is
  /// there stays as it is. kInvalidArgument for a name or an offset that cannot be,
  /// kResourceExhausted beyond ConsumerTable::kMaxConsumers.
  virtual Result<Consumer> RegisterConsumer(const std::string& name, Offset after) = 0;
  /// Moves the cursor, never back. kNotFound; kInvalidArgument above head().
  virtual Result<Consumer> CommitConsumer(const std::string& name, Offset cursor) = 0;
  virtual Status DeleteConsumer(const std::string& name) = 0;
  /// In the order of their names.
  virtual std::vector<Consumer> Consumers() const = 0;

  /// Text that tells who may append what the wire may not; empty: nobody has claimed the log.
  virtual std::string owner() const = 0;
  virtual Status SetOwner(const std::string& owner) = 0;
};

}  // namespace aiflow
