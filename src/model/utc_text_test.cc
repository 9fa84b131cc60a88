#include "model/utc_text.h"

#include <gtest/gtest.h>

namespace aiflow {
namespace {

TEST(UtcTextTest, ShowsDateAndTimeAndMillisecondsWhenThereAreSome) {
  EXPECT_EQ(UtcText(Millis(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(UtcText(Millis(1'711'846'800'000)), "2024-03-31T01:00:00Z");
  EXPECT_EQ(UtcText(Millis(1'709'251'199'005)), "2024-02-29T23:59:59.005Z");
  EXPECT_EQ(UtcText(Millis(253'402'300'799'999)), "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace aiflow
