#include <gmock/gmock.h>

#include "calendar/recurrence_testing.h"

namespace aiflow {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// 1 January 2025 is a Wednesday.

TEST(CronTest, IsDueAtTheNextMatchAfterBegin) {
  EXPECT_THAT(Dues("cron@30 9 * * *", "2025-01-01", 2),
              ElementsAre("2025-01-01 09:30:00", "2025-01-02 09:30:00"));
  EXPECT_THAT(Dues("cron@30 9 * * *", "2025-01-01 09:30:00", 1),
              ElementsAre("2025-01-02 09:30:00"));
}

TEST(CronTest, IsDueAtWholeSecondsStrictlyAfterAnyMillisecond) {
  const Recurrence every_second = Parsed("cron@* * * * * *");
  const Millis t = Utc("2025-01-01 00:00:05");
  EXPECT_EQ(every_second.Next(t - milliseconds{1}), t);
  EXPECT_EQ(every_second.Next(t), t + milliseconds{1000});
  EXPECT_EQ(every_second.Next(t + milliseconds{1}), t + milliseconds{1000});
  EXPECT_EQ(every_second.Next(t + milliseconds{999}), t + milliseconds{1000});
}

TEST(CronTest, SundayIsZeroAndSeven) {
  for (const char* expression :
       {"cron@0 0 * * 0", "cron@0 0 * * 7", "cron@0 0 * * SUN", "cron@0 0 * * sun"}) {
    EXPECT_THAT(Dues(expression, "2025-01-01", 2),
                ElementsAre("2025-01-05 00:00:00", "2025-01-12 00:00:00"))
        << expression;
  }
}

TEST(CronTest, WeekdayOneIsMonday) {
  EXPECT_THAT(Dues("cron@0 0 * * 1", "2025-01-01", 1), ElementsAre("2025-01-06 00:00:00"));
}

TEST(CronTest, RangeOfWeekdaysMayEndWithSunday) {
  for (const char* expression : {"cron@0 0 * * 5-7", "cron@0 0 * * FRI-SUN", "cron@0 0 * * 5-0"}) {
    EXPECT_THAT(Dues(expression, "2025-01-01", 4),
                ElementsAre("2025-01-03 00:00:00", "2025-01-04 00:00:00", "2025-01-05 00:00:00",
                            "2025-01-10 00:00:00"))
        << expression;
  }
}

TEST(CronTest, StepOfWeekdaysBeginsWithSunday) {
  EXPECT_THAT(Dues("cron@0 0 * * */3", "2025-01-01", 3),
              ElementsAre("2025-01-04 00:00:00", "2025-01-05 00:00:00", "2025-01-08 00:00:00"));
  EXPECT_THAT(Dues("cron@0 0 * * 2/2", "2025-01-01", 3),
              ElementsAre("2025-01-02 00:00:00", "2025-01-04 00:00:00", "2025-01-07 00:00:00"));
}

TEST(CronTest, MonthsHaveNames) {
  EXPECT_THAT(Dues("cron@0 0 1 feb,Apr-JUN *", "2025-01-01", 5),
              ElementsAre("2025-02-01 00:00:00", "2025-04-01 00:00:00", "2025-05-01 00:00:00",
                          "2025-06-01 00:00:00", "2026-02-01 00:00:00"));
}

TEST(CronTest, ListsRangesAndSteps) {
  EXPECT_THAT(Dues("cron@5,1,20-22,30-40/5,57/2 3 * * *", "2025-01-01", 11),
              ElementsAre("2025-01-01 03:01:00", "2025-01-01 03:05:00", "2025-01-01 03:20:00",
                          "2025-01-01 03:21:00", "2025-01-01 03:22:00", "2025-01-01 03:30:00",
                          "2025-01-01 03:35:00", "2025-01-01 03:40:00", "2025-01-01 03:57:00",
                          "2025-01-01 03:59:00", "2025-01-02 03:01:00"));
}

TEST(CronTest, StepCountsFromTheSmallestValue) {
  EXPECT_THAT(Dues("cron@0 0 */10 * *", "2025-01-01", 4),
              ElementsAre("2025-01-11 00:00:00", "2025-01-21 00:00:00", "2025-01-31 00:00:00",
                          "2025-02-01 00:00:00"));
}

TEST(CronTest, SixthLeadingFieldIsSeconds) {
  EXPECT_THAT(Dues("cron@*/30 59 23 31 12 *", "2025-01-01", 3),
              ElementsAre("2025-12-31 23:59:00", "2025-12-31 23:59:30", "2026-12-31 23:59:00"));
  EXPECT_THAT(Dues("cron@15 0 9 * * Fri", "2025-01-01", 1), ElementsAre("2025-01-03 09:00:15"));
}

TEST(CronTest, EitherDayCountsWhenBothAreRestricted) {
  EXPECT_THAT(Dues("cron@0 0 13 * 5", "2025-06-01", 5),
              ElementsAre("2025-06-06 00:00:00", "2025-06-13 00:00:00", "2025-06-20 00:00:00",
                          "2025-06-27 00:00:00", "2025-07-04 00:00:00"));
  EXPECT_THAT(Dues("cron@0 0 31 2 1", "2025-01-01", 2),
              ElementsAre("2025-02-03 00:00:00", "2025-02-10 00:00:00"));
}

TEST(CronTest, BothDaysCountWhenOneBeginsWithAStar) {
  EXPECT_THAT(Dues("cron@0 0 */2 * 1", "2025-01-01", 3),
              ElementsAre("2025-01-13 00:00:00", "2025-01-27 00:00:00", "2025-02-03 00:00:00"));
  EXPECT_THAT(Dues("cron@0 0 13 * *", "2025-01-01", 2),
              ElementsAre("2025-01-13 00:00:00", "2025-02-13 00:00:00"));
}

TEST(CronTest, LeapDaySkipsTheYear2100) {
  EXPECT_THAT(Dues("cron@0 0 29 2 *", "2093-01-01", 3),
              ElementsAre("2096-02-29 00:00:00", "2104-02-29 00:00:00", "2108-02-29 00:00:00"));
}

TEST(CronTest, LeapDayOnASundayIsFoundFortyYearsAhead) {
  EXPECT_THAT(Dues("cron@0 0 29 2 */7", "2073-01-01", 2),
              ElementsAre("2088-02-29 00:00:00", "2128-02-29 00:00:00"));
}

TEST(CronTest, DayThatOnlySomeMonthsHaveSkipsTheOthers) {
  EXPECT_THAT(Dues("cron@0 12 31 * *", "2025-01-01", 3),
              ElementsAre("2025-01-31 12:00:00", "2025-03-31 12:00:00", "2025-05-31 12:00:00"));
}

TEST(CronTest, EndsWithTheYear9999) {
  EXPECT_THAT(Dues("cron@59 59 23 31 12 *", "9998-12-31 23:59:58", 3),
              ElementsAre("9998-12-31 23:59:59", "9999-12-31 23:59:59", "none"));
  EXPECT_THAT(Dues("cron@0 0 29 2 * America/New_York", "9996-03-01", 1), ElementsAre("none"));
}

TEST(CronTest, HasNoDueTimesOutsideTheCalendar) {
  const Recurrence recurrence = Parsed("cron@* * * * *");
  EXPECT_EQ(recurrence.Next(Millis{-1}), std::nullopt);
  EXPECT_EQ(recurrence.Next(Millis::min()), std::nullopt);
  EXPECT_EQ(recurrence.Next(Millis::max()), std::nullopt);
  EXPECT_EQ(recurrence.LastUntil(Millis::min(), Millis::max()), std::nullopt);
  EXPECT_EQ(Show(recurrence.LastUntil(Millis{0}, Millis::max())), "9999-12-31 23:59:00");
}

TEST(CronTest, LastWordMayBeATimeZone) {
  EXPECT_THAT(Dues("cron@0 9 * * 1-5 Europe/Berlin", "2025-01-03 09:00:00", 1),
              ElementsAre("2025-01-06 08:00:00"));
  EXPECT_THAT(Dues("cron@0 0 9 * * MON-FRI America/New_York", "2025-01-03 20:00:00", 1),
              ElementsAre("2025-01-06 14:00:00"));
  EXPECT_EQ(Parsed("cron@0 9 * * 1-5 UTC", "Europe/Berlin").zone(), "UTC");
  EXPECT_EQ(Parsed("cron@0 9 * * 1-5 Etc/GMT+5").zone(), "Etc/GMT+5");
  EXPECT_EQ(Parsed("cron@0 9 * * 1-5 MET").zone(), "MET");
}

TEST(CronTest, DefaultZoneCountsWhereNoneIsNamed) {
  EXPECT_EQ(Parsed("cron@0 9 * * *").zone(), "UTC");
  EXPECT_EQ(Parsed("cron@0 9 * * *", "Asia/Tokyo").zone(), "Asia/Tokyo");
  EXPECT_EQ(Parsed("cron@0 0 9 * * Mon,tue-FRI", "Asia/Tokyo").zone(), "Asia/Tokyo");
  EXPECT_EQ(Show(Parsed("cron@0 9 * * *", "Asia/Tokyo").First(Utc("2025-01-01"))),
            "2025-01-02 00:00:00");
}

TEST(CronTest, BlanksMaySurroundFields) {
  EXPECT_THAT(Dues("cron@  0\t9   * * *  ", "2025-01-01", 1), ElementsAre("2025-01-01 09:00:00"));
}

TEST(CronTest, AliasesStandForFields) {
  EXPECT_THAT(Dues("cron@@hourly", "2025-01-01", 1), ElementsAre("2025-01-01 01:00:00"));
  EXPECT_THAT(Dues("cron@@daily", "2025-01-01", 1), ElementsAre("2025-01-02 00:00:00"));
  EXPECT_THAT(Dues("cron@@midnight Asia/Tokyo", "2025-01-01", 1),
              ElementsAre("2025-01-01 15:00:00"));
  EXPECT_THAT(Dues("cron@@weekly", "2025-01-01", 1), ElementsAre("2025-01-05 00:00:00"));
  EXPECT_THAT(Dues("cron@@monthly", "2025-01-01", 1), ElementsAre("2025-02-01 00:00:00"));
  EXPECT_THAT(Dues("cron@@yearly", "2025-01-01", 1), ElementsAre("2026-01-01 00:00:00"));
  EXPECT_THAT(Dues("cron@@annually", "2025-01-01", 1), ElementsAre("2026-01-01 00:00:00"));
}

TEST(CronTest, KeepsItsText) { EXPECT_EQ(Parsed("cron@ 0 9 * * *").text(), "cron@ 0 9 * * *"); }

TEST(CronTest, RefusalNamesTheExpressionAndTheItem) {
  EXPECT_EQ(Refusal("cron@61 * * * *"),
            "schedule \"cron@61 * * * *\": minute 61 is not between 0 and 59");
  EXPECT_THAT(Refusal("cron@60 0 0 * * *"), HasSubstr("second 60 is not between 0 and 59"));
  EXPECT_THAT(Refusal("cron@* 24 * * *"), HasSubstr("hour 24 is not between 0 and 23"));
  EXPECT_THAT(Refusal("cron@* * 0 * *"), HasSubstr("day of month 0 is not between 1 and 31"));
  EXPECT_THAT(Refusal("cron@* * * 13 *"), HasSubstr("month 13 is not between 1 and 12"));
  EXPECT_THAT(Refusal("cron@* * * * 8"), HasSubstr("day of week 8 is not between 0 and 7"));
  EXPECT_THAT(Refusal("cron@99999999999 * * * *"), HasSubstr("minute 99999999999 is not between"));
  EXPECT_THAT(Refusal("cron@* * * FOO *"), HasSubstr("month \"FOO\" is not a number or a name"));
  EXPECT_THAT(Refusal("cron@* * ? * *"), HasSubstr("day of month \"?\" is not a number"));
}

TEST(CronTest, RefusesMalformedFields) {
  for (const char* field :
       {"",   "-1",  "1-",    "-",  ",",   "1,",  ",1",  "*/0", "*/",    "*/60",
        "/5", "5/x", "1-2-3", "**", "*-5", "5-1", "1.5", "+1",  "1/2/3", "0x1"}) {
    const std::string expression = "cron@" + std::string(field) + " * * * *";
    EXPECT_NE(Refusal(expression), "") << expression;
  }
}

TEST(CronTest, RefusesAWrongNumberOfFields) {
  EXPECT_THAT(Refusal("cron@"), HasSubstr("0 fields"));
  EXPECT_THAT(Refusal("cron@* * * *"), HasSubstr("4 fields; use [second] minute hour"));
  EXPECT_THAT(Refusal("cron@* * * * * * *"), HasSubstr("7 fields"));
  EXPECT_THAT(Refusal("cron@* * * * UTC"), HasSubstr("day of week \"UTC\" is not a number"));
  EXPECT_THAT(Refusal("cron@@reboot"), HasSubstr("1 fields"));
}

TEST(CronTest, RefusesUnknownZones) {
  EXPECT_THAT(
      Refusal("cron@0 9 * * * Mars/Olympus"),
      HasSubstr("time zone \"Mars/Olympus\" is not known; use a name of the IANA database"));
  EXPECT_THAT(Refusal("cron@0 9 * * *", "Nowhere"),
              HasSubstr("time zone \"Nowhere\" is not known"));
  EXPECT_THAT(Refusal("cron@0 9 * * * x/../UTC"), HasSubstr("is not known"));
}

TEST(CronTest, RefusesDatesThatNeverCome) {
  EXPECT_EQ(
      Refusal("cron@0 0 30 2 *"),
      "schedule \"cron@0 0 30 2 *\": day of month 30 never comes in month 2; use a day that the "
      "month has");
  EXPECT_NE(Refusal("cron@0 0 31 4 *"), "");
  EXPECT_NE(Refusal("cron@0 0 31 4,6,9,NOV *"), "");
  EXPECT_NE(Refusal("cron@0 0 31 4 */2"), "");
  EXPECT_EQ(Refusal("cron@0 0 31 4,5 *"), "");
  EXPECT_EQ(Refusal("cron@0 0 29 2 *"), "");
}

TEST(CronTest, RefusesOtherPrefixesAndUnprintableText) {
  EXPECT_THAT(Refusal("* * * * *"), HasSubstr("begins with neither cron@ nor interval@"));
  EXPECT_THAT(Refusal("interval0 0 10 0"), HasSubstr("begins with neither"));
  EXPECT_EQ(Refusal("cron@* *\n* * *"),
            "schedule \"cron@* *?* * *\": only printable ASCII characters and blanks are allowed");
  EXPECT_THAT(Refusal("cron@" + std::string(300, '*')), HasSubstr("longer than 256 bytes"));
}

}  // namespace
}  // namespace aiflow
