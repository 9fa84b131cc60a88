#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"
#include "calendar/time_zone.h"

namespace aiflow {

/// The local times that a cron expression names, without regard to time zones. An immutable value.
///
/// Days: when both day fields are restricted, that is neither has an item that begins with `*`, a
/// day that either of them allows counts; otherwise a day must be allowed by both (crontab(5)).
class CronPattern {
 public:
  /// Reads the fields [second] minute hour day-of-month month day-of-week. Without the first, the
  /// second is 0. kInvalidArgument with a clause: a field that cannot be read, or dates that never
  /// come, such as 30 February. REQUIRES: 5 or 6 fields.
  static Result<CronPattern> Parse(std::span<const std::string_view> fields);

  /// The first named time that is not before `from`; nullopt: there is none up to the end of the
  /// year 9999. Steps from field to field, so its work is bounded by the months to the next
  /// matching day.
  std::optional<LocalSeconds> AtOrAfter(LocalSeconds from) const;

  /// The hour field is `*` or has an item such as `*/2`.
  bool any_hour() const { return any_hour_; }

 private:
  CronPattern() = default;
  std::optional<std::chrono::local_days> DayAtOrAfter(std::chrono::local_days from) const;
  std::optional<std::chrono::seconds> TimeOfDayAtOrAfter(std::chrono::seconds from) const;
  // Bit n: the day n of that month.
  std::uint64_t DaysOf(std::chrono::year_month month) const;
  bool HasPossibleDate() const;

  std::uint64_t seconds_ = 1;
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_of_month_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t days_of_week_ = 0;
  bool either_day_ = false;
  bool any_hour_ = false;
};

}  // namespace aiflow
