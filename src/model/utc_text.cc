#include "model/utc_text.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace aiflow {

std::string UtcText(Millis time) {
  using std::chrono::days;
  using std::chrono::sys_time;
  const auto day = std::chrono::floor<days>(sys_time<Millis>(time));
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(sys_time<Millis>(time) - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string utc = text.data();
  if (const auto millis = static_cast<int>(clock.subseconds().count()); millis != 0) {
    std::snprintf(text.data(), text.size(), ".%03d", millis);
    utc += text.data();
  }
  return utc + "Z";
}

}  // namespace aiflow
