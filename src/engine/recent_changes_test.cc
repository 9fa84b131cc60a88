#include "engine/recent_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace aiflow {
namespace {

using testing::ElementsAre;

std::vector<ExecutionId> Ids(std::initializer_list<int64_t> ids) {
  std::vector<ExecutionId> list;
  for (const int64_t id : ids) list.emplace_back(id);
  return list;
}

/// Ids of what is told behind an offset.
std::vector<int64_t> Since(const RecentChanges& changes, Offset offset) {
  std::vector<int64_t> ids;
  const auto sequence = changes.SequenceOf(offset);
  EXPECT_TRUE(sequence.has_value()) << offset;
  if (!sequence.has_value()) return ids;
  const std::vector<RecentChanges::Change> found = *changes.After(*sequence, 100);
  for (const RecentChanges::Change& change : found) ids.push_back(change.execution.value());
  return ids;
}

TEST(RecentChangesTest, TellsEachExecutionOnceAtItsLatestChange) {
  RecentChanges changes;
  changes.Note(1, Ids({7}), false);
  changes.Note(2, Ids({8, 9}), false);
  changes.Note(3, Ids({7}), false);
  EXPECT_THAT(Since(changes, 1), ElementsAre(8, 9, 7));
  EXPECT_THAT(Since(changes, 3), ElementsAre(7));
  EXPECT_THAT(Since(changes, 4), ElementsAre());
  EXPECT_THAT(Since(changes, 0), ElementsAre(8, 9, 7));
}

// The parts of one decision all have the offset before it.
TEST(RecentChangesTest, WhatChangesAtAnOffsetThatWasSeenIsNotMissed) {
  RecentChanges changes;
  changes.Note(5, Ids({1}), false);
  const uint64_t seen = changes.last();
  changes.Note(5, Ids({2}), false);
  EXPECT_EQ(changes.After(seen, 10)->size(), 1U);
  EXPECT_THAT(Since(changes, 5), ElementsAre(1, 2));
}

TEST(RecentChangesTest, ForgetsTheOldestAndSaysSo) {
  RecentChanges changes(3);
  for (Offset offset = 1; offset <= 6; ++offset) changes.Note(offset, Ids({offset}), false);
  EXPECT_THAT(Since(changes, 4), ElementsAre(4, 5, 6));
  EXPECT_FALSE(changes.SequenceOf(3).has_value());
  EXPECT_FALSE(changes.After(0, 10).has_value());
  EXPECT_EQ(changes.After(3, 10)->size(), 3U);
  // One execution that changes again and again pushes nothing out that was not told.
  RecentChanges busy(3);
  for (Offset offset = 1; offset <= 9; ++offset) busy.Note(offset, Ids({1}), false);
  EXPECT_THAT(Since(busy, 1), ElementsAre(1));
}

TEST(RecentChangesTest, PagesFollowEachOther) {
  RecentChanges changes;
  for (Offset offset = 1; offset <= 5; ++offset) changes.Note(offset, Ids({offset}), false);
  const std::vector<RecentChanges::Change> first = *changes.After(0, 2);
  ASSERT_EQ(first.size(), 2U);
  const std::vector<RecentChanges::Change> second = *changes.After(first.back().sequence, 10);
  EXPECT_EQ(second.front().execution, ExecutionId(3));
  EXPECT_EQ(second.back().offset, 5);
}

TEST(RecentChangesTest, BeforeTheStartOfTheServerNothingIsKnown) {
  RecentChanges changes;
  changes.Begin(40);
  EXPECT_FALSE(changes.SequenceOf(39).has_value());
  EXPECT_THAT(Since(changes, 40), ElementsAre());
  changes.Note(41, Ids({1}), false);
  EXPECT_THAT(Since(changes, 40), ElementsAre(1));
}

TEST(RecentChangesTest, AfterAChangeOfUnknownExtentReadersBeginAnew) {
  RecentChanges changes;
  changes.Note(1, Ids({1}), false);
  const uint64_t seen = changes.last();
  changes.Note(2, {}, true);
  EXPECT_FALSE(changes.After(seen, 10).has_value());
  EXPECT_FALSE(changes.SequenceOf(1).has_value());
  EXPECT_TRUE(changes.After(changes.last(), 10)->empty());
  // As of the offset that is committed now they may list, and watch on.
  EXPECT_THAT(Since(changes, 2), ElementsAre());
}

}  // namespace
}  // namespace aiflow
