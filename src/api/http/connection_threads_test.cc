#include "api/http/connection_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <set>
#include <thread>

namespace aiflow::api {
namespace {

TEST(ConnectionThreadsTest, TasksRunSideBySideUpToTheBoundAndTheNextWaits) {
  ConnectionThreads threads(3);
  std::latch running(3);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  for (int i = 0; i < 3; ++i) {
    threads.Run([&running, released] {
      running.count_down();
      released.wait();
    });
  }
  running.wait();
  EXPECT_EQ(threads.threads(), 3U);
  std::atomic<bool> fourth = false;
  std::promise<void> handed_over;
  std::thread caller([&] {
    threads.Run([&fourth] { fourth = true; });
    handed_over.set_value();
  });
  EXPECT_EQ(handed_over.get_future().wait_for(std::chrono::milliseconds(50)),
            std::future_status::timeout);
  EXPECT_FALSE(fourth);
  release.set_value();
  caller.join();
  threads.Stop();
  EXPECT_TRUE(fourth);
}

TEST(ConnectionThreadsTest, AnIdleThreadTakesTheNextTask) {
  ConnectionThreads threads(1);
  std::set<std::thread::id> seen;
  for (int i = 0; i < 20; ++i) {
    std::promise<std::thread::id> done;
    threads.Run([&done] { done.set_value(std::this_thread::get_id()); });
    seen.insert(done.get_future().get());
  }
  EXPECT_EQ(seen.size(), 1U);
}

TEST(ConnectionThreadsTest, StoppingWaitsForWhatRunsAndFreesWhoWaits) {
  ConnectionThreads threads(1);
  std::promise<void> release;
  std::atomic<int> done = 0;
  std::promise<void> begun;
  threads.Run([&] {
    begun.set_value();
    release.get_future().wait();
    ++done;
  });
  begun.get_future().wait();
  std::thread waiting([&] { threads.Run([&done] { ++done; }); });
  std::thread stopping([&] { threads.Stop(); });
  release.set_value();
  stopping.join();
  waiting.join();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(threads.threads(), 0U);
}

}  // namespace
}  // namespace aiflow::api
