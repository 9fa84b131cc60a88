#include "storage/blobs/remote/prompt_blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <string>

namespace aiflow::remote {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SlowBlobs final : public SweptBlobStore {
 public:
  Result<std::string> Put(std::string_view bytes) override { return Sha256Hex(bytes); }
  Result<std::string> Get(const std::string& /*digest*/) const override {
    ++gets;
    gate.wait();
    return answer;
  }
  Result<bool> Has(const std::string& /*digest*/) const override { return true; }
  Result<int64_t> Sweep(const std::set<std::string>& /*named*/, Millis /*before*/) override {
    return 0;
  }

  std::promise<void> open;
  std::shared_future<void> gate{open.get_future()};
  Result<std::string> answer = std::string("bytes");
  mutable std::atomic<int> gets = 0;
};

class PromptBlobStoreTest : public testing::Test {
 protected:
  ~PromptBlobStoreTest() override { fs::remove_all(dir_); }

  /// Asks until there is an answer.
  Result<std::string> GetAtLast(const PromptBlobStore& store) {
    for (;;) {
      auto answer = store.Get(digest_);
      if (answer.has_value() || answer.error().code() != Code::kDeadlineExceeded) return answer;
      std::this_thread::yield();
    }
  }

  static fs::path MakeDir() {
    std::string name = fs::temp_directory_path() / "aiflow-prompt-XXXXXX";
    return mkdtemp(name.data());
  }

  const fs::path dir_ = MakeDir();
  SlowBlobs far_;
  BlobCache cache_{dir_ / "cache", 1'000};
  CachedBlobStore cached_{far_, cache_};
  const std::string digest_ = Sha256Hex("bytes");
};

TEST_F(PromptBlobStoreTest, WhatIsHereIsAnsweredAtOnce) {
  PromptBlobStore store(cached_);
  ASSERT_TRUE(store.Put("bytes").has_value());
  EXPECT_EQ(*store.Get(digest_), "bytes");
  EXPECT_EQ(far_.gets, 0);
  far_.open.set_value();
}

TEST_F(PromptBlobStoreTest, WhatIsNotHereIsFetchedMeanwhile) {
  PromptBlobStore store(cached_, std::chrono::milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    const auto answer = store.Get(digest_);
    EXPECT_EQ(answer.error().code(), Code::kDeadlineExceeded);
    EXPECT_THAT(answer.error().message(), HasSubstr("is being fetched"));
  }
  far_.open.set_value();
  EXPECT_EQ(*GetAtLast(store), "bytes");
  EXPECT_EQ(far_.gets, 1);
}

TEST_F(PromptBlobStoreTest, AQuickStoreIsWaitedFor) {
  far_.open.set_value();
  PromptBlobStore store(cached_, std::chrono::minutes(1));
  EXPECT_EQ(*store.Get(digest_), "bytes");
}

TEST_F(PromptBlobStoreTest, AStoreThatIsAwayMeansNotYet) {
  far_.answer = Error(Code::kUnavailable, "cannot connect");
  far_.open.set_value();
  PromptBlobStore store(cached_, std::chrono::minutes(1));
  const auto answer = store.Get(digest_);
  EXPECT_EQ(answer.error().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(answer.error().message(), "cannot connect");
  far_.answer = std::string("bytes");
  EXPECT_EQ(*store.Get(digest_), "bytes") << "each question asks anew";
}

TEST_F(PromptBlobStoreTest, WhatTheStoreDoesNotHaveIsAnAnswer) {
  far_.open.set_value();
  PromptBlobStore store(cached_, std::chrono::minutes(1));
  for (const Code code : {Code::kNotFound, Code::kDataLoss}) {
    far_.answer = Error(code, "no");
    EXPECT_EQ(store.Get(digest_).error().code(), code);
  }
  EXPECT_EQ(store.Get("../../etc/passwd").error().code(), Code::kNotFound);
}

TEST_F(PromptBlobStoreTest, APatientOneWaitsForTheAnswer) {
  PromptBlobStore store(cached_, std::chrono::milliseconds(0));
  store.SetPatient(true);
  std::thread opener([this] { far_.open.set_value(); });
  EXPECT_EQ(*store.Get(digest_), "bytes");
  opener.join();
}

TEST_F(PromptBlobStoreTest, ABlobWithoutPlaceForACopyIsHandedOver) {
  BlobCache none("/proc/nowhere", 1'000);
  CachedBlobStore cached(far_, none);
  far_.open.set_value();
  PromptBlobStore store(cached, std::chrono::milliseconds(0));
  EXPECT_EQ(*GetAtLast(store), "bytes");
}

}  // namespace
}  // namespace aiflow::remote
