#include "api/text_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aiflow::api {
namespace {

using testing::ElementsAre;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  ForEachLine(text, [&lines](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

TEST(TextLinesTest, EveryKindOfLineEndEndsOne) {
  EXPECT_THAT(Lines("a\nb\r\nc\rd"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Lines("a\n\n"), ElementsAre("a", "", ""));
  EXPECT_THAT(Lines(""), ElementsAre(""));
}

TEST(TextLinesTest, WellFormedTextIsThatOfUnicode) {
  for (const char* good :
       {"", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
    EXPECT_EQ(ReplaceBadText(good), good);
  }
  // Overlong, a surrogate, beyond the last, a lone continuation, cut short, no first byte.
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80",
                          "\xE2\x82", "\xFF", "\xF0\x80\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(TextLinesTest, EachBadByteIsReplacedAndTheRestStays) {
  EXPECT_EQ(ReplaceBadText("a\xFF"
                           "b\xE2\x82"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace aiflow::api
