#include "api/rest/path_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace aiflow::api::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

PathTemplate Parse(const std::string& text) { return *PathTemplate::Parse(text); }

TEST(PathTemplateTest, LiteralsAndVariablesMatchWholeSegments) {
  const PathTemplate path = Parse("/api/v1/namespaces/{namespace}/workflows/{name}");
  EXPECT_THAT(*path.Match("/api/v1/namespaces/default/workflows/a.b"),
              ElementsAre(Pair("namespace", "default"), Pair("name", "a.b")));
  for (const char* other :
       {"/api/v1/namespaces/default/workflows", "/api/v1/namespaces/default/workflows/",
        "/api/v1/namespaces//workflows/a", "/api/v1/namespaces/default/workflows/a/b",
        "/api/v1/namespace/default/workflows/a", "api/v1", "", "/"}) {
    EXPECT_FALSE(path.Match(other).has_value()) << other;
  }
}

TEST(PathTemplateTest, ValuesAreDecodedOnceAfterTheSegmentsAreFound) {
  const PathTemplate path = Parse("/a/{x}/b");
  EXPECT_THAT(*path.Match("/a/%C3%A4%20%2F%2541/b"), ElementsAre(Pair("x", "\xC3\xA4 /%41")));
  EXPECT_THAT(*path.Match("/a/1+1/b"), ElementsAre(Pair("x", "1+1")));
  for (const char* bad : {"/a/%/b", "/a/%4/b", "/a/%zz/b", "/a/x%00y/b"}) {
    EXPECT_FALSE(path.Match(bad).has_value()) << bad;
  }
}

TEST(PathTemplateTest, ADoubleStarTakesAllThatIsLeft) {
  const PathTemplate path = Parse("/files/{path=**}");
  EXPECT_THAT(*path.Match("/files/a/b%20c/d"), ElementsAre(Pair("path", "a/b c/d")));
  EXPECT_FALSE(path.Match("/files").has_value());
  EXPECT_FALSE(path.Match("/files/").has_value());
  EXPECT_EQ(path.shown(), "/files/{path}");
}

TEST(PathTemplateTest, WithoutVariablesThereIsNothingToTell) {
  EXPECT_THAT(*Parse("/api/v1/pools").Match("/api/v1/pools"), IsEmpty());
}

TEST(PathTemplateTest, WhatCannotBeServedIsRefused) {
  for (const char* bad :
       {"a/b", "/a//b", "/a/{x", "/a/{x=*}", "/a/{}", "/a/{x=**}/b", "/a/{x=b/*}"}) {
    const auto parsed = PathTemplate::Parse(bad);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_THAT(parsed.error().message(), HasSubstr(bad));
  }
}

}  // namespace
}  // namespace aiflow::api::rest
