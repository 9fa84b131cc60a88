#include "cli/text.h"

#include <gtest/gtest.h>

namespace aiflow::cli {
namespace {

TEST(Text, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("schön"), 5u);
  EXPECT_EQ(DisplayWidth("訓練"), 4u);
  EXPECT_EQ(DisplayWidth("\xff\xc3"), 2u);
}

TEST(Text, TruncateNeverSplitsACharacter) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdef", 4), "abc…");
  EXPECT_EQ(Truncate("訓練訓練", 4), "訓…");
}

TEST(Text, WrapFoldsWordsThatAreWiderThanALine) {
  EXPECT_EQ(Wrap("ab cdefghij kl", 4), (std::vector<std::string>{"ab", "cdef", "ghij", "kl"}));
  EXPECT_EQ(Wrap("", 4), (std::vector<std::string>{""}));
  EXPECT_EQ(Wrap("a\n\nb", 4), (std::vector<std::string>{"a", "", "b"}));
}

TEST(Text, ElapsedIsShort) {
  EXPECT_EQ(FormatElapsed(-5), "0.0s");
  EXPECT_EQ(FormatElapsed(12'345), "12.3s");
  EXPECT_EQ(FormatElapsed(245'000), "4m05s");
  EXPECT_EQ(FormatElapsed(3'600'000 * 3 + 60'000 * 7), "3h07m");
  EXPECT_EQ(FormatElapsed(int64_t{86'400'000} * 2 + 3'600'000 * 4), "2d04h");
}

}  // namespace
}  // namespace aiflow::cli
