#pragma once

#include <functional>
#include <memory>

#include "model/event.h"
#include "storage/log_handle.h"

namespace aiflow {

/// Appends the engine's own events, reports and announcements, until they are durable. What the log
/// refuses or fails to write is kept, in order, for the next Retry. Thread-safe; every event needs
/// an id, so that appending it twice writes it once.
class DurableAppender {
 public:
  /// `refused` is called from any thread when an event begins to wait for Retry.
  DurableAppender(LogHandle& log, std::function<void()> refused);
  ~DurableAppender();

  /// From now on nothing is appended, and the callbacks of appends in flight are dropped.
  /// Idempotent.
  void Close();

  /// Called from the log's thread once the event is durable; `duplicate` when it was there before.
  using OnDurable = std::function<void(bool duplicate)>;
  /// `done` may be null. It must own what it touches.
  void Append(Event event, OnDurable done);

  /// Appends again what waits. Call it when the log's head has moved or some time has passed.
  void Retry();
  /// Whether something waits for Retry.
  [[nodiscard]] bool waiting() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace aiflow
