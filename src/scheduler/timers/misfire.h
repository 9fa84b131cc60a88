#pragma once

#include "base/clock.h"
#include "calendar/recurrence.h"
#include "model/workflow_spec.h"

namespace aiflow {

/// A firing later than this after its due time counts as time in which nobody could fire it.
inline constexpr Millis kMisfireThreshold{60'000};

/// What a firing does to a recurrence.
struct DuePlan {
  bool fires = false;
  Millis due{0};   // the due time that it stands for, when it fires
  Millis next{0};  // the next due time, greater than `due` and than every one before it; 0: none
};

/// A firing of `due` that is decided at `now`. In time: it fires. Late: with catchup none it does
/// not, and the next is the first after now; with one it fires once for all that were missed, as
/// the latest of them; with all it fires, and the missed ones follow one by one. A clock that went
/// back repeats nothing, since the next due time always comes from this one.
DuePlan PlanDue(const Recurrence& recurrence, CatchUp catchup, Millis due, Millis now);

}  // namespace aiflow
