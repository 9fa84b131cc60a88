#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/client_sequences.h"
#include "storage/consumer_table.h"
#include "storage/event_log.h"

namespace aiflow {

/// The event log in memory, for tests and the simulator. Thread-safety as in EventLog.
class MemoryLog final : public EventLog {
 public:
  /// `clock` must outlive the log.
  MemoryLog(const Clock& clock, std::string log_id, Millis idempotence_window = kIdempotenceWindow);
  ~MemoryLog() override;

  /// A log with everything that was acknowledged so far: what a crash now would leave behind. The
  /// two are independent from here on. Thread-safe.
  std::unique_ptr<MemoryLog> Copy() const;

  std::string log_id() const override;
  Offset head() const override;
  Offset first() const override;
  Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events) override;
  Result<std::vector<Event>> Read(Offset after, size_t max_events, size_t max_bytes) const override;
  Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                  size_t max_bytes) const override;
  Result<std::pair<int64_t, std::vector<SenderCount>>> Count(
      const EventFilter& filter) const override;
  Result<Offset> OffsetAt(Millis time) const override;
  Result<Offset> OffsetBefore(Millis time) const override;
  /// A piece is one event.
  Result<DropProgress> DropBefore(Offset offset) override;
  Result<int64_t> RegisterClient(const std::string& ns, const std::string& sender) override;
  Status DeleteClient(int64_t client_id) override;
  Result<bool> ClientExists(int64_t client_id) const override;
  Result<Consumer> RegisterConsumer(const std::string& name, Offset after) override;
  Result<Consumer> CommitConsumer(const std::string& name, Offset cursor) override;
  Status DeleteConsumer(const std::string& name) override;
  std::vector<Consumer> Consumers() const override;
  std::string owner() const override;
  Status SetOwner(const std::string& owner) override;

 private:
  /// An event that was removed and whose id is known on.
  struct Kept {
    Event event;
    Millis removed_at{0};
  };

  /// The event with this id, kept or removed; null when it is new.
  const Event* FindStored(const std::string& id) const;
  Offset HeadLocked() const { return removed_ + static_cast<Offset>(events_.size()); }

  const Clock& clock_;
  const std::string log_id_;
  const Millis idempotence_window_;
  mutable std::shared_mutex mutex_;
  Offset removed_ = 0;         // how many events are gone
  std::vector<Event> events_;  // the event of offset n at n - 1 - removed_
  Millis last_time_{0};
  std::map<std::string, Offset> ids_;
  std::map<std::string, Kept> kept_;  // by id
  ClientSequences sequences_;
  ConsumerTable consumers_;
  std::vector<bool> clients_{false};  // alive, by id; 0 is nobody
};

}  // namespace aiflow
