#include "calendar/time_zone.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>

namespace aiflow {
namespace {

using std::chrono::January;
using std::chrono::March;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;

// The last year whose changes the compiled database lists for a zone that has them every year.
constexpr year kLastListedYear{2037};
constexpr SysSeconds kListedUntil =
    sys_days{(kLastListedYear + std::chrono::years{1}) / January / 1};
// The last listed span ends later.
constexpr SysSeconds kForEver = sys_days{year{9999} / January / 1};

TimeZone::Span Listed(const date::time_zone& rules, SysSeconds t) {
  const date::sys_info info = rules.get_info(t);
  return {info.begin, info.end, info.offset};
}

// Whether the list only ends there because it must end somewhere. Zones whose changes follow no
// rule about weekdays (Morocco, Palestine) are listed further.
bool ChangesEveryYear(const date::time_zone& rules) {
  const TimeZone::Span last = Listed(rules, kListedUntil);
  return last.begin >= sys_days{kLastListedYear / January / 1} && last.end > kForEver;
}

year YearOf(SysSeconds t) {
  return year_month_day{std::chrono::floor<std::chrono::days>(t)}.year();
}

// The span of a time after the listed ones. The year is cut at the leap day, so that each part has
// the weekdays of the same part of one of the last eleven or so listed years.
TimeZone::Span Repeated(const date::time_zone& rules, SysSeconds t) {
  const year y = YearOf(t);
  const bool before_leap_day = t < sys_days{y / March / 1};
  const auto start = before_leap_day ? January / 1 : March / 1;
  const sys_days part = sys_days{y / start};
  const sys_days part_end = before_leap_day ? sys_days{y / March / 1}
                                            : sys_days{(y + std::chrono::years{1}) / January / 1};
  year like = kLastListedYear;
  while (weekday{sys_days{like / start}} != weekday{part}) --like;
  const seconds shift = part - sys_days{like / start};
  const TimeZone::Span span = Listed(rules, t - shift);
  return {std::max<SysSeconds>(span.begin + shift, part),
          std::min<SysSeconds>(span.end + shift, part_end), span.offset};
}

}  // namespace

Result<TimeZone> TimeZone::Find(std::string_view name) {
  try {
    date::get_tzdb();
  } catch (const std::exception& error) {
    return Error(Code::kUnavailable, std::string("time zones cannot be read: ") + error.what() +
                                         "; install the package tzdata");
  }
  try {
    const date::time_zone* rules = date::locate_zone(name);
    rules->get_info(SysSeconds{});  // Reads the rules, which is what may still fail.
    return TimeZone(rules);
  } catch (const std::exception&) {
    return Error(Code::kInvalidArgument, "time zone \"" + std::string(name) +
                                             "\" is not known; use a name of the IANA database, "
                                             "such as UTC or Europe/Berlin");
  }
}

const std::string& TimeZone::name() const { return rules_->name(); }

TimeZone::Span TimeZone::At(SysSeconds t) const {
  Span span = Listed(*rules_, t);
  if (span.end <= kListedUntil || !ChangesEveryYear(*rules_)) return span;
  if (t >= kListedUntil) return Repeated(*rules_, t);
  span.end = kListedUntil;
  return span;
}

LocalSeconds TimeZone::ToLocal(SysSeconds t) const {
  return LocalSeconds{(t + At(t).offset).time_since_epoch()};
}

SysSeconds TimeZone::FirstInstant(LocalSeconds local) const {
  const SysSeconds as_utc{local.time_since_epoch()};
  Span span = At(as_utc - kMaxOffset);
  while (as_utc - span.offset >= span.end) span = At(span.end);
  return std::max(as_utc - span.offset, span.begin);
}

}  // namespace aiflow
