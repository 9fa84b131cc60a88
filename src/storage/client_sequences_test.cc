#include "storage/client_sequences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using Range = std::pair<int64_t, int64_t>;

TEST(ClientKeyTest, ReadsKeysOfClientsAndNothingElse) {
  const auto key = ParseClientKey("c/12/345");
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->client, 12);
  EXPECT_EQ(key->sequence, 345);
  EXPECT_TRUE(ParseClientKey("c/1/0").has_value());
  for (const char* other : {"", "c/", "c/1", "c/1/", "c//1", "c/01/1", "c/1/01", "c/1/1x", "c/-1/1",
                            "c/1/+1", "w/1/1", "c/1/99999999999999999999", "i/c/1/1", "c/1/1/1"}) {
    EXPECT_FALSE(ParseClientKey(other).has_value()) << other;
  }
}

TEST(ClientSequencesTest, NumbersInOrderAreOneRange) {
  ClientSequences sequences;
  for (int64_t n = 1; n <= 1000; ++n) sequences.Add({7, n});
  EXPECT_THAT(sequences.ranges().at(7), ElementsAre(Range{1, 1000}));
  EXPECT_TRUE(sequences.Contains({7, 1000}));
  EXPECT_FALSE(sequences.Contains({7, 1001}));
  EXPECT_FALSE(sequences.Contains({8, 1}));
  sequences.Forget(7);
  EXPECT_FALSE(sequences.Contains({7, 1}));
}

TEST(ClientSequencesTest, AgreesWithASetInAnyOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    ClientSequences sequences;
    std::set<int64_t> model;
    for (int i = 0; i < 60; ++i) {
      const auto number = static_cast<int64_t>(random() % 100);
      sequences.Add({1, number});
      model.insert(number);
    }
    for (int64_t n = -1; n <= 101; ++n) {
      ASSERT_EQ(sequences.Contains({1, n}), model.contains(n)) << n;
    }
    const auto& ranges = sequences.ranges().at(1);
    for (size_t i = 1; i < ranges.size(); ++i) {
      ASSERT_GT(ranges[i].first, ranges[i - 1].second + 1);
    }
  }
}

TEST(ClientSequencesTest, TheLowestGapsCloseWhenThereAreTooMany) {
  ClientSequences sequences;
  constexpr auto kRanges = static_cast<int64_t>(ClientSequences::kMaxRanges);
  for (int64_t n = 0; n < kRanges + 2; ++n) sequences.Add({1, n * 2});
  EXPECT_EQ(sequences.ranges().at(1).size(), ClientSequences::kMaxRanges);
  EXPECT_TRUE(sequences.Contains({1, 1}));
  EXPECT_TRUE(sequences.Contains({1, 3}));
  EXPECT_FALSE(sequences.Contains({1, 5}));
}

}  // namespace
}  // namespace aiflow
