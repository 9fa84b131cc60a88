#pragma once

#include <optional>
#include <set>

#include "base/clock.h"
#include "engine/durable_appender.h"
#include "model/event.h"
#include "model/requests.h"
#include "scheduler/state.h"

namespace aiflow {

/// Turns due times of the state into TIMER_FIRED events, each once: a timer is fired while its
/// event is on its way to the fold, which then arms the next one. Engine thread only.
class TimerWatch {
 public:
  /// So many firings may be on their way at a time; more wait for their turn.
  static constexpr size_t kMaxOnTheirWay = 1'000;

  /// Appends the event of every timer that is due at `now`, is not on its way, and whose owner is
  /// not suspended.
  void Fire(const State& state, Millis now, DurableAppender& appender);

  /// When the next one of these timers comes due; nothing: none, or too many are.
  [[nodiscard]] std::optional<Millis> Next(const State& state) const;

  /// The fold has decided this event.
  void Decided(const Event& event);

  /// The state was loaded anew. Timers that are in it are fired (again); the log knows the events
  /// of those that were.
  void Clear() { on_their_way_.clear(); }

 private:
  std::set<TimerFired> on_their_way_;
};

}  // namespace aiflow
