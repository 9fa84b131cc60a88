#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "eventlog/log_counters.h"
#include "storage/event_log.h"
#include "storage/log_handle.h"

namespace aiflow {

struct LogServiceOptions {
  size_t max_queued_events = 65'536;  // refused beyond, never dropped
  size_t max_queued_bytes = 64 << 20;
  size_t max_batch_events = 4'096;   // one group commit
  size_t max_list_events = 100'000;  // a list that does not wait answers an error beyond
  size_t max_list_bytes = 256 << 20;
  // One answer of a list that waits, or the first event alone. Each subscriber may have one in
  // memory until it has read it, so that this times their number is what slow ones cost.
  size_t max_poll_events = 10'000;
  size_t max_poll_bytes = 256 << 10;
  size_t max_waits = 100'000;  // long polls at a time; refused beyond
  /// Asked for each append, from the appender's thread, with the event's size: an error refuses it.
  /// Must not block. Empty: nothing is refused but for the limits above.
  std::function<Status(Admission, size_t)> admit;
  /// Others append to the log, too; Refresh tells of it.
  bool shared = false;
};

/// The durable consumer that the AIFlow server is of its log. No client may take, move or delete
/// it.
inline constexpr const char* kServerConsumer = "aiflow-server";

/// The notification service without a wire: group commit over one EventLog, long polls, clients.
/// Thread-safe. Owns one writer thread and one timer for the deadlines of polls; idle, it uses
/// none.
class LogService final : public LogHandle {
 public:
  /// `log` must outlive the service.
  LogService(EventLog& log, LogServiceOptions options);
  ~LogService() override;

  std::string log_id() const override;
  Offset head() const override;
  void AppendAsync(Event event, Admission admission, AppendCallback done) override;
  Result<std::vector<Event>> Read(Offset after, size_t max_events, size_t max_bytes) const override;
  void SetHeadListener(std::function<void(Offset)> on_head) override;

  using ListCallback = std::function<void(Result<std::vector<Event>>)>;
  using WaitId = uint64_t;
  /// Queries first; with no match and a positive `timeout` waits for the first matching write or
  /// the end of the time (an empty list). Never misses a write. `done` is called exactly once,
  /// perhaps before this returns. When waiting was asked for, a result may be a prefix of up to
  /// max_poll_*; otherwise more than max_list_* is kResourceExhausted naming the limit and the
  /// offsets to use.
  WaitId List(const EventFilter& filter, Millis timeout, ListCallback done);
  /// Ends a wait: `done` gets kCancelled unless it was called already.
  void Cancel(WaitId id);

  /// EventLog::List: the first of the matching events, without waiting.
  Result<std::vector<Event>> ListSome(const EventFilter& filter, size_t max_events,
                                      size_t max_bytes) const;

  Result<std::pair<int64_t, std::vector<SenderCount>>> Count(const EventFilter& filter) const;
  Result<Offset> OffsetAt(Millis time) const;
  Result<Offset> OffsetBefore(Millis time) const;
  Offset first() const;

  /// EventLog::DropBefore, step by step between the batches of the writer thread, until it is done:
  /// then `done` gets the first offset that is kept. After an error or a stop, which is
  /// kUnavailable, a part may have been removed; calling again goes on. `done` must not block.
  void DropBefore(Offset offset, std::function<void(Result<Offset>)> done);

  void RegisterClient(std::string ns, std::string sender,
                      std::function<void(Result<int64_t>)> done);
  void DeleteClient(int64_t id, std::function<void(Status)> done);
  Result<bool> ClientExists(int64_t id) const;

  [[nodiscard]] const LogCounters& counters() const;
  [[nodiscard]] LogQueue queue() const;
  // Durable consumers, as in EventLog; `done` must not block.
  using ConsumerDone = std::function<void(Result<Consumer>)>;
  /// Nothing for `after`: at the head.
  void RegisterConsumer(std::string name, std::optional<Offset> after, ConsumerDone done);
  void CommitConsumer(std::string name, Offset cursor, ConsumerDone done);
  void DeleteConsumer(std::string name, std::function<void(Status)> done);
  std::vector<Consumer> Consumers() const;

  /// Makes `owner` (a digest of its secret) the owner of a log that has none; true when it has just
  /// become it. kPermissionDenied when there is another one.
  void Claim(std::string owner, std::function<void(Result<bool>)> done);
  std::string owner() const;

  /// Of a shared log: it has events that did not go through this service. Wakes who waits for them.
  void Refresh();

  /// Refuses new appends, finishes the queued ones, ends all waits. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// What the wire may append: checks limits, the key, the idempotency key, and that a scheduling
/// event is one of those the wire may bring (rule 6). Sets `event.kind` and `event.id` (from
/// `uuid`; made when empty; none when `idempotent` is false).
Status AdmitFromWire(std::string_view uuid, bool idempotent, Event* event);

}  // namespace aiflow
