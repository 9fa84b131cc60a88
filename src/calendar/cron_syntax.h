#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace aiflow {

enum class CronFieldKind { kSecond, kMinute, kHour, kDayOfMonth, kMonth, kDayOfWeek };

/// What one field of a cron expression allows. A plain value.
struct CronField {
  /// Bit n: the value n. Sunday is 0.
  std::uint64_t values = 0;
  /// An item of the field begins with `*`: "any", as opposed to the same values spelled out.
  bool wildcard = false;
};

/// Reads one field: a list of `*`, `a`, `a-b`, `*/n`, `a-b/n` or `a/n` (from a to the largest
/// value), separated by commas. Months and weekdays may be English names of three letters in any
/// case. Sunday is 0 or 7, also as the end of a range. kInvalidArgument with a clause such as
/// `minute 61 is not between 0 and 59`.
Result<CronField> ParseCronField(CronFieldKind kind, std::string_view text);

/// Whether `text` reads as a field of weekdays, not as the name of a time zone: its words are all
/// names of days, or it has none at its beginning.
bool LooksLikeDaysOfWeek(std::string_view text);

}  // namespace aiflow
