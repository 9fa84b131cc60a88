#include "scheduler/backfill.h"

#include <algorithm>

#include "calendar/recurrence.h"
#include "model/event_keys.h"
#include "model/limits.h"
#include "model/utc_text.h"

namespace aiflow {
namespace {

/// As far as a range that is too long is counted.
constexpr size_t kMostCounted = 10'000;

Status FindSubject(const State::Rep& state, const BackfillSchedule& request, Backfill& backfill) {
  if (request.schedule_id != 0) {
    const auto found = state.schedules.find(ScheduleId(request.schedule_id));
    if (found == state.schedules.end()) {
      return {Code::kNotFound,
              "Workflow schedule " + std::to_string(request.schedule_id) + " not exists"};
    }
    if (!request.expression.empty()) {
      return {Code::kInvalidArgument, "backfill: give a schedule or an expression, not both"};
    }
    backfill.schedule = &found->second;
    backfill.workflow = state.FindWorkflow(found->second.workflow_id);
    const std::string ns(MatchingNamespace(request.ns));
    if (!request.name.empty() &&
        (backfill.workflow->ns != ns || backfill.workflow->name != request.name)) {
      return {Code::kInvalidArgument, "backfill: schedule " + std::to_string(request.schedule_id) +
                                          " is of workflow " + backfill.workflow->ns + "." +
                                          backfill.workflow->name + ", not of " + ns + "." +
                                          request.name};
    }
    return Status::Ok();
  }
  const std::string ns(MatchingNamespace(request.ns));
  backfill.workflow = state.FindWorkflow(ns, request.name);
  if (backfill.workflow == nullptr) {
    return {Code::kNotFound, "Workflow " + ns + "." + request.name + " not exists"};
  }
  if (request.expression.empty()) {
    return {Code::kInvalidArgument, "backfill: give a schedule or an expression"};
  }
  return Status::Ok();
}

/// The first due time that is not before `from`.
std::optional<Millis> FirstFrom(const Recurrence& recurrence, const ScheduleRow* schedule,
                                Millis from) {
  if (!recurrence.zone().empty()) return recurrence.Next(from - Millis(1));
  if (schedule == nullptr) return from;
  const std::optional<Millis> next = recurrence.Next(from);
  if (!next.has_value()) return std::nullopt;
  const Millis step = *next - from;
  const Millis known = schedule->next_due != Millis(0)   ? schedule->next_due
                       : schedule->last_due != Millis(0) ? schedule->last_due
                                                         : schedule->created;
  const Millis after = (known - from) % step;
  return from + (after < Millis(0) ? after + step : after);
}

Status TooMany(const Recurrence& recurrence, Millis last, Millis end) {
  const size_t more = recurrence.CountUntil(last, end - Millis(1), kMostCounted);
  const size_t count = static_cast<size_t>(limits::kMaxBackfill) + 1 + more;
  return {Code::kInvalidArgument,
          "backfill: " + std::string(more == kMostCounted ? "more than " : "") +
              std::to_string(count) + " due times are in the range, the limit is " +
              std::to_string(limits::kMaxBackfill) + "; take a shorter range"};
}

}  // namespace

Result<Backfill> PlanBackfill(const State::Rep& state, Millis now,
                              const BackfillSchedule& request) {
  Backfill backfill;
  if (Status status = FindSubject(state, request, backfill); !status.ok()) {
    return Error(std::move(status));
  }
  const Millis from(request.from_ms);
  const Millis to(request.to_ms);
  const auto is_time = [](Millis time) {
    return time > Millis(0) && time <= Recurrence::kLastTime;
  };
  if (!is_time(from) || !is_time(to)) {
    return Error(Code::kInvalidArgument,
                 "backfill: the range from " + std::to_string(from.count()) + " to " +
                     std::to_string(to.count()) + " ms is not within the years 1970 to 9999");
  }
  if (from >= to) {
    return Error(Code::kInvalidArgument, "backfill: the range from " + UtcText(from) + " to " +
                                             UtcText(to) + " is empty; it ends before its end");
  }
  const ScheduleRow* schedule = backfill.schedule;
  const Result<Recurrence> recurrence =
      schedule != nullptr ? Recurrence::Parse(schedule->expression, schedule->timezone)
                          : Recurrence::Parse(request.expression, request.timezone);
  if (!recurrence.has_value()) {
    return Error(recurrence.error().code(), "backfill: " + recurrence.error().message());
  }
  // The schedule itself fires its next due time, also when that has passed a moment ago.
  const bool runs = schedule != nullptr && schedule->next_due != Millis(0);
  const Millis to_come = runs ? schedule->next_due : now + Millis(1);
  if (to_come < to) backfill.to_come = to_come;
  const Millis end = std::min(to, to_come);
  std::optional<Millis> due = FirstFrom(*recurrence, schedule, from);
  while (due.has_value() && *due < end) {
    if (static_cast<int64_t>(backfill.due.size()) == limits::kMaxBackfill) {
      return Error(TooMany(*recurrence, *due, end));
    }
    backfill.due.push_back(*due);
    due = recurrence->Next(*due);
  }
  return backfill;
}

bool StandsFor(const Backfill& backfill, const ExecutionRow& execution) {
  if (execution.workflow_id != backfill.workflow->id || execution.due == Millis(0)) return false;
  return backfill.schedule == nullptr || (execution.run_type == RunType::kPeriodic &&
                                          execution.source == backfill.schedule->id.value());
}

}  // namespace aiflow
