#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/status.h"

namespace aiflow {

/// When something happens again and again: the due times that a periodic expression names. An
/// immutable value, cheap to copy, thread-safe. Pure: it reads no clock; the rules of time zones
/// are read-only data of the system, loaded when a zone is first named.
///
/// `interval@D H M S`: every D days, H hours, M minutes and S seconds after the time before it.
/// Four items separated by single blanks; an empty item is 0; all zero is one second.
///
/// `cron@FIELDS [ZONE]`: the wall-clock times of a zone that crontab fields name.
///
/// Five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or JAN-DEC), day of
/// week (0-7 or SUN-SAT; 0 and 7 are Sunday). A sixth, leading field is the second (0-59), else 0.
/// Fields are separated by blanks; each is a list of `*`, `a`, `a-b`, `*/n`, `a-b/n` or `a/n`.
/// When both day fields are restricted (no item begins with `*`), a day that either allows counts;
/// otherwise both must allow it. Instead of the fields: @hourly, @daily, @midnight, @weekly,
/// @monthly, @yearly, @annually.
///
/// A last word that begins with a letter and is not made of names of days is a zone of the IANA
/// database: `cron@0 9 * * 1-5 Europe/Berlin`.
///
/// When the clocks change, the hour field decides.
///
/// An hour field without `*` names times of the local day, and each of them is due once: a time
/// that the day has twice, when it comes first; one that the day has not, at the instant when the
/// clocks skip it. Skipped times share that instant and are due once together, also with a named
/// time that falls on it. (`0-23` is such a field.)
///
/// With `*` or `*/n` in the hour field, every real second whose wall-clock time matches is due:
/// `*/15 * * * *` is due every 15 real minutes, also in an hour that comes twice; times that the
/// clocks skip are not due.
class Recurrence {
 public:
  /// The calendar ends with the year 9999 and begins with the epoch: nothing is due outside.
  static constexpr Millis kLastTime{253402300799999};
  static constexpr Millis kMaxInterval = std::chrono::days{36525};
  static constexpr std::size_t kMaxExpressionBytes = 256;

  /// Reads an expression. `default_zone` is the zone of a cron expression that names none; empty
  /// means UTC. kInvalidArgument: it cannot be read, an item is out of its range, its dates never
  /// come (30 February), its zone is not known; the message is one line that names the expression
  /// and the item. kUnavailable: the system has no time zone database.
  static Result<Recurrence> Parse(std::string_view expression, std::string_view default_zone);

  /// When something that begins at `begin` is due first: after one interval; at the first time of a
  /// cron expression that is after `begin`.
  std::optional<Millis> First(Millis begin) const { return Next(begin); }

  /// The due time that follows `previous`, always greater. `previous` need not be a due time; for
  /// an interval, it is the time that the next one is counted from. nullopt: nothing is due any
  /// more before the end of the calendar, or `previous` is outside the calendar.
  std::optional<Millis> Next(Millis previous) const;

  /// The last due time after `previous` and not after `now`, as stepping with Next() would reach
  /// it, without stepping. nullopt: there is none.
  std::optional<Millis> LastUntil(Millis previous, Millis now) const;

  /// How many due times are after `previous` and not after `now`, but at most `limit`. Counting
  /// those of a cron expression takes a step for each.
  std::size_t CountUntil(Millis previous, Millis now, std::size_t limit) const;

  /// The expression as it was given.
  const std::string& text() const;

  /// The time zone of a cron expression; empty for an interval.
  const std::string& zone() const;

 private:
  struct Rule;
  explicit Recurrence(std::shared_ptr<const Rule> rule) : rule_(std::move(rule)) {}

  std::shared_ptr<const Rule> rule_;
};

}  // namespace aiflow
