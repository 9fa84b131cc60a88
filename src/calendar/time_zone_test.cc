#include "calendar/time_zone.h"

#include <gtest/gtest.h>

namespace aiflow {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::sys_days;
using std::chrono::year;

TimeZone Found(std::string_view name) {
  Result<TimeZone> zone = TimeZone::Find(name);
  EXPECT_TRUE(zone) << name;
  return zone ? *zone : *TimeZone::Find("UTC");
}

TEST(TimeZoneTest, UnknownNameIsAnInvalidArgument) {
  for (const char* name : {"", "Nowhere", "europe/berlin", "/etc/passwd", "../zoneinfo/UTC"}) {
    const Result<TimeZone> zone = TimeZone::Find(name);
    ASSERT_FALSE(zone) << name;
    EXPECT_EQ(zone.error().code(), Code::kInvalidArgument);
  }
}

TEST(TimeZoneTest, SpansFollowEachOtherWithoutAGap) {
  for (const char* name : {"UTC", "Europe/Berlin", "America/Santiago", "Africa/Casablanca",
                           "Australia/Lord_Howe", "Europe/Dublin", "Africa/Cairo"}) {
    const TimeZone zone = Found(name);
    TimeZone::Span span = zone.At(SysSeconds{});
    while (span.end < sys_days{year{2150} / 1 / 1}) {
      const TimeZone::Span next = zone.At(span.end);
      ASSERT_EQ(next.begin, span.end) << name;
      ASSERT_LT(next.begin, next.end) << name;
      ASSERT_EQ(zone.At(next.end - std::chrono::seconds{1}).begin, next.begin) << name;
      span = next;
    }
  }
}

TEST(TimeZoneTest, ChangesGoOnAfterTheListedYears) {
  const TimeZone berlin = Found("Europe/Berlin");
  // The last Sundays of March and October 2061.
  const SysSeconds forward = sys_days{year{2061} / 3 / 27} + hours{1};
  const SysSeconds back = sys_days{year{2061} / 10 / 30} + hours{1};
  EXPECT_EQ(berlin.At(forward).begin, forward);
  EXPECT_EQ(berlin.At(forward).offset, hours{2});
  EXPECT_EQ(berlin.At(forward).end, back);
  EXPECT_EQ(berlin.At(back).offset, hours{1});
}

TEST(TimeZoneTest, LaterYearsFollowTheRulesThatHoldLast) {
  // Egypt has daylight saving again since 2023, from the last Friday of April.
  const SysSeconds forward = sys_days{year{2066} / 4 / 29} + hours{22};
  for (int y = 2023; y < 2120; ++y) {
    EXPECT_EQ(Found("Africa/Cairo").At(sys_days{year{y} / 7 / 1}).offset, hours{3}) << y;
    EXPECT_EQ(Found("Africa/Cairo").At(sys_days{year{y} / 1 / 1}).offset, hours{2}) << y;
  }
  EXPECT_EQ(Found("Africa/Cairo").At(forward).begin, forward);
}

TEST(TimeZoneTest, ZoneThatGaveUpChangesKeepsItsOffset) {
  EXPECT_EQ(Found("Europe/Moscow").At(sys_days{year{2077} / 7 / 1}).offset, hours{3});
  EXPECT_EQ(Found("Asia/Tokyo").At(sys_days{year{2077} / 7 / 1}).offset, hours{9});
}

TEST(TimeZoneTest, FirstInstantTakesTheFirstOfTwoAndTheEndOfAGap) {
  const TimeZone berlin = Found("Europe/Berlin");
  const auto local = [](int month, int day, int hour) {
    return LocalSeconds{std::chrono::local_days{year{2025} / month / day}} + hours{hour};
  };
  EXPECT_EQ(berlin.FirstInstant(local(10, 26, 2)), sys_days{year{2025} / 10 / 26});
  EXPECT_EQ(berlin.FirstInstant(local(10, 26, 3)), sys_days{year{2025} / 10 / 26} + hours{2});
  const SysSeconds skipped = sys_days{year{2025} / 3 / 30} + hours{1};
  EXPECT_EQ(berlin.FirstInstant(local(3, 30, 2)), skipped);
  EXPECT_EQ(berlin.FirstInstant(local(3, 30, 3)), skipped);
  EXPECT_EQ(berlin.FirstInstant(local(7, 1, 12)), sys_days{year{2025} / 7 / 1} + hours{10});
}

}  // namespace
}  // namespace aiflow
