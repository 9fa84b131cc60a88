#include "server/blob_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BlobStorageTest : public testing::Test {
 protected:
  BlobStorageTest() {
    std::string name = fs::temp_directory_path() / "aiflow-storage-XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~BlobStorageTest() override { fs::remove_all(root_); }
  std::unique_ptr<BlobStorage> Open(const std::string& settings) {
    auto storage = BlobStorage::Open(Home(root_), *ParseConfig(settings, root_));
    EXPECT_TRUE(storage.has_value()) << storage.error();
    return *std::move(storage);
  }

  fs::path root_;
};

TEST_F(BlobStorageTest, BlobsAreInTheHomeUnlessTheSettingsSayOtherwise) {
  const auto storage = Open("");
  const std::string digest = *storage->store().Put("bytes");
  EXPECT_EQ(*storage->prompt().Get(digest), "bytes");
  EXPECT_TRUE(fs::exists(root_ / "blobs" / digest.substr(0, 2) / digest));
  EXPECT_FALSE(storage->use().remote);
  EXPECT_FALSE(fs::exists(root_ / "blob_owner"));
}

TEST_F(BlobStorageTest, AHomeKeepsItsIdInTheStore) {
  const std::string id = *BlobOwner(Home(root_));
  EXPECT_GE(id.size(), 32U);
  EXPECT_EQ(id.find(' '), std::string::npos);
  EXPECT_EQ(*BlobOwner(Home(root_)), id);
}

TEST_F(BlobStorageTest, AStoreThatIsAwayIsNoticedWhenItIsNeeded) {
  setenv("AWS_ACCESS_KEY_ID", "a", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
  // Port 9 of this machine: nobody listens there.
  const auto storage = Open(
      "{blob_store: s3, blob_store_bucket: b, blob_store_url: 'http://127.0.0.1:9', "
      "blob_store_attempts: 1}");
  EXPECT_EQ(storage->use().away, "");
  EXPECT_EQ(storage->store().Put("bytes").error().code(), Code::kUnavailable);
  const BlobStorageUse use = storage->use();
  EXPECT_THAT(use.away, HasSubstr("cannot connect"));
  EXPECT_THAT(use.where, HasSubstr("s3://b at http://127.0.0.1:9"));
  EXPECT_EQ(use.given_up, 1);
}

}  // namespace
}  // namespace aiflow::server
