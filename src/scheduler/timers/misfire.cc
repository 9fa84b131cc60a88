#include "scheduler/timers/misfire.h"

#include <algorithm>

namespace aiflow {

DuePlan PlanDue(const Recurrence& recurrence, CatchUp catchup, Millis due, Millis now) {
  const auto after = [&recurrence](Millis time) {
    return recurrence.Next(time).value_or(Millis(0));
  };
  if (catchup == CatchUp::kAll || now - due <= kMisfireThreshold) {
    return {.fires = true, .due = due, .next = after(due)};
  }
  const Millis latest = recurrence.LastUntil(due, now).value_or(due);
  // The latest one may be in time although this one is not.
  const bool fires = catchup == CatchUp::kOne || now - latest <= kMisfireThreshold;
  return {.fires = fires, .due = latest, .next = after(latest)};
}

}  // namespace aiflow
