#include "storage/segments/id_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/segments/sip_hash.h"

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<Offset> Find(const IdIndex& index, uint64_t hash) {
  std::vector<Offset> found;
  index.Find(hash, [&](Offset offset) {
    found.push_back(offset);
    return false;
  });
  return found;
}

TEST(IdIndexTest, FindsEveryOffsetOfAHashWhileItGrows) {
  IdIndex index;
  const SipKey key{1, 2};
  for (Offset offset = 1; offset <= 20'000; ++offset) {
    index.Insert(SipHash(key, std::to_string(offset)), offset);
  }
  EXPECT_EQ(index.size(), 20'000u);
  for (Offset offset = 1; offset <= 20'000; ++offset) {
    ASSERT_THAT(Find(index, SipHash(key, std::to_string(offset))), ElementsAre(offset));
  }
  EXPECT_THAT(Find(index, SipHash(key, "none")), IsEmpty());
}

TEST(IdIndexTest, EqualHashesKeepTheirOffsetsApart) {
  IdIndex index;
  index.Insert(42, 1);
  index.Insert(42, 2);
  index.Insert(42 + 64, 3);
  EXPECT_THAT(Find(index, 42), UnorderedElementsAre(1, 2));
}

/// The vectors of the authors' reference implementation, key 00 01 .. 0f, texts 00 01 02 ...
TEST(SipHashTest, AgreesWithTheReference) {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string text;
  EXPECT_EQ(SipHash(key, text), 0x726fdb47dd0e0e31u);
  for (char c = 0; c < 15; ++c) text += c;
  EXPECT_EQ(SipHash(key, text.substr(0, 1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(SipHash(key, text.substr(0, 8)), 0x93f5f5799a932462u);
  EXPECT_EQ(SipHash(key, text), 0xa129ca6149be45e5u);
}

}  // namespace
}  // namespace aiflow
