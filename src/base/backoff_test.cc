#include "base/backoff.h"

#include <gtest/gtest.h>

namespace aiflow {
namespace {

using std::chrono::milliseconds;

TEST(BackoffTest, PausesGrowToALimitAndAreNeverLessThanHalfOfTheirs) {
  Backoff backoff;
  milliseconds limit = Backoff::kFirst;
  for (int i = 0; i < 20; ++i) {
    const milliseconds pause = backoff.Next();
    EXPECT_GE(pause, limit / 2);
    EXPECT_LE(pause, limit);
    limit = std::min(limit * 2, Backoff::kMax);
  }
  EXPECT_EQ(limit, Backoff::kMax);
}

TEST(BackoffTest, ASuccessBeginsAnew) {
  Backoff backoff;
  for (int i = 0; i < 20; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), Backoff::kFirst);
}

}  // namespace
}  // namespace aiflow
