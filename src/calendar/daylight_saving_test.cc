#include <gmock/gmock.h>

#include "calendar/recurrence_testing.h"

namespace aiflow {
namespace {

using testing::ElementsAre;

// Berlin 2025: forward on 30 March, 02:00 -> 03:00 at 01:00 UTC; back on 26 October, 03:00 -> 02:00
// at 01:00 UTC. New York 2025: 9 March at 07:00 UTC; 2 November at 06:00 UTC. Lord Howe (half an
// hour): back on 6 April 2025, 02:00 -> 01:30 at 15:00 UTC of the 5th; forward on 5 October, 02:00
// -> 02:30 at 15:30 UTC of the 4th.

TEST(DaylightSavingTest, FixedHourKeepsItsLocalTime) {
  EXPECT_THAT(Dues("cron@0 9 * * * Europe/Berlin", "2025-03-29", 3),
              ElementsAre("2025-03-29 08:00:00", "2025-03-30 07:00:00", "2025-03-31 07:00:00"));
}

TEST(DaylightSavingTest, FixedHourInAGapIsDueAtItsEnd) {
  EXPECT_THAT(Dues("cron@30 2 * * * Europe/Berlin", "2025-03-29", 3),
              ElementsAre("2025-03-29 01:30:00", "2025-03-30 01:00:00", "2025-03-31 00:30:00"));
  EXPECT_THAT(Dues("cron@30 2 * * * America/New_York", "2025-03-08", 3),
              ElementsAre("2025-03-08 07:30:00", "2025-03-09 07:00:00", "2025-03-10 06:30:00"));
  EXPECT_THAT(Dues("cron@15 2 * * * Australia/Lord_Howe", "2025-10-03", 3),
              ElementsAre("2025-10-03 15:45:00", "2025-10-04 15:30:00", "2025-10-05 15:15:00"));
}

TEST(DaylightSavingTest, FixedHourInAGapIsDueUpToTheLastMillisecondBefore) {
  const Recurrence recurrence = Parsed("cron@30 2 * * * Europe/Berlin");
  const Millis skipped = Utc("2025-03-30 01:00:00");
  EXPECT_EQ(recurrence.Next(skipped - std::chrono::seconds{1}), skipped);
  EXPECT_EQ(recurrence.Next(skipped - Millis{1}), skipped);
  EXPECT_EQ(recurrence.LastUntil(Utc("2025-01-01"), skipped + Millis{1}), skipped);
  EXPECT_EQ(recurrence.LastUntil(Utc("2025-01-01"), skipped), skipped);
  EXPECT_EQ(Show(recurrence.LastUntil(Utc("2025-01-01"), skipped - Millis{1})),
            "2025-03-29 01:30:00");
}

TEST(DaylightSavingTest, TimesInOneGapAreDueOnceTogether) {
  EXPECT_THAT(Dues("cron@*/20 2,3 * * * Europe/Berlin", "2025-03-30", 4),
              ElementsAre("2025-03-30 01:00:00", "2025-03-30 01:20:00", "2025-03-30 01:40:00",
                          "2025-03-31 00:00:00"));
}

TEST(DaylightSavingTest, FixedHourThatRepeatsIsDueFirstTimeOnly) {
  EXPECT_THAT(Dues("cron@*/30 2 * * * Europe/Berlin", "2025-10-25 12:00:00", 3),
              ElementsAre("2025-10-26 00:00:00", "2025-10-26 00:30:00", "2025-10-27 01:00:00"));
  EXPECT_THAT(Dues("cron@30 1 * * * America/New_York", "2025-11-01 12:00:00", 2),
              ElementsAre("2025-11-02 05:30:00", "2025-11-03 06:30:00"));
  EXPECT_THAT(Dues("cron@0,45 1 * * * Australia/Lord_Howe", "2025-04-05", 3),
              ElementsAre("2025-04-05 14:00:00", "2025-04-05 14:45:00", "2025-04-06 14:30:00"));
}

TEST(DaylightSavingTest, FixedHourIsNotDueAgainWhenAskedInsideTheRepeat) {
  EXPECT_THAT(Dues("cron@30 2 * * * Europe/Berlin", "2025-10-26 01:10:00", 1),
              ElementsAre("2025-10-27 01:30:00"));
  EXPECT_THAT(Dues("cron@* * 2 * * * Europe/Berlin", "2025-10-26 00:59:58", 2),
              ElementsAre("2025-10-26 00:59:59", "2025-10-27 01:00:00"));
}

TEST(DaylightSavingTest, HoursSpelledOutAreFixed) {
  EXPECT_THAT(Dues("cron@0 0-23 * * * Europe/Berlin", "2025-10-25 23:00:00", 3),
              ElementsAre("2025-10-26 00:00:00", "2025-10-26 02:00:00", "2025-10-26 03:00:00"));
}

TEST(DaylightSavingTest, AnyHourIsDueEveryRealQuarter) {
  EXPECT_THAT(Dues("cron@*/15 * * * * Europe/Berlin", "2025-10-26 00:30:00", 6),
              ElementsAre("2025-10-26 00:45:00", "2025-10-26 01:00:00", "2025-10-26 01:15:00",
                          "2025-10-26 01:30:00", "2025-10-26 01:45:00", "2025-10-26 02:00:00"));
  EXPECT_THAT(Dues("cron@*/15 * * * * Europe/Berlin", "2025-03-30 00:30:00", 3),
              ElementsAre("2025-03-30 00:45:00", "2025-03-30 01:00:00", "2025-03-30 01:15:00"));
  EXPECT_THAT(Dues("cron@@hourly America/New_York", "2025-11-02 04:00:00", 4),
              ElementsAre("2025-11-02 05:00:00", "2025-11-02 06:00:00", "2025-11-02 07:00:00",
                          "2025-11-02 08:00:00"));
}

TEST(DaylightSavingTest, AnyHourFollowsTheWallClockThroughHalfAnHour) {
  EXPECT_THAT(Dues("cron@45 * * * * Australia/Lord_Howe", "2025-04-05 14:00:00", 3),
              ElementsAre("2025-04-05 14:45:00", "2025-04-05 15:15:00", "2025-04-05 16:15:00"));
  EXPECT_THAT(Dues("cron@15 * * * * Australia/Lord_Howe", "2025-10-04 14:00:00", 3),
              ElementsAre("2025-10-04 14:45:00", "2025-10-04 16:15:00", "2025-10-04 17:15:00"))
      << "02:15 does not exist";
}

TEST(DaylightSavingTest, AnyHourIsDueInARepeatedHourThatIsTheLastOfItsYear) {
  // Santiago went back from midnight to 23:00 at the end of 5 April 2025, 03:00 UTC of the 6th.
  EXPECT_THAT(Dues("cron@30 */23 5 4 * America/Santiago", "2025-04-06 02:00:00", 3),
              ElementsAre("2025-04-06 02:30:00", "2025-04-06 03:30:00", "2026-04-05 04:30:00"));
}

TEST(DaylightSavingTest, StepOfHoursPassesOverAGap) {
  EXPECT_THAT(Dues("cron@0 */2 * * * Europe/Berlin", "2025-03-29 22:30:00", 3),
              ElementsAre("2025-03-29 23:00:00", "2025-03-30 02:00:00", "2025-03-30 04:00:00"));
}

TEST(DaylightSavingTest, LastingChangesOfTheOffsetCountLikeOthers) {
  // Moscow went back from +4 to +3 for good on 26 October 2014 at 02:00, 22:00 UTC of the 25th.
  EXPECT_THAT(Dues("cron@30 1 * * * Europe/Moscow", "2014-10-25", 2),
              ElementsAre("2014-10-25 21:30:00", "2014-10-26 22:30:00"));
  // Pyongyang went forward from +8:30 to +9 at 23:30 on 4 May 2018, 15:00 UTC.
  EXPECT_THAT(Dues("cron@45 23 * * * Asia/Pyongyang", "2018-05-03 15:30:00", 2),
              ElementsAre("2018-05-04 15:00:00", "2018-05-05 14:45:00"));
}

TEST(DaylightSavingTest, DayThatAZoneLeftOutIsDueAtItsEnd) {
  // Apia had no 30 December 2011: from -10 to +14 at its beginning, 10:00 UTC.
  EXPECT_THAT(Dues("cron@0 9 * * * Pacific/Apia", "2011-12-29", 3),
              ElementsAre("2011-12-29 19:00:00", "2011-12-30 10:00:00", "2011-12-30 19:00:00"));
}

TEST(DaylightSavingTest, RareDateIsFoundAcrossYearsOfChanges) {
  EXPECT_THAT(Dues("cron@0 * 29 2 */7 Europe/Berlin", "2088-03-01", 1),
              ElementsAre("2128-02-28 23:00:00"));
}

TEST(DaylightSavingTest, GoesOnAfterTheListedYears) {
  EXPECT_THAT(Dues("cron@30 2 * * * Europe/Berlin", "2050-03-26 12:00:00", 2),
              ElementsAre("2050-03-27 01:00:00", "2050-03-28 00:30:00"));
  EXPECT_THAT(Dues("cron@30 2 * * * Europe/Berlin", "2100-10-30 12:00:00", 2),
              ElementsAre("2100-10-31 00:30:00", "2100-11-01 01:30:00"));
}

}  // namespace
}  // namespace aiflow
