#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "calendar/cron_pattern.h"
#include "calendar/time_zone.h"

namespace aiflow {

/// The instants that a cron expression names in its time zone; the rules are those of
/// calendar/recurrence.h. An immutable value.
class CronSchedule {
 public:
  /// Reads what follows `cron@`. Errors are those of Recurrence::Parse, as clauses.
  static Result<CronSchedule> Parse(std::string_view text, std::string_view default_zone);

  /// The first instant after `previous`; nullopt: there is none up to the end of the year 9999.
  std::optional<SysSeconds> After(SysSeconds previous) const;

  const TimeZone& zone() const { return zone_; }

 private:
  CronSchedule(CronPattern pattern, TimeZone zone) : pattern_(pattern), zone_(zone) {}
  std::optional<SysSeconds> AfterInRealTime(SysSeconds previous) const;
  std::optional<SysSeconds> AfterInLocalDays(SysSeconds previous) const;

  CronPattern pattern_;
  TimeZone zone_;
};

}  // namespace aiflow
