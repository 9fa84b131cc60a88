#include "cli/time_text.h"

#include <gtest/gtest.h>

#include "cli/text.h"

namespace aiflow::cli {
namespace {

TEST(ParseTime, ReadsTimesWithAnOffset) {
  EXPECT_EQ(*ParseTime("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(*ParseTime("1970-01-01T00:00:01.5Z"), 1500);
  EXPECT_EQ(*ParseTime("1970-01-01T01:00+01:00"), 0);
  EXPECT_EQ(*ParseTime("1969-12-31 23:30-0030"), 0);
  EXPECT_EQ(*ParseTime("2026-01-31Z"), 1769817600000);
}

TEST(ParseTime, ReadsLocalTimesAsTheyArePrinted) {
  const int64_t time = 1769817600250;
  EXPECT_EQ(*ParseTime(FormatTime(time)), time);
}

TEST(ParseTime, RefusesWhatIsNoTimeOrDoesNotExist) {
  for (const char* text :
       {"", "2026", "31.01.2026", "2026-1-31", "2026-01-31T08", "now", "2026-02-30", "2026-13-01",
        "2026-01-31T24:00", "2026-01-31T08:60", "2026-01-31T08:00+25:00", "2026-01-31T08:00Zulu"}) {
    const auto time = ParseTime(text);
    ASSERT_FALSE(time.has_value()) << text;
    EXPECT_EQ(time.error().code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace aiflow::cli
