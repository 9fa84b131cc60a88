#include "calendar/recurrence.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>

#include "calendar/cron_schedule.h"

namespace aiflow {
namespace {

using std::chrono::seconds;

constexpr std::string_view kCronPrefix = "cron@";
constexpr std::string_view kIntervalPrefix = "interval@";

bool IsInCalendar(Millis t) { return t >= Millis{0} && t <= Recurrence::kLastTime; }

Status Refuse(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

struct Unit {
  std::string_view name;
  seconds length;
};
constexpr Unit kUnits[] = {{"days", std::chrono::days{1}},
                           {"hours", std::chrono::hours{1}},
                           {"minutes", std::chrono::minutes{1}},
                           {"seconds", seconds{1}}};

Result<seconds> ParseUnit(const Unit& unit, std::string_view text) {
  const std::string item = std::string(unit.name) + " \"" + std::string(text) + "\"";
  if (text.starts_with('-')) return Error(Refuse(item + " are negative; use 0 or more"));
  constexpr seconds kMax = std::chrono::duration_cast<seconds>(Recurrence::kMaxInterval);
  std::int64_t count = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return Error(Refuse(item + " are not a number"));
    // Cut where it is too long anyway, before it can overflow.
    count = std::min<std::int64_t>(count * 10 + (c - '0'), kMax.count() + 1);
  }
  return count * unit.length;
}

Result<Millis> ParseInterval(std::string_view text) {
  if (std::count(text.begin(), text.end(), ' ') != 3) {
    return Error(
        Refuse("an interval has four items, days hours minutes seconds, separated by single "
               "blanks, such as interval@0 0 10 0"));
  }
  seconds sum{0};
  for (const Unit& unit : kUnits) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const Result<seconds> part = ParseUnit(unit, text.substr(0, end));
    if (!part) return Error(part.error());
    sum += *part;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (sum > Recurrence::kMaxInterval) {
    const auto max_days = std::chrono::duration_cast<std::chrono::days>(Recurrence::kMaxInterval);
    return Error(
        Refuse("the interval is longer than " + std::to_string(max_days.count()) + " days"));
  }
  return std::max(sum, seconds{1});
}

// The value as it can be shown in one line of text.
std::string Printable(std::string_view text) {
  std::string shown(text.substr(0, Recurrence::kMaxExpressionBytes));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return (c < ' ' && c != '\t') || c > '~'; }, '?');
  return shown;
}

std::optional<Millis> NextOf(Millis interval, Millis previous) {
  const Millis next = previous + interval;
  return IsInCalendar(next) ? std::optional(next) : std::nullopt;
}

std::optional<Millis> NextOf(const CronSchedule& schedule, Millis previous) {
  const auto next = schedule.After(SysSeconds{std::chrono::floor<seconds>(previous)});
  if (!next || !IsInCalendar(next->time_since_epoch())) return std::nullopt;
  return next->time_since_epoch();
}

}  // namespace

struct Recurrence::Rule {
  std::string text;
  std::string zone;
  std::variant<Millis, CronSchedule> kind;
};

Result<Recurrence> Recurrence::Parse(std::string_view expression, std::string_view default_zone) {
  const auto refuse = [&](const Status& why) {
    return Error(why.code(), "schedule \"" + Printable(expression) + "\": " + why.message());
  };
  if (expression.size() > kMaxExpressionBytes) {
    return refuse(Refuse("it is longer than " + std::to_string(kMaxExpressionBytes) + " bytes"));
  }
  if (Printable(expression) != expression) {
    return refuse(Refuse("only printable ASCII characters and blanks are allowed"));
  }
  std::string text(expression);
  if (expression.starts_with(kIntervalPrefix)) {
    const Result<Millis> interval = ParseInterval(expression.substr(kIntervalPrefix.size()));
    if (!interval) return refuse(interval.error());
    return Recurrence(std::make_shared<const Rule>(Rule{std::move(text), "", *interval}));
  }
  if (expression.starts_with(kCronPrefix)) {
    const auto schedule = CronSchedule::Parse(expression.substr(kCronPrefix.size()), default_zone);
    if (!schedule) return refuse(schedule.error());
    return Recurrence(
        std::make_shared<const Rule>(Rule{std::move(text), schedule->zone().name(), *schedule}));
  }
  return refuse(Refuse("it begins with neither cron@ nor interval@"));
}

std::optional<Millis> Recurrence::Next(Millis previous) const {
  if (!IsInCalendar(previous)) return std::nullopt;
  return std::visit([&](const auto& kind) { return NextOf(kind, previous); }, rule_->kind);
}

std::optional<Millis> Recurrence::LastUntil(Millis previous, Millis now) const {
  now = std::min(now, kLastTime);
  const std::optional<Millis> next = Next(previous);
  if (!next || *next > now) return std::nullopt;
  if (const Millis* interval = std::get_if<Millis>(&rule_->kind)) {
    return previous + (now - previous) / *interval * *interval;
  }
  // Holds up to just before the last due time.
  const auto is_due_after = [&](Millis t) {
    const std::optional<Millis> due = Next(t);
    return due && *due <= now;
  };
  // Something is due after `early` and nothing after `late`; ends with the two side by side. Begins
  // near now, where the last one usually is.
  Millis late = now;
  Millis early = now;
  for (Millis back = seconds{1}; !is_due_after(early); back *= 2) {
    late = early;
    early = std::max(previous, now - back);
  }
  while (late - early > Millis{1}) {
    const Millis middle = early + (late - early) / 2;
    (is_due_after(middle) ? early : late) = middle;
  }
  return Next(early);
}

std::size_t Recurrence::CountUntil(Millis previous, Millis now, std::size_t limit) const {
  now = std::min(now, kLastTime);
  if (const Millis* interval = std::get_if<Millis>(&rule_->kind)) {
    if (!IsInCalendar(previous) || now < previous) return 0;
    return std::min<std::size_t>(limit, static_cast<std::size_t>((now - previous) / *interval));
  }
  std::size_t count = 0;
  for (auto due = Next(previous); due && *due <= now && count < limit; due = Next(*due)) ++count;
  return count;
}

const std::string& Recurrence::text() const { return rule_->text; }

const std::string& Recurrence::zone() const { return rule_->zone; }

}  // namespace aiflow
