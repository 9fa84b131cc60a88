#include "model/state_writes.h"

#include <gmock/gmock.h>

#include "model/base64.h"
#include "model/limits.h"

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(StateWritesTest, ReadsNewValuesAndClearedOnes) {
  const auto writes = ParseStateWrites(R"({"b": null, "a": "Zm9v", "empty": ""})");
  ASSERT_TRUE(writes.has_value()) << writes.error();
  EXPECT_THAT(*writes, ElementsAre(StateWrite{"a", "foo"}, StateWrite{"b", std::nullopt},
                                   StateWrite{"empty", ""}));
  EXPECT_THAT(*ParseStateWrites(""), ElementsAre());
}

TEST(StateWritesTest, SaysWhatIsWrong) {
  const auto error = [](const std::string& json) {
    const auto writes = ParseStateWrites(json);
    return writes.has_value() ? "" : writes.error().message();
  };
  EXPECT_THAT(error("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(error("{"), HasSubstr("no JSON object"));
  EXPECT_THAT(error(R"({"a": 1})"), HasSubstr("state 'a' is neither"));
  EXPECT_THAT(error(R"({"a": "?"})"), HasSubstr("state 'a' is no base64"));
  EXPECT_THAT(error(R"({"": "Zg=="})"), HasSubstr("name has 0 bytes"));
}

TEST(StateWritesTest, AnAnswerWritesAMebibyteAtMost) {
  const std::string half = Base64Encode(std::string(limits::kMaxStateBytes / 2, 'x'));
  EXPECT_TRUE(ParseStateWrites("{\"a\": \"" + half + "\"}").has_value());
  const auto both = ParseStateWrites(R"({"a": ")" + half + R"(", "b": ")" + half + R"("})");
  ASSERT_FALSE(both.has_value());
  EXPECT_THAT(both.error().message(), HasSubstr("over the limit of 1048576"));
}

}  // namespace
}  // namespace aiflow
