#include "engine/crash_guard.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace aiflow {
namespace {

constexpr size_t kBatch = 100;

RecoveryRow At(Offset offset, int64_t part = 0) { return {.offset = offset, .part = part}; }

TEST(CrashGuardTest, Rule22AnEventIsQuarantinedAfterSoManyServersHaveDiedAtIt) {
  RecoveryRow stored;
  for (int64_t crash = 0; crash < limits::kMaxCrashes; ++crash) {
    CrashGuard guard;
    guard.Begin(stored, At(7), /*pending=*/true, kBatch);
    EXPECT_EQ(guard.treatment(), Treatment::kDecide);
    ASSERT_TRUE(guard.Note().has_value());
    stored = *guard.Note();
  }
  CrashGuard guard;
  guard.Begin(stored, At(7), true, kBatch);
  EXPECT_EQ(guard.treatment(), Treatment::kQuarantine);
  guard.Moved(At(8), false);
  EXPECT_EQ(guard.treatment(), Treatment::kDecide) << "the event behind it is decided as ever";
}

TEST(CrashGuardTest, WhenEvenTheQuarantineTakesItDownItIsSetAside) {
  CrashGuard guard;
  guard.Begin({.offset = 7, .crashes = 2 * limits::kMaxCrashes}, At(7), true, kBatch);
  EXPECT_EQ(guard.treatment(), Treatment::kSetAside);
}

TEST(CrashGuardTest, ProgressMakesTheCountBeginAnew) {
  CrashGuard guard;
  guard.Begin({.offset = 7, .crashes = 3}, At(8), true, kBatch);
  EXPECT_EQ(guard.treatment(), Treatment::kDecide);
  EXPECT_EQ(guard.Note()->crashes, 1);
  guard.Begin({.offset = 7, .part = 1, .crashes = 3}, At(7, 2), true, kBatch);
  EXPECT_EQ(guard.treatment(), Treatment::kDecide) << "another part is progress, too";
}

TEST(CrashGuardTest, AnIdleServerThatDiesHasNothingToDoWithTheNextEvent) {
  CrashGuard guard;
  guard.Begin({}, At(7), /*pending=*/false, kBatch);
  EXPECT_FALSE(guard.Note().has_value());
}

TEST(CrashGuardTest, Rule22AfterACrashEachEventOfABatchIsCommittedAlone) {
  CrashGuard guard;
  guard.Begin({}, At(7), true, kBatch);
  EXPECT_EQ(guard.MaxEvents(512), 512U);
  guard.Begin({.offset = 7, .crashes = 1}, At(7), true, kBatch);
  EXPECT_EQ(guard.MaxEvents(512), 1U);
  EXPECT_EQ(guard.NoteWith(At(8))->crashes, 1);
  for (size_t i = 1; i <= kBatch; ++i) guard.Moved(At(7 + static_cast<Offset>(i)), true);
  EXPECT_EQ(guard.MaxEvents(512), 512U) << "it was none of them";
  EXPECT_FALSE(guard.NoteWith(At(9)).has_value());
}

TEST(CrashGuardTest, AServerThatEndsByItselfTakesItsNoteBack) {
  CrashGuard guard;
  guard.Begin({.offset = 7, .crashes = 2}, At(7), true, kBatch);
  EXPECT_FALSE(guard.Withdrawal().has_value()) << "it has not begun";
  guard.Noted();
  EXPECT_EQ(guard.Withdrawal()->crashes, 2);
  guard.Moved(At(8), /*noted=*/true);
  EXPECT_EQ(guard.Withdrawal()->offset, 8);
  EXPECT_EQ(guard.Withdrawal()->crashes, 0);
  guard.Moved(At(9), /*noted=*/false);
  EXPECT_FALSE(guard.Withdrawal().has_value());
}

TEST(CrashGuardTest, AnOldNoteFarBehindMeansNothing) {
  CrashGuard guard;
  guard.Begin({.offset = 7, .crashes = 2}, At(7 + 101), true, kBatch);
  EXPECT_EQ(guard.MaxEvents(512), 512U);
}

}  // namespace
}  // namespace aiflow
