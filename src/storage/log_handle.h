#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/admission.h"
#include "base/status.h"
#include "model/event.h"
#include "storage/event_log.h"

namespace aiflow {

/// The engine's thread-safe door to the log, local or remote.
class LogHandle {
 public:
  virtual ~LogHandle() = default;

  virtual std::string log_id() const = 0;
  virtual Offset head() const = 0;

  using AppendCallback = std::function<void(Result<AppendResult>)>;
  /// Queues one event for the next group commit and calls `done` from the log's thread once it is
  /// durable or refused (kUnavailable when the queue is full for this sender, at once, from this
  /// thread). `done` must not block.
  virtual void AppendAsync(Event event, Admission admission, AppendCallback done) = 0;

  /// As EventLog::Read.
  virtual Result<std::vector<Event>> Read(Offset after, size_t max_events,
                                          size_t max_bytes) const = 0;

  /// Calls `on_head(head)` after each group commit, from the log's thread; must not block. One
  /// listener; pass nullptr to remove it (returns after a running call has ended).
  virtual void SetHeadListener(std::function<void(Offset)> on_head) = 0;
};

}  // namespace aiflow
