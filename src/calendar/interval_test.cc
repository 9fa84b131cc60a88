#include <gmock/gmock.h>

#include "calendar/recurrence_testing.h"

namespace aiflow {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

Millis Length(std::string_view expression) {
  return Parsed(expression).First(Millis{0}).value_or(Millis{-1});
}

TEST(IntervalTest, AddsDaysHoursMinutesAndSeconds) {
  EXPECT_EQ(Length("interval@0 0 10 0"), minutes{10});
  EXPECT_EQ(Length("interval@1 2 3 4"), days{1} + hours{2} + minutes{3} + seconds{4});
  EXPECT_EQ(Length("interval@0 0 0 90"), seconds{90});
}

TEST(IntervalTest, CountsFromThePreviousTimeToTheMillisecond) {
  const Recurrence recurrence = Parsed("interval@0 0 0 2");
  EXPECT_EQ(recurrence.First(Millis{1234}), Millis{3234});
  EXPECT_EQ(recurrence.Next(Millis{3234}), Millis{5234});
}

TEST(IntervalTest, EmptyItemIsZero) {
  EXPECT_EQ(Length("interval@  10 "), minutes{10});
  EXPECT_EQ(Length("interval@1   "), days{1});
  EXPECT_EQ(Length("interval@   5"), seconds{5});
}

TEST(IntervalTest, AllZeroIsOneSecond) {
  EXPECT_EQ(Length("interval@0 0 0 0"), seconds{1});
  EXPECT_EQ(Length("interval@   "), seconds{1});
}

TEST(IntervalTest, RefusesOtherThanFourItems) {
  EXPECT_THAT(Refusal("interval@"), HasSubstr("four items"));
  EXPECT_THAT(Refusal("interval@10 0 0"), HasSubstr("four items"));
  EXPECT_THAT(Refusal("interval@0 0 10 0 0"), HasSubstr("four items"));
  EXPECT_THAT(Refusal("interval@0  0 10 0"), HasSubstr("four items"));
}

TEST(IntervalTest, RefusesWhatIsNotACount) {
  EXPECT_EQ(Refusal("interval@0 0 -5 0"),
            "schedule \"interval@0 0 -5 0\": minutes \"-5\" are negative; use 0 or more");
  EXPECT_THAT(Refusal("interval@0 0 x 0"), HasSubstr("minutes \"x\" are not a number"));
  EXPECT_THAT(Refusal("interval@0 1.5 0 0"), HasSubstr("hours \"1.5\" are not a number"));
}

TEST(IntervalTest, HasALargestLength) {
  EXPECT_EQ(Length("interval@36525 0 0 0"), Recurrence::kMaxInterval);
  EXPECT_THAT(Refusal("interval@36525 0 0 1"), HasSubstr("longer than 36525 days"));
  EXPECT_THAT(Refusal("interval@99999999999999999999999999 0 0 0"), HasSubstr("longer than"));
  EXPECT_THAT(Refusal("interval@0 0 0 18446744073709551617"), HasSubstr("longer than"));
}

TEST(IntervalTest, LastUntilKeepsTheBeat) {
  const Recurrence recurrence = Parsed("interval@0 0 0 1");
  EXPECT_EQ(recurrence.LastUntil(Millis{500}, Millis{1499}), std::nullopt);
  EXPECT_EQ(recurrence.LastUntil(Millis{500}, Millis{1500}), Millis{1500});
  EXPECT_EQ(recurrence.LastUntil(Millis{500}, Millis{10'000'000'499}), Millis{9'999'999'500});
  EXPECT_EQ(recurrence.LastUntil(Millis{500}, Millis{499}), std::nullopt);
}

TEST(IntervalTest, CountUntilIsCapped) {
  const Recurrence recurrence = Parsed("interval@0 0 0 1");
  EXPECT_EQ(recurrence.CountUntil(Millis{500}, Millis{1499}, 10), 0U);
  EXPECT_EQ(recurrence.CountUntil(Millis{500}, Millis{3500}, 10), 3U);
  EXPECT_EQ(recurrence.CountUntil(Millis{500}, Millis{10'000'000'499}, 10), 10U);
  EXPECT_EQ(recurrence.CountUntil(Millis{500}, Millis{0}, 10), 0U);
}

TEST(IntervalTest, EndsWithTheCalendar) {
  const Recurrence recurrence = Parsed("interval@1 0 0 0");
  EXPECT_EQ(recurrence.Next(Recurrence::kLastTime - days{1}), Recurrence::kLastTime);
  EXPECT_EQ(recurrence.Next(Recurrence::kLastTime), std::nullopt);
  EXPECT_EQ(recurrence.Next(Millis::max()), std::nullopt);
  EXPECT_EQ(recurrence.Next(Millis{-1}), std::nullopt);
  EXPECT_EQ(recurrence.LastUntil(Millis{0}, Millis::max()),
            Recurrence::kLastTime - days{1} + Millis{1});
  EXPECT_EQ(recurrence.LastUntil(Millis::min(), Millis::max()), std::nullopt);
}

TEST(IntervalTest, HasNoZone) { EXPECT_EQ(Parsed("interval@0 0 1 0", "Asia/Tokyo").zone(), ""); }

}  // namespace
}  // namespace aiflow
