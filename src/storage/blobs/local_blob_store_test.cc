#include "storage/blobs/local_blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;

class TempDir {
 public:
  TempDir() {
    std::string pattern = fs::temp_directory_path() / "aiflow-blobs-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

size_t FilesUnder(const fs::path& root) {
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) files += entry.is_regular_file();
  return files;
}

TEST(Sha256HexTest, MatchesThePublishedVectors) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

class LocalBlobStoreTest : public testing::Test {
 protected:
  fs::path FileOf(const std::string& digest) const {
    return dir_.path() / digest.substr(0, 2) / digest;
  }
  void Damage(const std::string& digest) const {
    std::ofstream(FileOf(digest), std::ios::trunc) << "other bytes";
  }

  TempDir dir_;
  LocalBlobStore store_{dir_.path()};
};

TEST_F(LocalBlobStoreTest, ReportsDamagedBytesWithTheFile) {
  const std::string digest = *store_.Put("the right bytes");
  Damage(digest);
  const auto bytes = store_.Get(digest);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code(), Code::kDataLoss);
  EXPECT_THAT(bytes.error().message(), testing::HasSubstr(FileOf(digest).string()));
}

TEST_F(LocalBlobStoreTest, PutHealsADamagedFile) {
  const std::string digest = *store_.Put("the right bytes");
  Damage(digest);
  ASSERT_TRUE(store_.Put("the right bytes"));
  EXPECT_EQ(*store_.Get(digest), "the right bytes");
}

TEST_F(LocalBlobStoreTest, PuttingTheSameBytesMakesItYoungAndWritesNothing) {
  const std::string digest = *store_.Put("bytes");
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(5);
  fs::last_write_time(FileOf(digest), old);
  const auto directory = fs::last_write_time(FileOf(digest).parent_path());
  ASSERT_TRUE(store_.Put("bytes"));
  EXPECT_GT(fs::last_write_time(FileOf(digest)), old + std::chrono::hours(4));
  EXPECT_EQ(fs::last_write_time(FileOf(digest).parent_path()), directory);
}

TEST_F(LocalBlobStoreTest, ManyWritersOfOneBlobLeaveOneFile) {
  const std::string bytes(100'000, 'b');
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&] { EXPECT_EQ(*store_.Put(bytes), Sha256Hex(bytes)); });
    }
  }
  EXPECT_EQ(FilesUnder(dir_.path()), 1U);
  EXPECT_EQ(*store_.Get(Sha256Hex(bytes)), bytes);
}

TEST_F(LocalBlobStoreTest, AnotherStoreOnTheSameDirectorySeesTheBlob) {
  const std::string digest = *store_.Put("kept");
  const LocalBlobStore reopened(dir_.path());
  EXPECT_EQ(*reopened.Get(digest), "kept");
}

TEST_F(LocalBlobStoreTest, SaysWhyItCannotWrite) {
  std::ofstream(dir_.path() / "file") << "in the way";
  LocalBlobStore blocked(dir_.path() / "file" / "blobs");
  const auto digest = blocked.Put("bytes");
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code(), Code::kUnavailable);
  EXPECT_THAT(digest.error().message(), testing::HasSubstr("Not a directory"));
}

TEST(LocalBlobStoreSweepTest, WhatNobodyNamesOrHasPutSinceGoes) {
  const TempDir dir;
  LocalBlobStore store(dir.path() / "blobs");
  const Millis start = SystemClock().Now();
  EXPECT_EQ(*store.Sweep({}, start), 0) << "there is not even a directory";
  const std::string named = *store.Put("named");
  const std::string old = *store.Put("old");
  const std::string again = *store.Put("again");
  const auto age = [&dir](const std::string& digest) {
    fs::last_write_time(dir.path() / "blobs" / digest.substr(0, 2) / digest,
                        fs::file_time_type::clock::now() - std::chrono::hours(3));
  };
  for (const std::string& digest : {named, old, again}) age(digest);
  std::ofstream(dir.path() / "blobs" / old.substr(0, 2) / ".new-abcdef") << "half";
  EXPECT_EQ(*store.Put("again"), again);
  EXPECT_EQ(*store.Sweep({named}, start - std::chrono::hours(1)), 1);
  EXPECT_TRUE(*store.Has(named));
  EXPECT_FALSE(*store.Has(old));
  EXPECT_TRUE(*store.Has(again)) << "somebody has just asked for it to be there";
  EXPECT_EQ(FilesUnder(dir.path()), 3U) << "a Put may be writing";
  EXPECT_EQ(*store.Sweep({named, again}, SystemClock().Now() + std::chrono::hours(1)), 1);
  EXPECT_EQ(FilesUnder(dir.path()), 2U) << "it was interrupted";
}

TEST(LocalBlobStoreSweepTest, ABlobThatIsPutWhileASweepRunsIsThereAfterwards) {
  const TempDir dir;
  LocalBlobStore store(dir.path() / "blobs");
  const std::string digest = *store.Put("bytes");
  const fs::path file = dir.path() / "blobs" / digest.substr(0, 2) / digest;
  for (int i = 0; i < 200; ++i) {
    std::error_code gone;
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(3), gone);
    std::thread sweeper(
        [&store] { (void)store.Sweep({}, SystemClock().Now() - std::chrono::hours(1)); });
    EXPECT_TRUE(store.Put("bytes").has_value());
    sweeper.join();
    ASSERT_TRUE(*store.Has(digest)) << "round " << i;
  }
}

}  // namespace
}  // namespace aiflow
