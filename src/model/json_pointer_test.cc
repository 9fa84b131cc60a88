#include "model/json_pointer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/json_depth.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;

TEST(JsonPointerTest, LeadsToMembersElementsAndTheWhole) {
  const Json document = Json::parse(R"({"a": {"b": [10, 20]}, "": 1, "x/y": 2, "~1": 3, "0": 4})");
  const auto at = [&document](const char* pointer) {
    const Json* found = AtPointer(document, pointer);
    return found == nullptr ? std::string("nothing") : found->dump();
  };
  EXPECT_EQ(AtPointer(document, ""), &document);
  EXPECT_EQ(at("/a/b/1"), "20");
  EXPECT_EQ(at("/"), "1") << "the member with the empty name";
  EXPECT_EQ(at("/x~1y"), "2");
  EXPECT_EQ(at("/~01"), "3") << "~0 first would make it /";
  EXPECT_EQ(at("/0"), "4") << "an object's member may be a number";
  for (const char* nothing : {"/b", "/a/b/2", "/a/b/-", "/a/b/01", "/a/b/x", "/a/b/0/c", "/a/b/"}) {
    EXPECT_EQ(at(nothing), "nothing") << nothing;
  }
  EXPECT_EQ(AtPointer(Json(Json::value_t::discarded), "/a"), nullptr);
}

TEST(JsonPointerTest, KnowsWhatIsNoPointer) {
  for (const char* good : {"", "/", "/a", "/a/b", "/~0", "/~1a"}) EXPECT_TRUE(IsJsonPointer(good));
  for (const char* bad : {"a", "a/b", "/~", "/~2", "/a~"}) EXPECT_FALSE(IsJsonPointer(bad)) << bad;
}

TEST(JsonDepthTest, CountsArraysAndObjectsOutsideOfStrings) {
  EXPECT_FALSE(IsDeeperJson(R"([{"a": [1]}, [2]])", 3));
  EXPECT_TRUE(IsDeeperJson(R"([{"a": [1]}, [2]])", 2));
  EXPECT_FALSE(IsDeeperJson(R"(["[[[[", "\"[[[["])", 1));
  EXPECT_TRUE(IsDeeperJson(std::string(100'000, '['), 100)) << "also when it is no JSON";
}

}  // namespace
}  // namespace aiflow
