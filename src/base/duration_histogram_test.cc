#include "base/duration_histogram.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace aiflow {
namespace {

using namespace std::chrono_literals;

TEST(DurationHistogram, CountsEachDurationInTheFirstBucketThatHoldsIt) {
  DurationHistogram histogram;
  histogram.Observe(1ms);      // a bound belongs to its bucket
  histogram.Observe(1'001us);  // and nothing above it
  histogram.Observe(61s);      // above all bounds
  const auto values = histogram.Read();
  EXPECT_EQ(values.counts[2], 1);
  EXPECT_EQ(values.counts[3], 1);
  EXPECT_EQ(values.counts.back(), 1);
  EXPECT_EQ(std::accumulate(values.counts.begin(), values.counts.end(), int64_t{0}), 3);
  EXPECT_NEAR(values.sum_seconds, 61.002001, 1e-6);
}

TEST(DurationHistogram, TakesADurationSeveralTimesAndNoNegativeOne) {
  DurationHistogram histogram;
  histogram.Observe(2s, 3);
  histogram.Observe(-5s);
  const auto values = histogram.Read();
  EXPECT_EQ(values.counts[0], 1);
  EXPECT_DOUBLE_EQ(values.sum_seconds, 6);
}

}  // namespace
}  // namespace aiflow
