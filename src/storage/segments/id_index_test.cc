#include "storage/segments/id_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <random>

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

// Hashes that differ in few low bits share long runs of slots, which wrap around the end.
TEST(IdIndexTest, ErasingFindsTheRightOneAndKeepsTheOthers) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    IdIndex index;
    std::multimap<uint64_t, Offset> model;
    for (Offset offset = 1; offset <= 120; ++offset) {
      if (!model.empty() && random() % 3 == 0) {
        const auto victim = std::next(model.begin(), static_cast<int64_t>(random() % model.size()));
        index.Erase(victim->first, victim->second);
        model.erase(victim);
      }
      const uint64_t hash = random() % 8 + (random() % 2) * 13;
      index.Insert(hash, offset);
      model.emplace(hash, offset);
    }
    index.Erase(3, 999);
    ASSERT_EQ(index.size(), model.size());
    for (uint64_t hash = 0; hash < 24; ++hash) {
      std::vector<Offset> expected;
      const auto [from, to] = model.equal_range(hash);
      for (auto it = from; it != to; ++it) expected.push_back(it->second);
      ASSERT_THAT(Find(index, hash), testing::UnorderedElementsAreArray(expected)) << hash;
    }
  }
}

TEST(IdIndexTest, ErasedSpaceIsUsedAgain) {
  IdIndex index;
  for (Offset offset = 1; offset <= 100'000; ++offset) {
    index.Insert(static_cast<uint64_t>(offset) * 0x9e3779b97f4a7c15, offset);
    if (offset > 10) {
      index.Erase(static_cast<uint64_t>(offset - 10) * 0x9e3779b97f4a7c15, offset - 10);
    }
  }
  EXPECT_EQ(index.size(), 10u);
  EXPECT_LE(index.slots(), 64u * 16);
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
