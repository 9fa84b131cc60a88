#include "calendar/cron_schedule.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "calendar/cron_syntax.h"

namespace aiflow {
namespace {

using std::chrono::seconds;

// The searches below take a few steps: one for each change of the offset near a match.
constexpr int kMaxSteps = 64;
constexpr std::string_view kBlanks = " \t";

struct Alias {
  std::string_view name;
  std::string_view fields;
};
constexpr Alias kAliases[] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
                              {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                              {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
                              {"@annually", "0 0 1 1 *"}};

std::vector<std::string_view> SplitAtBlanks(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (text.empty()) return words;
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// The fields instead of an alias. Unknown aliases stay.
std::vector<std::string_view> ExpandAlias(std::vector<std::string_view> words) {
  if (words.empty()) return words;
  const auto* const alias = std::find_if(std::begin(kAliases), std::end(kAliases),
                                         [&](const Alias& a) { return a.name == words.front(); });
  if (alias == std::end(kAliases)) return words;
  std::vector<std::string_view> expanded = SplitAtBlanks(alias->fields);
  expanded.insert(expanded.end(), words.begin() + 1, words.end());
  return expanded;
}

}  // namespace

Result<CronSchedule> CronSchedule::Parse(std::string_view text, std::string_view default_zone) {
  std::vector<std::string_view> words = ExpandAlias(SplitAtBlanks(text));
  std::string_view zone_name = default_zone.empty() ? "UTC" : default_zone;
  if (words.size() > 5 && !LooksLikeDaysOfWeek(words.back())) {
    zone_name = words.back();
    words.pop_back();
  }
  if (words.size() != 5 && words.size() != 6) {
    return Error(
        Code::kInvalidArgument,
        std::to_string(words.size()) +
            " fields; use [second] minute hour day-of-month month day-of-week [time zone]");
  }
  const Result<CronPattern> pattern = CronPattern::Parse(words);
  if (!pattern) return Error(pattern.error());
  const Result<TimeZone> zone = TimeZone::Find(zone_name);
  if (!zone) return Error(zone.error());
  return CronSchedule(*pattern, *zone);
}

std::optional<SysSeconds> CronSchedule::After(SysSeconds previous) const {
  return pattern_.any_hour() ? AfterInRealTime(previous) : AfterInLocalDays(previous);
}

// Looks for a match in one span of constant offset after the other. A long span without one shows
// that there is none before the next match of the pattern: later instants have later local times,
// because no change puts the clock back by more than two offsets. So spans need not be walked for
// years.
std::optional<SysSeconds> CronSchedule::AfterInRealTime(SysSeconds previous) const {
  SysSeconds from = previous + seconds{1};
  for (int step = 0;; ++step) {
    CHECK(step < kMaxSteps) << zone_.name() << " after " << previous.time_since_epoch().count();
    const TimeZone::Span span = zone_.At(from);
    const auto local = pattern_.AtOrAfter(LocalSeconds{(from + span.offset).time_since_epoch()});
    if (!local) return std::nullopt;
    const SysSeconds match{local->time_since_epoch() - span.offset};
    if (match < span.end) return match;
    const bool is_long = span.end - from >= 2 * TimeZone::kMaxOffset;
    const SysSeconds earliest{local->time_since_epoch() - TimeZone::kMaxOffset};
    from = is_long ? std::max(span.end, earliest) : span.end;
  }
}

// Each named local time is due at its first instant. These never go back as local times go on, so
// the search begins at the local time after that of `previous` and passes what was due before: the
// named times of an hour that comes a second time.
std::optional<SysSeconds> CronSchedule::AfterInLocalDays(SysSeconds previous) const {
  LocalSeconds from = zone_.ToLocal(previous) + seconds{1};
  for (int step = 0;; ++step) {
    CHECK(step < kMaxSteps) << zone_.name() << " after " << previous.time_since_epoch().count();
    const std::optional<LocalSeconds> local = pattern_.AtOrAfter(from);
    if (!local) return std::nullopt;
    const SysSeconds due = zone_.FirstInstant(*local);
    if (due > previous) return due;
    // Inside the repeated hour, whose end is where the clock was put back.
    const TimeZone::Span first_pass = zone_.At(due);
    from = LocalSeconds{(first_pass.end + first_pass.offset).time_since_epoch()};
  }
}

}  // namespace aiflow
