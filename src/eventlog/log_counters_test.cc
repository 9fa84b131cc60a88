#include "eventlog/log_counters.h"

#include <gmock/gmock.h>

#include <numeric>

#include "eventlog/log_service_test_world.h"

namespace aiflow {
namespace {

int64_t Count(const DurationHistogram& histogram) {
  const auto values = histogram.Read();
  return std::accumulate(values.counts.begin(), values.counts.end(), int64_t{0});
}

TEST(LogCountersTest, CountWhatWasStoredRepeatedAndSynced) {
  LogServiceWorld world;
  world.Append(MakeEvent("a", "v", "id")).get();
  world.Append(MakeEvent("a", "v", "id")).get();
  world.Append(MakeEvent("b")).get();
  const LogCounters& counters = world.service().counters();
  EXPECT_EQ(counters.appended, 2);
  EXPECT_EQ(counters.duplicates, 1);
  EXPECT_EQ(counters.batches, 2);
  EXPECT_EQ(counters.failed_batches, 0);
  EXPECT_EQ(Count(counters.append), 2);
  EXPECT_EQ(Count(counters.write), 2);
}

TEST(LogCountersTest, TellWhatWaits) {
  LogServiceWorld world;
  world.gate().Close();
  auto first = world.Append(MakeEvent("a"));
  world.gate().AwaitBlocked();
  auto second = world.Append(MakeEvent("b"));
  EXPECT_EQ(world.service().queue().events, 1U);
  EXPECT_GT(world.service().queue().bytes, 0U);
  world.gate().Open();
  EXPECT_TRUE(first.get().has_value());
  EXPECT_TRUE(second.get().has_value());
  EXPECT_EQ(world.service().queue().events, 0U);
  const auto wait =
      world.service().List({.key = "none"}, std::chrono::hours(1), [](const auto&) {});
  EXPECT_EQ(world.service().queue().polls, 1U);
  world.service().Cancel(wait);
  EXPECT_EQ(world.service().queue().polls, 0U);
}

TEST(LogCountersTest, AFailedWriteAndARefusedEventAreCounted) {
  LogServiceWorld world;
  world.gate().Fail(Status(Code::kResourceExhausted, "no space"));
  EXPECT_FALSE(world.Append(MakeEvent("a")).get().has_value());
  EXPECT_EQ(world.service().counters().failed_batches, 1);
  world.service().Stop();
  EXPECT_FALSE(world.Append(MakeEvent("a")).get().has_value());
  EXPECT_EQ(world.service().counters().refused, 1);
}

TEST(LogAdmitTest, WhoKeepsTheDoorSeesEachAppendAndMayRefuseIt) {
  std::vector<Admission> seen;
  LogServiceWorld world({.admit = [&seen](Admission admission, size_t bytes) {
    EXPECT_GT(bytes, 0U);
    seen.push_back(admission);
    return admission == Admission::kExternal ? Status(Code::kResourceExhausted, "the disk is full")
                                             : Status::Ok();
  }});
  const auto refused = world.Append(MakeEvent("a")).get();
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_TRUE(world.Append(MakeEvent("b"), Admission::kInternal).get().has_value());
  EXPECT_TRUE(world.Append(MakeEvent("c"), Admission::kRelief).get().has_value());
  EXPECT_EQ(world.service().head(), 2);
  EXPECT_THAT(
      seen, ::testing::ElementsAre(Admission::kExternal, Admission::kInternal, Admission::kRelief));
}

}  // namespace
}  // namespace aiflow
