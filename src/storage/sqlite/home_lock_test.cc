#include "storage/sqlite/home_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

namespace aiflow::sqlite {
namespace {

class HomeLockTest : public testing::Test {
 protected:
  HomeLockTest() {
    std::string name = testing::TempDir() + "home-lock-XXXXXX";
    directory_ = mkdtemp(name.data());
    path_ = directory_ / "lock";
  }
  ~HomeLockTest() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(HomeLockTest, KeepsOthersOutAlsoWithinTheProcess) {
  auto first = HomeLock::Take(path_);
  ASSERT_TRUE(first.has_value()) << first.error();
  const auto second = HomeLock::Take(path_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kFailedPrecondition);
  EXPECT_NE(second.error().message().find("pid " + std::to_string(getpid())), std::string::npos);
  EXPECT_TRUE(HomeLock::IsHeld(path_));
  { const HomeLock gone = *std::move(first); }
  EXPECT_FALSE(HomeLock::IsHeld(path_));
  EXPECT_TRUE(HomeLock::Take(path_).has_value());
}

TEST_F(HomeLockTest, WhatIsNotThereIsNotHeld) { EXPECT_FALSE(HomeLock::IsHeld(path_)); }

// `server start -d` looks at the lock until the server that it started has it.
TEST_F(HomeLockTest, WhoLooksKeepsNobodyOut) {
  ASSERT_TRUE(HomeLock::Take(path_).has_value());
  std::atomic<bool> stop = false;
  std::thread looking([&] {
    while (!stop) HomeLock::IsHeld(path_);
  });
  int refused = 0;
  for (int i = 0; i < 5'000; ++i) refused += HomeLock::Take(path_).has_value() ? 0 : 1;
  stop = true;
  looking.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace aiflow::sqlite
