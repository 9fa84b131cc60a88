#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <random>
#include <set>

#include "calendar/recurrence_testing.h"
#include "calendar/time_zone.h"

// Compares with a second implementation that shares nothing with the first: it walks real minutes
// and asks the C library what the clock on the wall shows.

namespace aiflow {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kZones[] = {"UTC",           "Europe/Berlin",       "America/New_York",
                                  "Europe/Dublin", "Australia/Lord_Howe", "America/Santiago",
                                  "Asia/Gaza",     "Africa/Casablanca",   "Pacific/Apia",
                                  "Europe/Moscow", "Asia/Pyongyang",      "America/Caracas"};
constexpr int kWalkedDays = 4;
constexpr int kWarmUpDays = 1;

using Random = std::mt19937;

int Pick(Random& random, int first, int last) {
  return std::uniform_int_distribution<int>(first, last)(random);
}

struct Field {
  std::string text;
  std::set<int> values;
  bool has_star = false;
};

Field RandomField(Random& random, int min, int max) {
  Field field;
  const int items = Pick(random, 1, 3);
  for (int i = 0; i < items; ++i) {
    const int kind = Pick(random, 0, 5);
    int first = Pick(random, min, max);
    int last = max;
    int step = 1;
    std::string item = std::to_string(first);
    if (kind == 0) {
      last = first;
    } else if (kind == 1) {
      last = Pick(random, first, max);
      item += "-" + std::to_string(last);
    } else if (kind == 2) {
      last = Pick(random, first, max);
      step = Pick(random, 1, max);
      item += "-" + std::to_string(last) + "/" + std::to_string(step);
    } else if (kind == 3) {
      step = Pick(random, 1, max);
      item += "/" + std::to_string(step);
    } else {
      first = min;
      step = kind == 4 ? 1 : Pick(random, 1, max);
      item = kind == 4 ? "*" : "*/" + std::to_string(step);
      field.has_star = true;
    }
    for (int value = first; value <= last; value += step) field.values.insert(value);
    field.text += (i == 0 ? "" : ",") + item;
  }
  return field;
}

struct Expression {
  Field minute, hour, day, month, weekday;

  std::string Text() const {
    return "cron@" + minute.text + " " + hour.text + " " + day.text + " " + month.text + " " +
           weekday.text;
  }

  bool Allows(const std::tm& local) const {
    const bool day_allowed = day.values.contains(local.tm_mday);
    const bool weekday_allowed = weekday.values.contains(local.tm_wday);
    const bool either = !day.has_star && !weekday.has_star;
    return minute.values.contains(local.tm_min) && hour.values.contains(local.tm_hour) &&
           month.values.contains(local.tm_mon + 1) &&
           (either ? day_allowed || weekday_allowed : day_allowed && weekday_allowed);
  }
};

Expression RandomExpression(Random& random) {
  Expression e{RandomField(random, 0, 59), RandomField(random, 0, 23), RandomField(random, 1, 31),
               RandomField(random, 1, 12), RandomField(random, 0, 6)};
  // Most should be due within the days that are walked.
  if (Pick(random, 0, 3) != 0) e.month = {"*", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, true};
  if (Pick(random, 0, 1) != 0) e.weekday = {"*", {0, 1, 2, 3, 4, 5, 6}, true};
  if (Pick(random, 0, 2) == 0) e.hour = {"1,2,3", {1, 2, 3}, false};
  return e;
}

// Minutes of the wall clock since 1970, as if it were UTC.
std::int64_t WallMinutes(std::tm local) { return timegm(&local) / 60; }

// The due times after `begin`, of the walked days. REQUIRES: TZ is set to the zone.
std::vector<std::string> WalkedDues(const Expression& expression, Millis begin) {
  std::vector<std::string> dues;
  const auto end = begin + days{kWalkedDays};
  auto t = std::chrono::floor<minutes>(begin - days{kWarmUpDays});
  std::int64_t latest_shown = INT64_MIN;
  for (; t <= end; t += minutes{1}) {
    const std::time_t now = seconds{t}.count();
    std::tm local{};
    localtime_r(&now, &local);
    const std::int64_t shown = WallMinutes(local);
    bool due = false;
    if (expression.hour.has_star) {
      due = expression.Allows(local);
    } else {
      // Everything that the clock shows for the first time or skips.
      if (latest_shown == INT64_MIN) latest_shown = shown - 1;
      for (std::int64_t m = latest_shown + 1; m <= shown; ++m) {
        const std::time_t wall = m * 60;
        std::tm named{};
        gmtime_r(&wall, &named);
        due = due || expression.Allows(named);
      }
      latest_shown = std::max(latest_shown, shown);
    }
    if (due && t > begin) dues.push_back(Show(t));
  }
  return dues;
}

// A random time of the years 2001 to 2080, mostly close to a change of the offset.
Millis RandomBegin(Random& random, const std::string& zone_name) {
  const Millis t = Utc("2001-01-01") + minutes{Pick(random, 0, 79 * 365 * 24 * 60)};
  const Millis jitter{Pick(random, 0, 59'999)};
  if (Pick(random, 0, 4) == 0) return t + jitter;
  const auto span = TimeZone::Find(zone_name)->At(SysSeconds{std::chrono::floor<seconds>(t)});
  if (span.end > SysSeconds{Utc("2080-01-01") / Millis{1000} * seconds{1}}) return t + jitter;
  return span.end.time_since_epoch() - minutes{Pick(random, 0, 2 * 24 * 60)} + jitter;
}

class RecurrencePropertyTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    setenv("TZ", GetParam(), 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }

  Random random_{20'250'330};
};

TEST_P(RecurrencePropertyTest, IsDueWhenAWalkThroughAllMinutesSaysSo) {
  std::size_t compared = 0;
  for (int i = 0; i < 50; ++i) {
    const Expression expression = RandomExpression(random_);
    const Millis begin = RandomBegin(random_, GetParam());
    const Result<Recurrence> recurrence = Recurrence::Parse(expression.Text(), GetParam());
    const std::vector<std::string> walked = WalkedDues(expression, begin);
    if (!recurrence) {
      EXPECT_THAT(recurrence.error().message(), testing::HasSubstr("never comes"));
      EXPECT_TRUE(walked.empty()) << expression.Text();
      continue;
    }
    std::vector<std::string> dues;
    const Millis end = begin + days{kWalkedDays};
    for (auto t = recurrence->First(begin); t && *t <= end; t = recurrence->Next(*t)) {
      dues.push_back(Show(t));
    }
    ASSERT_EQ(dues, walked) << expression.Text() << " after " << Show(begin);
    compared += dues.size();
  }
  EXPECT_GT(compared, 500U) << "the expressions are too rarely due to say anything";
}

TEST_P(RecurrencePropertyTest, NextIncreasesAndLastUntilEqualsStepping) {
  for (int i = 0; i < 60; ++i) {
    const Expression expression = RandomExpression(random_);
    const Result<Recurrence> recurrence = Recurrence::Parse(expression.Text(), GetParam());
    if (!recurrence) continue;
    const Millis begin = RandomBegin(random_, GetParam());
    Millis last = begin;
    for (std::size_t steps = 1; steps <= 20; ++steps) {
      const std::optional<Millis> next = recurrence->Next(last);
      if (!next) break;
      ASSERT_GT(*next, last) << expression.Text();
      // From anywhere in between the next one is the same.
      const Millis between = last + (*next - last) / 2;
      ASSERT_EQ(recurrence->Next(between), next) << expression.Text();
      ASSERT_EQ(recurrence->LastUntil(begin, *next), next) << expression.Text();
      ASSERT_EQ(recurrence->CountUntil(begin, *next, 100), steps) << expression.Text();
      ASSERT_EQ(recurrence->LastUntil(begin, *next - Millis{1}),
                steps == 1 ? std::nullopt : std::optional(last))
          << expression.Text();
      last = *next;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, RecurrencePropertyTest, testing::ValuesIn(kZones),
                         [](const auto& zone) {
                           std::string name = zone.param;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

// The search itself bounds its steps by a CHECK; these are the expressions with the most.
TEST(RecurrenceTest, AwkwardExpressionsAreFoundInBoundedSteps) {
  for (const char* zone : kZones) {
    for (const char* expression : {"cron@59 59 */23 29 2 */7", "cron@59 59 23 29 2 */7",
                                   "cron@0 0 1 1 */6", "cron@30 2 29 2 *", "cron@* * 2 * 3,10 0",
                                   "cron@30 * 31 3,10 */7", "cron@30 */23 31 10 */7"}) {
      const Recurrence recurrence = Parsed(expression, zone);
      std::optional<Millis> t = Utc("1970-01-01");
      for (int i = 0; i < 10'000 / 7 && t; ++i) t = recurrence.Next(*t);
      EXPECT_NE(recurrence.LastUntil(Utc("1970-01-01"), Utc("9000-01-01")), std::nullopt);
    }
  }
}

TEST(RecurrenceTest, RandomTextIsParsedOrRefused) {
  Random random(7);
  constexpr std::string_view kLikely = "0123456789*/-,, @ MONjanUTC\t";
  for (int i = 0; i < 50'000; ++i) {
    std::string text = i % 2 == 0 ? "cron@" : "interval@";
    if (i % 10 == 9) text.clear();
    const int length = Pick(random, 0, 40);
    for (int c = 0; c < length; ++c) {
      text += i % 3 == 0 ? static_cast<char>(Pick(random, -128, 127))
                         : kLikely[static_cast<std::size_t>(
                               Pick(random, 0, static_cast<int>(kLikely.size()) - 1))];
    }
    const Result<Recurrence> recurrence = Recurrence::Parse(text, "");
    if (recurrence) {
      EXPECT_GT(recurrence->Next(Millis{0}), Millis{0}) << text;
    } else {
      EXPECT_EQ(recurrence.error().code(), Code::kInvalidArgument);
      EXPECT_EQ(recurrence.error().message().find('\n'), std::string::npos);
    }
  }
}

TEST(RecurrenceTest, FieldsWithOneWrongCharacterAreParsedOrRefused) {
  Random random(8);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = RandomExpression(random).Text();
    text[static_cast<std::size_t>(Pick(random, 0, static_cast<int>(text.size()) - 1))] =
        static_cast<char>(Pick(random, -128, 127));
    const Result<Recurrence> recurrence = Recurrence::Parse(text, "Europe/Berlin");
    if (recurrence) {
      EXPECT_GT(recurrence->Next(Millis{0}), Millis{0}) << text;
    }
  }
}

}  // namespace
}  // namespace aiflow
