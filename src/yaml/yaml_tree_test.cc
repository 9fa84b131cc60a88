#include "yaml/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/limits.h"

namespace aiflow::yaml {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Node::Ptr One(const std::string& text) {
  const auto documents = ParseYaml(text, "f.yaml");
  EXPECT_TRUE(documents.has_value()) << documents.error();
  if (!documents.has_value() || documents->size() != 1) return nullptr;
  return documents->front();
}

std::string ErrorOf(const std::string& text) {
  const auto documents = ParseYaml(text, "f.yaml");
  EXPECT_FALSE(documents.has_value()) << text;
  return documents.has_value() ? "" : documents.error().message();
}

TEST(YamlTreeTest, NodesKnowTheirPlaceAndWhetherTheyWereQuoted) {
  const auto node = One("a: 1\nb:\n  - 'x'\n  -\n");
  ASSERT_NE(node, nullptr);
  const Node* a = node->Find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->text, "1");
  EXPECT_FALSE(a->quoted);
  EXPECT_EQ(a->at.line, 1);
  EXPECT_EQ(a->at.column, 4);
  const Node* b = node->Find("b");
  ASSERT_NE(b, nullptr);
  ASSERT_EQ(b->items.size(), 2U);
  EXPECT_TRUE(b->items[0]->quoted);
  EXPECT_EQ(b->items[0]->at.line, 3);
  EXPECT_EQ(b->items[1]->kind, Node::Kind::kNull);
  EXPECT_EQ(node->Find("c"), nullptr);
}

TEST(YamlTreeTest, EveryDocumentIsRead) {
  const auto documents = ParseYaml("a: 1\n---\nb: 2\n---\n", "f.yaml");
  ASSERT_TRUE(documents.has_value()) << documents.error();
  ASSERT_GE(documents->size(), 2U);
  EXPECT_NE((*documents)[1]->Find("b"), nullptr);
}

TEST(YamlTreeTest, WhatIsNoYamlIsNamedWithItsPlace) {
  EXPECT_THAT(ErrorOf("a: [1\nb: 2\n"), StartsWith("f.yaml:2:"));
  EXPECT_THAT(ErrorOf("a: 1\n\tb: 2\n"), StartsWith("f.yaml:"));
}

TEST(YamlTreeTest, AliasesShareWhatTheyStandFor) {
  const auto node = One("a: &x {k: 1}\nb: *x\n");
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->Find("a"), node->Find("b"));
}

TEST(YamlTreeTest, MergeKeysGiveWhatTheMappingItselfHasNot) {
  const auto node = One("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 5}\n");
  ASSERT_NE(node, nullptr);
  const Node* c = node->Find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->members.size(), 3U);
  EXPECT_EQ(c->Find("x")->text, "5");
  EXPECT_EQ(c->Find("y")->text, "2");
  EXPECT_EQ(c->Find("z")->text, "4");
  EXPECT_THAT(ErrorOf("a: {<<: 3}\n"), HasSubstr("'<<' takes mappings"));
}

TEST(YamlTreeTest, KeysAreDifferentTexts) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: the key 'a' comes twice");
  EXPECT_THAT(ErrorOf("[a, b]: 1\n"), HasSubstr("a key must be a plain text"));
}

TEST(YamlTreeTest, UnknownTagsAreRefused) {
  EXPECT_THAT(ErrorOf("a: !!python/object:os.system x\n"), HasSubstr("f.yaml:1:4: the tag "));
  EXPECT_THAT(ErrorOf("a: !mine [x]\n"), HasSubstr("!mine is not known"));
  const auto node = One("a: !!str 5\n");
  ASSERT_NE(node, nullptr);
  EXPECT_TRUE(node->Find("a")->quoted);
}

TEST(YamlTreeTest, AliasesThatContainThemselvesAreRefused) {
  EXPECT_THAT(ErrorOf("a: &x [1, *x]\n"), HasSubstr("an alias is within what it stands for"));
}

TEST(YamlTreeTest, NestingIsLimited) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NE(One(nested(limits::kMaxJsonDepth)), nullptr);
  EXPECT_THAT(ErrorOf(nested(limits::kMaxJsonDepth + 1)), HasSubstr("deeper than 200 levels"));
  EXPECT_NE(ErrorOf(nested(100'000)), "");
}

TEST(YamlTreeTest, AliasesThatMultiplyAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int j = 0; j < 8; ++j) bomb += ", " + alias;
    bomb += "]\n";
  }
  EXPECT_THAT(ErrorOf(bomb), HasSubstr("when its aliases are expanded"));
}

TEST(YamlTreeTest, AliasesThatMultiplyInManyDocumentsAreRefused) {
  std::string document = "a: &a " + std::string(1 << 20, 'x') + "\nb: [*a";
  for (int i = 0; i < 30; ++i) document += ", *a";
  document += "]\n---\n";
  EXPECT_NE(One(document.substr(0, document.size() - 4)), nullptr);
  EXPECT_THAT(ErrorOf(document + document + document), HasSubstr("when its aliases are expanded"));
}

TEST(YamlTreeTest, LargeFilesAreRefused) {
  EXPECT_THAT(ErrorOf(std::string(limits::kMaxYamlBytes + 1, ' ')), HasSubstr("over the limit"));
}

}  // namespace
}  // namespace aiflow::yaml
