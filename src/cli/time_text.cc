#include "cli/time_text.h"

#include <chrono>
#include <ctime>
#include <optional>
#include <regex>

namespace aiflow::cli {
namespace {

constexpr int64_t kSecond = 1000;

tl::unexpected<Status> Wrong(const std::string& text, const std::string& what) {
  return Error(Code::kInvalidArgument,
               "the time " + text + " " + what +
                   "; write it as 2026-01-31T08:15:00, with Z or +01:00 when it is not local");
}

int Number(const std::ssub_match& match) { return match.matched ? std::stoi(match.str()) : 0; }

/// Seconds east of UTC; nothing: local time.
std::optional<int64_t> OffsetOf(const std::smatch& match) {
  if (!match[8].matched) return std::nullopt;
  if (match[8].str() == "Z") return 0;
  const int64_t minutes = int64_t{Number(match[10])} * 60 + Number(match[11]);
  return (match[9].str() == "-" ? -minutes : minutes) * 60;
}

}  // namespace

Result<int64_t> ParseTime(const std::string& text) {
  static const std::regex kTime(
      R"((\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?)"
      R"((Z|([+-])(\d{2}):?(\d{2}))?)");
  std::smatch match;
  if (!std::regex_match(text, match, kTime)) return Wrong(text, "cannot be read");
  const std::chrono::year_month_day day(std::chrono::year(Number(match[1])),
                                        std::chrono::month(static_cast<unsigned>(Number(match[2]))),
                                        std::chrono::day(static_cast<unsigned>(Number(match[3]))));
  const int hour = Number(match[4]);
  const int minute = Number(match[5]);
  const int second = Number(match[6]);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59 || Number(match[10]) > 23 ||
      Number(match[11]) > 59) {
    return Wrong(text, "does not exist");
  }
  std::string fraction = match[7].str();
  fraction.resize(3, '0');
  const int64_t millis = std::stoi(fraction);
  if (const std::optional<int64_t> offset = OffsetOf(match)) {
    const int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
    const int64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - *offset;
    return seconds * kSecond + millis;
  }
  std::tm parts{};
  parts.tm_year = Number(match[1]) - 1900;
  parts.tm_mon = Number(match[2]) - 1;
  parts.tm_mday = Number(match[3]);
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  parts.tm_isdst = -1;
  return static_cast<int64_t>(std::mktime(&parts)) * kSecond + millis;
}

}  // namespace aiflow::cli
