#include "storage/blobs/remote/blob_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "storage/blobs/remote/cached_blob_store.h"

namespace aiflow::remote {
namespace {

namespace fs = std::filesystem;

/// Counts, and fails when told to.
class FarBlobs final : public SweptBlobStore {
 public:
  Result<std::string> Put(std::string_view bytes) override {
    if (away) return Error(Code::kUnavailable, "away");
    std::string digest = Sha256Hex(bytes);
    blobs[digest] = bytes;
    return digest;
  }
  Result<std::string> Get(const std::string& digest) const override {
    ++gets;
    if (gate.valid()) gate.wait();
    if (away) return Error(Code::kUnavailable, "away");
    const auto found = blobs.find(digest);
    if (found == blobs.end()) return Error(Code::kNotFound, "no");
    return found->second;
  }
  Result<bool> Has(const std::string& digest) const override { return blobs.contains(digest); }
  Result<int64_t> Sweep(const std::set<std::string>& /*named*/, Millis /*before*/) override {
    if (away) return Error(Code::kUnavailable, "away");
    return 7;
  }

  std::map<std::string, std::string> blobs;
  std::atomic<bool> away = false;
  mutable std::atomic<int> gets = 0;
  std::shared_future<void> gate;
};

class BlobCacheTest : public testing::Test {
 protected:
  BlobCacheTest() {
    std::string name = fs::temp_directory_path() / "aiflow-cache-XXXXXX";
    dir_ = mkdtemp(name.data());
  }
  ~BlobCacheTest() override { fs::remove_all(dir_); }
  fs::path FileOf(const std::string& digest) const { return dir_ / digest.substr(0, 2) / digest; }
  void Age(const std::string& digest, int hours) const {
    fs::last_write_time(FileOf(digest),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours));
  }

  fs::path dir_;
  FarBlobs far_;
};

TEST_F(BlobCacheTest, WhatWasPutIsReadWithoutTheNetwork) {
  BlobCache cache(dir_, 1'000);
  CachedBlobStore store(far_, cache);
  const std::string digest = *store.Put("bytes");
  EXPECT_EQ(*store.Get(digest), "bytes");
  far_.away = true;
  EXPECT_EQ(*store.Get(digest), "bytes");
  EXPECT_EQ(far_.gets, 0);
  EXPECT_EQ(store.counters().hits, 2);
}

TEST_F(BlobCacheTest, WhatTheStoreRefusedIsNoBlob) {
  BlobCache cache(dir_, 1'000);
  CachedBlobStore store(far_, cache);
  far_.away = true;
  EXPECT_EQ(store.Put("bytes").error().code(), Code::kUnavailable);
  EXPECT_EQ(cache.Get(Sha256Hex("bytes")).error().code(), Code::kNotFound);
}

TEST_F(BlobCacheTest, WhatWasFetchedIsKeptAlsoForTheNextServer) {
  const std::string digest = *far_.Put("bytes");
  {
    BlobCache cache(dir_, 1'000);
    CachedBlobStore store(far_, cache);
    EXPECT_EQ(*store.Get(digest), "bytes");
    EXPECT_EQ(store.counters().misses, 1);
  }
  BlobCache cache(dir_, 1'000);
  EXPECT_EQ(cache.bytes(), 5);
  EXPECT_EQ(*CachedBlobStore(far_, cache).Get(digest), "bytes");
  EXPECT_EQ(far_.gets, 1);
}

TEST_F(BlobCacheTest, ADamagedCopyIsFetchedAnew) {
  BlobCache cache(dir_, 1'000);
  CachedBlobStore store(far_, cache);
  const std::string digest = *store.Put("bytes");
  std::ofstream(FileOf(digest), std::ios::trunc) << "bytez";
  EXPECT_EQ(*store.Get(digest), "bytes");
  EXPECT_EQ(far_.gets, 1);
  EXPECT_EQ(*cache.Get(digest), "bytes");
}

TEST_F(BlobCacheTest, WhatNobodyHasReadForLongestGoesFirst) {
  BlobCache cache(dir_, 10);
  ASSERT_TRUE(cache.Put("aaaa").ok());
  ASSERT_TRUE(cache.Put("bbbb").ok());
  Age(Sha256Hex("aaaa"), 3);
  Age(Sha256Hex("bbbb"), 2);
  EXPECT_TRUE(cache.Get(Sha256Hex("aaaa")).has_value());  // young again
  ASSERT_TRUE(cache.Put("cccc").ok());
  EXPECT_TRUE(cache.Get(Sha256Hex("aaaa")).has_value());
  EXPECT_FALSE(cache.Get(Sha256Hex("bbbb")).has_value());
  EXPECT_TRUE(cache.Get(Sha256Hex("cccc")).has_value());
  EXPECT_EQ(cache.bytes(), 8);
}

TEST_F(BlobCacheTest, ASmallerLimitIsKeptFromTheStart) {
  { ASSERT_TRUE(BlobCache(dir_, 100).Put("aaaaaaaa").ok()); }
  { ASSERT_TRUE(BlobCache(dir_, 100).Put("bbbbbbbb").ok()); }
  Age(Sha256Hex("aaaaaaaa"), 3);
  BlobCache cache(dir_, 10);
  EXPECT_EQ(cache.bytes(), 8);
  EXPECT_TRUE(cache.Get(Sha256Hex("bbbbbbbb")).has_value());
}

TEST_F(BlobCacheTest, WithoutPlaceForCopiesItGoesOn) {
  std::ofstream(dir_ / "file") << "in the way";
  BlobCache cache(dir_ / "file", 1'000);
  CachedBlobStore store(far_, cache);
  const auto digest = store.Put("bytes");
  ASSERT_TRUE(digest.has_value());
  EXPECT_EQ(*store.Get(*digest), "bytes");
}

TEST_F(BlobCacheTest, ManyWhoWantOneFetchItOnce) {
  BlobCache cache(dir_, 1'000);
  CachedBlobStore store(far_, cache);
  const std::string digest = *far_.Put("bytes");
  std::promise<void> open;
  far_.gate = open.get_future().share();
  std::vector<std::future<Result<std::string>>> readers;
  for (int i = 0; i < 8; ++i) {
    readers.push_back(std::async(std::launch::async, [&] { return store.Get(digest); }));
  }
  open.set_value();
  for (auto& reader : readers) EXPECT_EQ(*reader.get(), "bytes");
  EXPECT_EQ(far_.gets, 1);
}

TEST_F(BlobCacheTest, CopiesAreSweptAlsoWhileTheStoreIsAway) {
  BlobCache cache(dir_, 1'000);
  CachedBlobStore store(far_, cache);
  const std::string digest = *store.Put("bytes");
  const Millis later = SystemClock().Now() + std::chrono::hours(1);
  EXPECT_EQ(*store.Sweep({digest}, later), 7);
  EXPECT_TRUE(cache.Get(digest).has_value());
  far_.away = true;
  EXPECT_FALSE(store.Sweep({}, later).has_value());
  EXPECT_FALSE(cache.Get(digest).has_value());
  EXPECT_EQ(cache.bytes(), 0);
}

}  // namespace
}  // namespace aiflow::remote
