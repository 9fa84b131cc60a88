#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "eventlog/log_service_test_world.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Millis kLong = std::chrono::hours(1);

bool Ready(LogServiceWorld::Found& found) {
  return found.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

std::chrono::nanoseconds CpuTime() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

TEST(LogServicePollTest, N6APollAnswersAtOnceWhenThereIsAMatch) {
  LogServiceWorld world;
  EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  LogService::WaitId id = 99;
  auto found = world.List({.key = "k"}, kLong, &id);
  ASSERT_TRUE(Ready(found));
  EXPECT_EQ(found.get()->size(), 1u);
  EXPECT_EQ(id, 0u);
}

TEST(LogServicePollTest, N6AnyKeyIsWokenByEveryWrite) {
  LogServiceWorld world;
  auto any = world.List({}, kLong);
  auto sender = world.List({.sender = "s"}, kLong);
  EXPECT_TRUE(world.Append(MakeEvent("whatever")).get().has_value());
  EXPECT_EQ(any.get()->front().offset, 1);
  EXPECT_FALSE(Ready(sender));
  Event event = MakeEvent("other");
  event.sender = "s";
  EXPECT_TRUE(world.Append(event).get().has_value());
  EXPECT_EQ(sender.get()->front().offset, 2);
}

TEST(LogServicePollTest, APollGetsMatchingEventsOnlyAsTheyWereStored) {
  LogServiceWorld world;
  auto found = world.List({.key = "k", .ns = "n", .after = 1}, kLong);
  Event event = MakeEvent("k");
  event.ns = "n";
  EXPECT_TRUE(world.Append(event).get().has_value());           // not after 1
  EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());  // another namespace
  Event internal = event;
  internal.kind = EventKind::kInternal;
  EXPECT_TRUE(world.Append(internal).get().has_value());
  const auto stored = world.Append(event).get();
  EXPECT_EQ(stored->offset, 4);
  const auto events = found.get();
  ASSERT_EQ(events->size(), 1u);
  event.offset = 4;
  event.create_time = stored->create_time;
  EXPECT_EQ(events->front(), event);
}

TEST(LogServicePollTest, ADuplicateWakesNobody) {
  LogServiceWorld world;
  EXPECT_TRUE(world.Append(MakeEvent("k", "v", "id")).get().has_value());
  auto found = world.List({.key = "k", .after = 1}, kLong);
  EXPECT_TRUE(world.Append(MakeEvent("k", "v", "id")).get()->duplicate);
  EXPECT_TRUE(world.Append(MakeEvent("other")).get().has_value());
  EXPECT_FALSE(Ready(found));
}

TEST(LogServicePollTest, AGroupCommitIsOneAnswer) {
  LogServiceWorld world;
  auto found = world.List({.key = "k"}, kLong);
  world.gate().Close();
  auto blocker = world.Append(MakeEvent("x"));
  world.gate().AwaitBlocked();
  for (int i = 0; i < 3; ++i) (void)world.Append(MakeEvent("k"));
  world.gate().Open();
  EXPECT_EQ(found.get()->size(), 3u);
}

TEST(LogServicePollTest, AtTheDeadlineThePollAnswersAnEmptyList) {
  LogServiceWorld world;
  auto late = world.List({.key = "k"}, kLong);
  const auto begin = std::chrono::steady_clock::now();
  auto soon = world.List({.key = "k"}, Millis(30));
  const auto events = soon.get();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, Millis(30));
  ASSERT_TRUE(events.has_value()) << events.error();
  EXPECT_THAT(*events, IsEmpty());
  EXPECT_FALSE(Ready(late));
}

TEST(LogServicePollTest, CancelEndsAPollOnce) {
  LogServiceWorld world;
  LogService::WaitId id = 0;
  auto found = world.List({.key = "k"}, kLong, &id);
  ASSERT_NE(id, 0u);
  world.service().Cancel(id);
  EXPECT_EQ(found.get().error().code(), Code::kCancelled);
  world.service().Cancel(id);
  EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
}

TEST(LogServicePollTest, StopEndsAllPolls) {
  LogServiceWorld world;
  auto found = world.List({.key = "k"}, kLong);
  world.service().Stop();
  EXPECT_EQ(found.get().error().code(), Code::kUnavailable);
  EXPECT_EQ(world.List({.key = "k"}, kLong).get().error().code(), Code::kUnavailable);
}

TEST(LogServicePollTest, PollsBeyondTheLimitAreRefused) {
  LogServiceWorld world({.max_waits = 2});
  auto first = world.List({}, kLong);
  auto second = world.List({}, kLong);
  const auto third = world.List({}, kLong).get();
  EXPECT_EQ(third.error().code(), Code::kUnavailable);
  EXPECT_THAT(third.error().message(), HasSubstr("limit 2"));
}

TEST(LogServicePollTest, N6NoWriteIsMissedBetweenPolls) {
  LogServiceWorld world;
  constexpr Offset kEvents = 3000;
  std::thread writer([&] {
    std::vector<std::future<Result<AppendResult>>> results;
    for (Offset i = 0; i < kEvents; ++i) {
      results.push_back(world.Append(MakeEvent(i % 3 == 0 ? "k" : "other")));
      if (i % 50 == 0) results.back().wait();
    }
    for (auto& result : results) EXPECT_TRUE(result.get().has_value());
  });
  const auto follow = [&](const std::string& key, Offset step) {
    Offset seen = 0;
    Offset last = kEvents - (kEvents - 1) % step;
    while (seen < last) {
      const auto events = world.List({.key = key, .after = seen}, kLong).get();
      ASSERT_TRUE(events.has_value()) << events.error();
      for (const Event& event : *events) {
        ASSERT_EQ(event.offset, seen == 0 ? 1 : seen + step);
        seen = event.offset;
      }
    }
  };
  std::thread all([&] { follow("", 1); });
  follow("k", 3);
  all.join();
  writer.join();
}

TEST(LogServicePollTest, AWriteLooksAtNoPollOfAnotherKeyAndQueriesNothing) {
  LogServiceWorld world;
  std::vector<LogServiceWorld::Found> polls;
  for (int i = 0; i < 1000; ++i) {
    polls.push_back(world.List({.key = "key-" + std::to_string(i)}, kLong));
  }
  const int lists = world.gate().lists();
  EXPECT_TRUE(world.Append(MakeEvent("key-7")).get().has_value());
  EXPECT_EQ(polls[7].get()->size(), 1u);
  EXPECT_EQ(world.gate().lists(), lists);
  EXPECT_FALSE(Ready(polls[8]));
}

TEST(LogServicePollTest, AnIdleServiceUsesNoCpu) {
  LogServiceWorld world;
  auto found = world.List({.key = "k"}, kLong);
  const auto before = CpuTime();
  EXPECT_THAT(*world.List({.key = "other"}, Millis(200)).get(), IsEmpty());
  EXPECT_LT(CpuTime() - before, Millis(20));
}

}  // namespace
}  // namespace aiflow
