#include "engine/timer_watch.h"

#include "model/event_keys.h"
#include "scheduler/state_rep.h"
#include "scheduler/suspensions.h"

namespace aiflow {

void TimerWatch::Fire(const State& state, Millis now, DurableAppender& appender) {
  for (const auto& [due, timer] : state.rep().timers) {
    if (due > now || on_their_way_.size() >= kMaxOnTheirWay) return;
    if (IsSuspended(state, timer)) continue;
    if (!on_their_way_.insert(timer).second) continue;
    Event event = FormatRequest(timer);
    event.id = TimerEventId(timer);
    appender.Append(std::move(event), nullptr);
  }
}

std::optional<Millis> TimerWatch::Next(const State& state) const {
  if (on_their_way_.size() >= kMaxOnTheirWay) return std::nullopt;
  for (const auto& [due, timer] : state.rep().timers) {
    if (!on_their_way_.contains(timer) && !IsSuspended(state, timer)) return due;
  }
  return std::nullopt;
}

void TimerWatch::Decided(const Event& event) {
  if (on_their_way_.empty() || event.kind != EventKind::kInternal || event.value != "TIMER_FIRED") {
    return;
  }
  const Result<Request> request = ParseRequest(event);
  if (!request.has_value()) return;
  if (const auto* timer = std::get_if<TimerFired>(&*request)) on_their_way_.erase(*timer);
}

}  // namespace aiflow
