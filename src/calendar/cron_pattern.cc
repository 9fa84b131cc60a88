#include "calendar/cron_pattern.h"

#include <bit>
#include <string>

#include "base/check.h"
#include "calendar/cron_syntax.h"

namespace aiflow {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::months;
using std::chrono::seconds;
using std::chrono::year;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr year kLastYear{9999};
// The rarest date is a 29 February that is a given weekday: 40 years apart around the year 2100.
constexpr int kSearchMonths = 12 * 41;

// The smallest member of `values` that is at least `from`, which may be one past the largest value.
std::optional<int> Smallest(std::uint64_t values, int from) {
  const std::uint64_t left = values >> from;
  if (left == 0) return std::nullopt;
  return from + std::countr_zero(left);
}

int First(std::uint64_t values) { return std::countr_zero(values); }

}  // namespace

Result<CronPattern> CronPattern::Parse(std::span<const std::string_view> fields) {
  CHECK(fields.size() == 5 || fields.size() == 6) << fields.size() << " fields";
  constexpr CronFieldKind kKinds[] = {CronFieldKind::kSecond, CronFieldKind::kMinute,
                                      CronFieldKind::kHour,   CronFieldKind::kDayOfMonth,
                                      CronFieldKind::kMonth,  CronFieldKind::kDayOfWeek};
  CronPattern pattern;
  std::uint64_t* const sets[] = {&pattern.seconds_, &pattern.minutes_,
                                 &pattern.hours_,   &pattern.days_of_month_,
                                 &pattern.months_,  &pattern.days_of_week_};
  bool either_day = true;
  const std::size_t skipped = 6 - fields.size();
  for (std::size_t i = skipped; i < 6; ++i) {
    const Result<CronField> field = ParseCronField(kKinds[i], fields[i - skipped]);
    if (!field) return Error(field.error());
    *sets[i] = field->values;
    if (kKinds[i] == CronFieldKind::kHour) pattern.any_hour_ = field->wildcard;
    if (kKinds[i] == CronFieldKind::kDayOfMonth || kKinds[i] == CronFieldKind::kDayOfWeek) {
      either_day = either_day && !field->wildcard;
    }
  }
  pattern.either_day_ = either_day;
  if (!pattern.HasPossibleDate()) {
    return Error(Code::kInvalidArgument, "day of month " + std::string(fields[fields.size() - 3]) +
                                             " never comes in month " +
                                             std::string(fields[fields.size() - 2]) +
                                             "; use a day that the month has");
  }
  return pattern;
}

bool CronPattern::HasPossibleDate() const {
  if (either_day_) return true;
  constexpr year kLeapYear{2000};
  for (int month = 1; month <= 12; ++month) {
    const auto last = static_cast<unsigned>((kLeapYear / month / std::chrono::last).day());
    if ((months_ >> month & 1) && First(days_of_month_) <= static_cast<int>(last)) return true;
  }
  return false;
}

std::uint64_t CronPattern::DaysOf(year_month month) const {
  const auto last = static_cast<unsigned>((month / std::chrono::last).day());
  unsigned weekday = std::chrono::weekday{local_days{month / 1}}.c_encoding();
  std::uint64_t days_of_week = 0;
  for (unsigned day = 1; day <= last; ++day) {
    days_of_week |= (days_of_week_ >> weekday & 1) << day;
    weekday = (weekday + 1) % 7;
  }
  const std::uint64_t in_month = (std::uint64_t{2} << last) - 1;
  return in_month & (either_day_ ? days_of_month_ | days_of_week : days_of_month_ & days_of_week);
}

std::optional<local_days> CronPattern::DayAtOrAfter(local_days from) const {
  const year_month_day date{from};
  year_month month = date.year() / date.month();
  int day = static_cast<int>(static_cast<unsigned>(date.day()));
  for (int i = 0; i <= kSearchMonths && month.year() <= kLastYear;
       ++i, month += months{1}, day = 1) {
    if (!(months_ >> static_cast<unsigned>(month.month()) & 1)) continue;
    const std::optional<int> found = Smallest(DaysOf(month), day);
    if (found) return local_days{month / *found};
  }
  return std::nullopt;
}

std::optional<seconds> CronPattern::TimeOfDayAtOrAfter(seconds from) const {
  const std::chrono::hh_mm_ss time{from};
  const int from_hour = static_cast<int>(time.hours().count());
  const int from_minute = static_cast<int>(time.minutes().count());
  const int from_second = static_cast<int>(time.seconds().count());
  const auto at = [](int hour, int minute, int second) {
    return hours{hour} + minutes{minute} + seconds{second};
  };
  if (hours_ >> from_hour & 1) {
    if (minutes_ >> from_minute & 1) {
      const std::optional<int> second = Smallest(seconds_, from_second);
      if (second) return at(from_hour, from_minute, *second);
    }
    const std::optional<int> minute = Smallest(minutes_, from_minute + 1);
    if (minute) return at(from_hour, *minute, First(seconds_));
  }
  const std::optional<int> hour = Smallest(hours_, from_hour + 1);
  if (hour) return at(*hour, First(minutes_), First(seconds_));
  return std::nullopt;
}

std::optional<LocalSeconds> CronPattern::AtOrAfter(LocalSeconds from) const {
  const auto today = std::chrono::floor<days>(from);
  std::optional<local_days> day = DayAtOrAfter(today);
  if (day == today) {
    const std::optional<seconds> time = TimeOfDayAtOrAfter(from - today);
    if (time) return today + *time;
    day = DayAtOrAfter(today + days{1});
  }
  if (!day) return std::nullopt;
  return *day + hours{First(hours_)} + minutes{First(minutes_)} + seconds{First(seconds_)};
}

}  // namespace aiflow
