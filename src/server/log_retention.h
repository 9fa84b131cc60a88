#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "eventlog/log_service.h"

namespace aiflow::server {

/// Removes old events of a log that stands alone, from time to time; the log itself keeps what a
/// consumer still needs. Owns a thread.
class LogRetention {
 public:
  /// All must outlive it. `report` gets the first offset that is kept whenever it has moved, and
  /// errors, from the thread.
  LogRetention(LogService& log, const Clock& clock, Millis keep, Millis interval,
               std::function<void(const Result<Offset>&)> report);
  ~LogRetention();

  /// Ends after the step under way. Idempotent.
  void Stop();

 private:
  struct Turn;
  void Run();
  void Round();

  LogService& log_;
  const Clock& clock_;
  const Millis keep_;
  const Millis interval_;
  const std::function<void(const Result<Offset>&)> report_;
  const std::shared_ptr<Turn> turn_;  // shared with callbacks, which may come late
  std::thread thread_;
};

}  // namespace aiflow::server
