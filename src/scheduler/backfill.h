#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/requests.h"
#include "model/rows.h"
#include "scheduler/state_rep.h"

namespace aiflow {

/// What a backfill request asks for, whether or not executions are there already.
struct Backfill {
  const WorkflowRow* workflow = nullptr;
  const ScheduleRow* schedule = nullptr;  // null: an expression was given
  std::vector<Millis> due;                // ascending, at most kMaxBackfill
  /// The due times from here on are still to come: they are not for a backfill. Nothing when the
  /// range ends before.
  std::optional<Millis> to_come;
};

/// Due times of an interval are those of the schedule, also before it was added; of an expression,
/// they are counted from the beginning of the range, which is the first. An error says what is
/// wrong with the request: more due times than kMaxBackfill are counted.
Result<Backfill> PlanBackfill(const State::Rep& state, Millis now, const BackfillSchedule& request);

/// Whether `execution` is the one for its due time: of the schedule, or, for an expression, of
/// whatever.
bool StandsFor(const Backfill& backfill, const ExecutionRow& execution);

}  // namespace aiflow
