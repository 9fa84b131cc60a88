#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/status.h"

namespace date {
class time_zone;
}

namespace aiflow {

using SysSeconds = std::chrono::sys_seconds;
using LocalSeconds = std::chrono::local_seconds;

/// The rules of one time zone of the system's IANA database, which is read on first use and never
/// again, so a new release of the database counts after a restart. Immutable, cheap to copy,
/// thread-safe; the rules live until the process ends.
///
/// The compiled database lists changes of the offset up to 2037. Later ones follow from the rules
/// that hold then, as these are rules about weekdays: each later year has the changes of a listed
/// year whose weekdays fall on the same dates. (Palestine is listed up to 2086 and then stays in
/// winter.)
class TimeZone {
 public:
  /// No zone was ever further from UTC.
  static constexpr std::chrono::hours kMaxOffset{24};

  /// A stretch of time with one offset from UTC: begin <= t < end.
  struct Span {
    SysSeconds begin;
    SysSeconds end;
    std::chrono::seconds offset;
  };

  /// The zone of that name, e.g. "Europe/Berlin" or "UTC"; case matters. kInvalidArgument: there is
  /// none in the database; kUnavailable: the database cannot be read. Messages are clauses that
  /// want a subject before them: `time zone "X" is not known ...`.
  static Result<TimeZone> Find(std::string_view name);

  const std::string& name() const;

  /// The span that holds `t`. Two adjacent spans may have the same offset.
  Span At(SysSeconds t) const;

  /// What a clock on the wall shows at `t`.
  LocalSeconds ToLocal(SysSeconds t) const;

  /// When the clock on the wall first shows `local`; if the clock is put forward past it, the
  /// instant when that happens.
  SysSeconds FirstInstant(LocalSeconds local) const;

 private:
  explicit TimeZone(const date::time_zone* rules) : rules_(rules) {}

  const date::time_zone* rules_;
};

}  // namespace aiflow
