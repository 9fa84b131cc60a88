#include "eventlog/log_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <ctime>
#include <thread>

#include "eventlog/log_service_test_world.h"

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LogServiceTest, WaitingAppendsShareOneGroupCommitInOrder) {
  LogServiceWorld world;
  world.gate().Close();
  std::vector<std::future<Result<AppendResult>>> results;
  results.push_back(world.Append(MakeEvent("first")));
  world.gate().AwaitBlocked();
  for (int i = 0; i < 100; ++i) results.push_back(world.Append(MakeEvent("next")));
  world.gate().Open();
  Offset expected = 0;
  for (auto& result : results) EXPECT_EQ(result.get()->offset, ++expected);
  EXPECT_THAT(world.gate().batches(), ElementsAre(1, 100));
}

TEST(LogServiceTest, AGroupCommitHasALimit) {
  LogServiceWorld world({.max_batch_events = 10});
  world.gate().Close();
  auto first = world.Append(MakeEvent("first"));
  world.gate().AwaitBlocked();
  std::vector<std::future<Result<AppendResult>>> results;
  for (int i = 0; i < 25; ++i) results.push_back(world.Append(MakeEvent("next")));
  world.gate().Open();
  for (auto& result : results) EXPECT_TRUE(result.get().has_value());
  EXPECT_THAT(world.gate().batches(), ElementsAre(1, 10, 10, 5));
}

TEST(LogServiceTest, N1EventsOfManyThreadsAreAllStored) {
  LogServiceWorld world;
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&world, &stored, thread] {
      for (int i = 0; i < 25; ++i) {
        const auto result =
            world.Append(MakeEvent("k", "v", std::to_string(thread) + "-" + std::to_string(i)))
                .get();
        if (result && !result->duplicate) ++stored;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, 200);
  EXPECT_EQ(world.service().head(), 200);
}

TEST(LogServiceTest, N2N4ConcurrentRepeatsOfOneIdAreStoredOnce) {
  LogServiceWorld world;
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  std::atomic<int> duplicates{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto result = world.Append(MakeEvent("k", "v", "id-" + std::to_string(i))).get();
        ++(result->duplicate ? duplicates : stored);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, 20);
  EXPECT_EQ(duplicates, 140);
  EXPECT_EQ(world.service().head(), 20);
}

TEST(LogServiceTest, AFailedGroupCommitAnswersEveryAppendAndTheNextGoesOn) {
  LogServiceWorld world;
  world.gate().Close();
  auto first = world.Append(MakeEvent("a"));
  world.gate().AwaitBlocked();
  auto second = world.Append(MakeEvent("b"));
  world.gate().Fail({Code::kResourceExhausted, "disk full"});
  world.gate().Open();
  EXPECT_EQ(first.get().error().code(), Code::kResourceExhausted);
  EXPECT_EQ(second.get().error().message(), "disk full");
  world.gate().Fail({});
  EXPECT_EQ(world.Append(MakeEvent("c")).get()->offset, 1);
}

TEST(LogServiceTest, OneRefusedEventHarmsNoOtherOfItsGroup) {
  LogServiceWorld world;
  EXPECT_EQ(world.Append(MakeEvent("a", "1", "id")).get()->offset, 1);
  world.gate().Close();
  auto blocker = world.Append(MakeEvent("x"));
  world.gate().AwaitBlocked();
  auto clash = world.Append(MakeEvent("a", "2", "id"));
  auto fine = world.Append(MakeEvent("b"));
  world.gate().Open();
  EXPECT_EQ(clash.get().error().code(), Code::kAlreadyExists);
  EXPECT_EQ(fine.get()->offset, 3);
}

TEST(LogServiceTest, Rule25OutsideSendersAreRefusedAtFourFifthsTheEngineIsNot) {
  LogServiceWorld world({.max_queued_events = 10});
  world.gate().Close();
  auto blocker = world.Append(MakeEvent("x"));
  world.gate().AwaitBlocked();
  std::vector<std::future<Result<AppendResult>>> accepted;
  for (int i = 0; i < 8; ++i) accepted.push_back(world.Append(MakeEvent("a")));
  const auto refused = world.Append(MakeEvent("b")).get();
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_THAT(refused.error().message(), HasSubstr("try again"));
  for (int i = 0; i < 2; ++i) {
    accepted.push_back(world.Append(MakeEvent("c"), Admission::kInternal));
  }
  EXPECT_EQ(world.Append(MakeEvent("d"), Admission::kInternal).get().error().code(),
            Code::kUnavailable);
  world.gate().Open();
  for (auto& result : accepted) EXPECT_TRUE(result.get().has_value());
  EXPECT_EQ(world.service().head(), 11);
}

TEST(LogServiceTest, TheQueueIsBoundedInBytes) {
  LogServiceWorld world({.max_queued_bytes = 10'000});
  world.gate().Close();
  auto blocker = world.Append(MakeEvent("x"));
  world.gate().AwaitBlocked();
  auto accepted = world.Append(MakeEvent("a", std::string(7000, 'v')));
  EXPECT_EQ(world.Append(MakeEvent("b", std::string(2000, 'v'))).get().error().code(),
            Code::kUnavailable);
  world.gate().Open();
  EXPECT_TRUE(accepted.get().has_value());
}

TEST(LogServiceTest, TheHeadListenerHearsEachGroupCommitUntilRemoved) {
  LogServiceWorld world;
  std::mutex mutex;
  std::vector<Offset> heads;
  world.service().SetHeadListener([&](Offset head) {
    const std::lock_guard lock(mutex);
    heads.push_back(head);
  });
  EXPECT_TRUE(world.Append(MakeEvent("a", "1", "id")).get().has_value());
  EXPECT_TRUE(world.Append(MakeEvent("a", "1", "id")).get()->duplicate);
  EXPECT_TRUE(world.Append(MakeEvent("b")).get().has_value());
  // Callbacks come before the listener; an append later it has surely run.
  EXPECT_TRUE(world.Append(MakeEvent("c")).get().has_value());
  world.service().SetHeadListener(nullptr);
  const std::lock_guard lock(mutex);
  ASSERT_GE(heads.size(), 2u);
  EXPECT_EQ(heads[0], 1);
  EXPECT_EQ(heads[1], 2);
}

TEST(LogServiceTest, ClientsAreRegisteredAndDeleted) {
  LogServiceWorld world;
  const auto add = [&] {
    std::promise<Result<int64_t>> promise;
    world.service().RegisterClient("n", "s", [&](Result<int64_t> id) { promise.set_value(id); });
    return *promise.get_future().get();
  };
  const auto remove = [&](int64_t id) {
    std::promise<Status> promise;
    world.service().DeleteClient(id, [&](Status status) { promise.set_value(status); });
    return promise.get_future().get();
  };
  EXPECT_EQ(add(), 1);
  EXPECT_EQ(add(), 2);
  EXPECT_TRUE(*world.service().ClientExists(1));
  EXPECT_TRUE(remove(1).ok());
  EXPECT_FALSE(*world.service().ClientExists(1));
  EXPECT_EQ(remove(1).code(), Code::kNotFound);
}

TEST(LogServiceTest, StopFinishesWhatIsQueuedAndRefusesTheRest) {
  LogServiceWorld world;
  world.gate().Close();
  std::vector<std::future<Result<AppendResult>>> queued;
  queued.push_back(world.Append(MakeEvent("a")));
  world.gate().AwaitBlocked();
  for (int i = 0; i < 5; ++i) queued.push_back(world.Append(MakeEvent("b")));
  std::thread stopper([&] { world.service().Stop(); });
  world.gate().Open();
  stopper.join();
  for (auto& result : queued) EXPECT_TRUE(result.get().has_value());
  EXPECT_EQ(world.Append(MakeEvent("c")).get().error().code(), Code::kUnavailable);
  world.service().Stop();
  EXPECT_EQ(world.service().head(), 6);
}

TEST(LogServiceTest, AListThatDoesNotWaitIsWholeOrAnErrorWithTheOffsetsToUse) {
  LogServiceWorld world({.max_list_events = 5});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  EXPECT_EQ(world.List({.key = "k"}).get()->size(), 5u);
  EXPECT_TRUE(world.Append(MakeEvent("other")).get().has_value());
  EXPECT_EQ(world.List({.key = "k"}).get()->size(), 5u);
  EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  const auto refused = world.List({.key = "k"}).get();
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.error().message(), HasSubstr("max_list_events 5"));
  EXPECT_THAT(refused.error().message(), HasSubstr("end_offset 5"));
  EXPECT_EQ(world.List({.key = "k", .until = 5}).get()->size(), 5u);
  EXPECT_EQ(world.List({.key = "k", .after = 5}).get()->size(), 1u);
}

TEST(LogServiceTest, Rule5RemovesOldEventsAndAnswersTheFirstThatIsKept) {
  LogServiceWorld world;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  EXPECT_EQ(*world.Drop(4).get(), 4);
  EXPECT_EQ(world.service().first(), 4);
  EXPECT_EQ(world.service().Read(1, 10, 1 << 20).error().code(), Code::kOutOfRange);
  EXPECT_EQ(world.List({}).get()->size(), 2u);
  EXPECT_EQ(world.List({.after = 1, .refuse_gap = true}).get().error().code(), Code::kOutOfRange);
  EXPECT_EQ(world.Drop(9).get().error().code(), Code::kInvalidArgument);
  world.service().Stop();
  EXPECT_EQ(world.Drop(5).get().error().code(), Code::kUnavailable);
  EXPECT_EQ(world.service().first(), 4);
}

TEST(LogServiceTest, AppendsDoNotWaitForTheEndOfARemoval) {
  LogServiceWorld world;
  EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  std::vector<std::future<Result<AppendResult>>> results;
  std::vector<Offset> heads;
  world.gate().SetDropSteps(3, [&] {
    heads.push_back(world.service().head());
    results.push_back(world.Append(MakeEvent("between")));
  });
  EXPECT_EQ(*world.Drop(2).get(), 2);
  for (auto& result : results) EXPECT_TRUE(result.get().has_value());
  // What was sent in one step was stored before the next but one.
  ASSERT_EQ(heads.size(), 3u);
  EXPECT_EQ(heads[0], 1);
  EXPECT_GE(heads[2], 2);
}

TEST(LogServiceTest, AStopDoesNotWaitForTheEndOfARemoval) {
  LogServiceWorld world;
  EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  std::promise<void> stepping;
  std::atomic<bool> told = false;
  world.gate().SetDropSteps(1 << 30, [&] {
    if (!told.exchange(true)) stepping.set_value();
  });
  auto dropped = world.Drop(2);
  stepping.get_future().wait();
  world.service().Stop();
  EXPECT_EQ(dropped.get().error().code(), Code::kUnavailable);
}

TEST(LogServiceTest, AListIsBoundedInBytes) {
  LogServiceWorld world({.max_list_bytes = 5000});
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(world.Append(MakeEvent("k", std::string(2000, 'v'))).get().has_value());
  }
  EXPECT_THAT(world.List({}).get().error().message(), HasSubstr("max_list_bytes 5000"));
  EXPECT_EQ(world.List({.after = 2}).get()->size(), 2u);
}

TEST(LogServiceTest, AnAnswerToAPollIsAPrefixOfBoundedSize) {
  LogServiceWorld world({.max_poll_events = 3, .max_poll_bytes = 5000});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(world.Append(MakeEvent("k")).get().has_value());
  EXPECT_EQ(world.List({}, Millis(60'000)).get()->size(), 3u);
  EXPECT_EQ(world.List({.after = 3}, Millis(60'000)).get()->size(), 1u);
  EXPECT_EQ(world.List({}).get()->size(), 4u) << "a list that does not wait is whole";
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(world.Append(MakeEvent("k", std::string(6000, 'v'))).get().has_value());
  }
  EXPECT_EQ(world.List({.after = 4}, Millis(60'000)).get()->size(), 1u) << "one at least";
}

}  // namespace
}  // namespace aiflow
