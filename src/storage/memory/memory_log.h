#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/event_log.h"

namespace aiflow {

/// The event log in memory, for tests and the simulator. Thread-safety as in EventLog.
class MemoryLog final : public EventLog {
 public:
  /// `clock` must outlive the log.
  MemoryLog(const Clock& clock, std::string log_id);
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
  Result<int64_t> RegisterClient(const std::string& ns, const std::string& sender) override;
  Status DeleteClient(int64_t client_id) override;
  Result<bool> ClientExists(int64_t client_id) const override;

 private:
  const Clock& clock_;
  const std::string log_id_;
  mutable std::shared_mutex mutex_;
  std::vector<Event> events_;  // the event of offset n at n - 1
  std::map<std::string, Offset> ids_;
  std::vector<bool> clients_{false};  // alive, by id; 0 is nobody
};

}  // namespace aiflow
