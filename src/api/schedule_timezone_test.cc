#include "api/schedule_timezone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aiflow::api {
namespace {

using testing::HasSubstr;

TEST(CheckScheduleTimezoneTest, RefusesTwoZonesThatDiffer) {
  const Status status = CheckScheduleTimezone("cron@0 9 * * 1-5 Europe/Berlin", "America/New_York");
  EXPECT_EQ(status, Status(Code::kInvalidArgument,
                           "expression 'cron@0 9 * * 1-5 Europe/Berlin' is in the time zone "
                           "Europe/Berlin, and the time zone America/New_York is given beside it; "
                           "leave one of them out"));
  EXPECT_FALSE(CheckScheduleTimezone("cron@0 9 * * * UTC", "Europe/Berlin").ok());
}

TEST(CheckScheduleTimezoneTest, AcceptsOneZoneGivenTwice) {
  EXPECT_TRUE(CheckScheduleTimezone("cron@0 9 * * 1-5 Europe/Berlin", "Europe/Berlin").ok());
  EXPECT_TRUE(CheckScheduleTimezone("cron@0 9 * * 1-5", "Europe/Berlin").ok());
  EXPECT_TRUE(CheckScheduleTimezone("cron@@daily", "Europe/Berlin").ok());
  EXPECT_TRUE(CheckScheduleTimezone("interval@0 1 0 0", "Europe/Berlin").ok());
}

TEST(CheckScheduleTimezoneTest, RefusesAnUnknownZoneOfEveryExpression) {
  for (const char* expression : {"interval@0 1 0 0", "cron@0 9 * * *", "cron@0 9 * * * UTC"}) {
    const Status status = CheckScheduleTimezone(expression, "Europe/Berlni");
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << expression;
    EXPECT_THAT(status.message(), HasSubstr("time zone \"Europe/Berlni\" is not known"));
  }
}

TEST(CheckScheduleTimezoneTest, NamesAnExpressionThatCannotBeRead) {
  EXPECT_THAT(CheckScheduleTimezone("cron@0 25 * * *", "UTC").message(), HasSubstr("25"));
}

}  // namespace
}  // namespace aiflow::api
