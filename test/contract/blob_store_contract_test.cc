// One suite for every blob store. Stores on other machines are real servers; blob_stores.py starts
// them and says in the environment where they are. A store that it has not started is not tested.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/blobs/local_blob_store.h"
#include "storage/blobs/remote/blob_cache.h"
#include "storage/blobs/remote/cached_blob_store.h"
#include "storage/blobs/remote/remote_blob_store.h"
#include "storage/blobs/remote/s3_object_store.h"
#include "storage/blobs/remote/webhdfs_object_store.h"
#include "storage/memory/memory_blob_store.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

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

/// A store, and what a test may do behind its back. One place in a server for each.
class BlobWorld {
 public:
  virtual ~BlobWorld() = default;
  /// Not empty: there is no such store here.
  virtual std::string Missing() const { return ""; }
  virtual BlobStore& store() = 0;
  /// As another process sees it; null: there can be no other.
  virtual std::unique_ptr<BlobStore> Reopened() { return nullptr; }
  /// Null: nothing is swept.
  virtual SweptBlobStore* swept() { return nullptr; }
  /// Puts other bytes in the place of a blob.
  virtual void Damage(const std::string& digest) = 0;
  /// Leaves what a writer that died leaves; false: it leaves nothing.
  virtual bool LeaveHalfAPut() { return false; }
};

class MemoryWorld final : public BlobWorld {
 public:
  BlobStore& store() override { return store_; }
  void Damage(const std::string& digest) override { store_.Corrupt(digest); }

 private:
  MemoryBlobStore store_;
};

class LocalWorld final : public BlobWorld {
 public:
  BlobStore& store() override { return store_; }
  SweptBlobStore* swept() override { return &store_; }
  std::unique_ptr<BlobStore> Reopened() override {
    return std::make_unique<LocalBlobStore>(dir_.path());
  }
  void Damage(const std::string& digest) override {
    std::ofstream(dir_.path() / digest.substr(0, 2) / digest, std::ios::trunc) << "other bytes";
  }
  bool LeaveHalfAPut() override {
    fs::create_directories(dir_.path() / "ab");
    std::ofstream(dir_.path() / "ab" / ".new-aaaaaa") << "half";
    return true;
  }

 private:
  TempDir dir_;
  LocalBlobStore store_{dir_.path()};
};

/// Of one test: nobody else uses it.
std::string UniquePlace() {
  static int count = 0;
  return "contract-" + std::to_string(getpid()) + "-" +
         std::to_string(std::chrono::system_clock::now().time_since_epoch().count()) + "-" +
         std::to_string(++count);
}

class RemoteWorld : public BlobWorld {
 public:
  using Make = std::function<std::unique_ptr<remote::ObjectStore>(const std::string& place,
                                                                  const remote::StopFlag& stop)>;

  RemoteWorld(const char* variable, Make make, bool leaves_halves)
      : variable_(variable), make_(std::move(make)), leaves_halves_(leaves_halves) {
    if (Missing().empty()) store_ = Open();
  }
  std::string Missing() const override {
    if (!Variable(variable_).empty()) return "";
    return std::string(variable_) + " names no server: run test/contract/blob_stores.py";
  }
  BlobStore& store() override { return *store_; }
  SweptBlobStore* swept() override { return store_.get(); }
  std::unique_ptr<BlobStore> Reopened() override { return Open(); }
  void Damage(const std::string& digest) override {
    const std::string name = digest.substr(0, 2) + "/" + digest;
    ASSERT_TRUE(store_->objects().Put(name, "other bytes").ok());
  }
  bool LeaveHalfAPut() override {
    if (!leaves_halves_) return false;
    EXPECT_TRUE(store_->objects().Put("ab/.new-aaaaaa", "half").ok());
    return true;
  }

 private:
  std::unique_ptr<remote::RemoteBlobStore> Open() {
    return std::make_unique<remote::RemoteBlobStore>(make_(place_, stop_), "contract");
  }

  const char* const variable_;
  const Make make_;
  const bool leaves_halves_;
  const std::string place_ = UniquePlace();
  remote::StopFlag stop_;
  std::unique_ptr<remote::RemoteBlobStore> store_;
};

constexpr const char* kPath = "AIFLOW_TEST_S3_URL";
constexpr const char* kVirtualHost = "AIFLOW_TEST_S3_HOST_URL";
constexpr const char* kTls = "AIFLOW_TEST_S3_TLS_URL";

remote::S3Options S3OptionsOf(const std::string& place, const char* url) {
  remote::S3Options options;
  options.url = Variable(url);
  options.bucket = Variable("AIFLOW_TEST_S3_BUCKET");
  options.region = Variable("AIFLOW_TEST_S3_REGION");
  options.prefix = "some/" + place;
  options.virtual_host = url == kVirtualHost;
  options.oss = url == kVirtualHost;
  options.ca_file = Variable("AIFLOW_TEST_S3_CA_FILE");
  return options;
}

std::unique_ptr<BlobWorld> S3World(const char* url) {
  return std::make_unique<RemoteWorld>(
      url,
      [url](const std::string& place, const remote::StopFlag& stop) {
        return std::make_unique<remote::S3ObjectStore>(S3OptionsOf(place, url), stop);
      },
      /*leaves_halves=*/false);
}

std::unique_ptr<BlobWorld> WebHdfsWorld() {
  return std::make_unique<RemoteWorld>(
      "AIFLOW_TEST_WEBHDFS_URL",
      [](const std::string& place, const remote::StopFlag& stop) {
        remote::WebHdfsOptions options;
        options.url = Variable("AIFLOW_TEST_WEBHDFS_URL");
        options.root = Variable("AIFLOW_TEST_WEBHDFS_ROOT") + "/" + place;
        options.user = Variable("AIFLOW_TEST_WEBHDFS_USER");
        return std::make_unique<remote::WebHdfsObjectStore>(std::move(options), stop);
      },
      /*leaves_halves=*/true);
}

/// A store with copies on this machine.
class CachedWorld final : public BlobWorld {
 public:
  BlobStore& store() override { return store_; }
  SweptBlobStore* swept() override { return &store_; }
  void Damage(const std::string& digest) override {
    far_.Damage(digest);
    cache_.Remove(digest);
  }
  bool LeaveHalfAPut() override { return far_.LeaveHalfAPut(); }

 private:
  LocalWorld far_;
  TempDir dir_;
  remote::BlobCache cache_{dir_.path(), 64 << 20};
  remote::CachedBlobStore store_{*far_.swept(), cache_};
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<BlobWorld>()> make;
};

class BlobStoreContractTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    world_ = GetParam().make();
    if (!world_->Missing().empty()) GTEST_SKIP() << world_->Missing();
  }
  BlobStore& store() { return world_->store(); }
  /// What nobody has touched for a moment.
  static Millis Later() { return SystemClock().Now() + std::chrono::hours(1); }

  std::unique_ptr<BlobWorld> world_;
};

INSTANTIATE_TEST_SUITE_P(
    EveryStore, BlobStoreContractTest,
    testing::Values(Kind{"Memory", [] { return std::make_unique<MemoryWorld>(); }},
                    Kind{"Local", [] { return std::make_unique<LocalWorld>(); }},
                    Kind{"Cached", [] { return std::make_unique<CachedWorld>(); }},
                    Kind{"S3", [] { return S3World(kPath); }},
                    Kind{"S3VirtualHost", [] { return S3World(kVirtualHost); }},
                    Kind{"S3Tls", [] { return S3World(kTls); }},
                    Kind{"WebHdfs", [] { return WebHdfsWorld(); }}),
    [](const auto& kind) { return kind.param.name; });

TEST_P(BlobStoreContractTest, ReturnsTheBytesPutUnderTheirDigest) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  for (const std::string& bytes :
       {std::string(), std::string("a\0b", 3), every_byte, std::string(3 << 20, 'x')}) {
    const auto digest = store().Put(bytes);
    ASSERT_TRUE(digest) << digest.error();
    EXPECT_EQ(*digest, Sha256Hex(bytes));
    const auto stored = store().Get(*digest);
    ASSERT_TRUE(stored) << stored.error();
    EXPECT_TRUE(*stored == bytes) << "of " << bytes.size() << " bytes";
    EXPECT_TRUE(*store().Has(*digest));
    EXPECT_EQ(*store().Put(bytes), *digest);
  }
}

TEST_P(BlobStoreContractTest, KnowsWhatItDoesNotHave) {
  const std::string digest = Sha256Hex("never stored");
  const auto has = store().Has(digest);
  ASSERT_TRUE(has) << has.error();
  EXPECT_FALSE(*has);
  EXPECT_EQ(store().Get(digest).error().code(), Code::kNotFound);
  EXPECT_THAT(store().Get(digest).error().message(), HasSubstr(digest));
  EXPECT_EQ(store().Get("../../etc/passwd").error().code(), Code::kNotFound);
  EXPECT_FALSE(*store().Has("../../etc/passwd"));
}

TEST_P(BlobStoreContractTest, ReportsDamagedBytes) {
  const std::string digest = *store().Put("the right bytes");
  world_->Damage(digest);
  const auto bytes = store().Get(digest);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code(), Code::kDataLoss);
  EXPECT_THAT(bytes.error().message(), HasSubstr(digest));
}

TEST_P(BlobStoreContractTest, PutHealsDamagedBytes) {
  const std::string digest = *store().Put("the right bytes");
  world_->Damage(digest);
  ASSERT_TRUE(store().Put("the right bytes"));
  EXPECT_EQ(*store().Get(digest), "the right bytes");
}

TEST_P(BlobStoreContractTest, ManyWritersOfOneBlobAllSucceed) {
  const std::string bytes(100'000, 'b');
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 6; ++i) {
      writers.emplace_back([&] {
        const auto digest = store().Put(bytes);
        EXPECT_TRUE(digest) << digest.error();
      });
    }
  }
  EXPECT_EQ(*store().Get(Sha256Hex(bytes)), bytes);
}

TEST_P(BlobStoreContractTest, ReadersSeeAllOfABlobOrNothing) {
  const std::string bytes(1 << 20, 'r');
  const std::string digest = Sha256Hex(bytes);
  std::jthread writer([&] { EXPECT_TRUE(store().Put(bytes)); });
  for (bool seen = false; !seen;) {
    const auto read = store().Get(digest);
    if (read) {
      EXPECT_EQ(*read, bytes);
      seen = true;
    } else {
      ASSERT_EQ(read.error().code(), Code::kNotFound) << read.error();
    }
  }
}

TEST_P(BlobStoreContractTest, AnotherProcessSeesTheBlob) {
  const std::string digest = *store().Put("kept");
  const auto other = world_->Reopened();
  if (other == nullptr) GTEST_SKIP() << "there is no other";
  EXPECT_EQ(*other->Get(digest), "kept");
}

TEST_P(BlobStoreContractTest, ASweepOfNothingIsFine) {
  if (world_->swept() == nullptr) GTEST_SKIP() << "nothing is swept";
  const auto swept = world_->swept()->Sweep({}, Later());
  ASSERT_TRUE(swept) << swept.error();
  EXPECT_EQ(*swept, 0);
}

TEST_P(BlobStoreContractTest, ASweepTakesWhatIsOldAndUnnamed) {
  SweptBlobStore* swept = world_->swept();
  if (swept == nullptr) GTEST_SKIP() << "nothing is swept";
  const std::string named = *store().Put("named");
  const std::string other = *store().Put("other");
  const bool half = world_->LeaveHalfAPut();
  const auto young = swept->Sweep({named}, SystemClock().Now() - std::chrono::hours(1));
  ASSERT_TRUE(young) << young.error();
  EXPECT_EQ(*young, 0) << "somebody may just have put it, or be putting it";
  EXPECT_TRUE(*store().Has(other));
  const auto old = swept->Sweep({named}, Later());
  ASSERT_TRUE(old) << old.error();
  EXPECT_EQ(*old, half ? 2 : 1);
  EXPECT_TRUE(*store().Has(named));
  EXPECT_FALSE(*store().Has(other));
  EXPECT_EQ(*store().Get(named), "named");
  EXPECT_EQ(store().Get(other).error().code(), Code::kNotFound);
}

TEST_P(BlobStoreContractTest, WhatWasSweptCanBePutAgain) {
  SweptBlobStore* swept = world_->swept();
  if (swept == nullptr) GTEST_SKIP() << "nothing is swept";
  const std::string digest = *store().Put("comes back");
  ASSERT_EQ(*swept->Sweep({}, Later()), 1);
  EXPECT_EQ(*store().Put("comes back"), digest);
  EXPECT_EQ(*store().Get(digest), "comes back");
}

TEST_P(BlobStoreContractTest, ABlobThatIsPutWhileASweepRunsIsThereAfterwards) {
  SweptBlobStore* swept = world_->swept();
  if (swept == nullptr) GTEST_SKIP() << "nothing is swept";
  const std::string digest = *store().Put("wanted again");
  for (int i = 0; i < 5; ++i) {
    std::jthread sweeper([&] {
      const auto done = swept->Sweep({}, SystemClock().Now() - std::chrono::hours(1));
      EXPECT_TRUE(done) << done.error();
    });
    EXPECT_TRUE(store().Put("wanted again"));
    sweeper.join();
    ASSERT_TRUE(*store().Has(digest)) << "round " << i;
  }
}

/// What only a store with pages has.
TEST(RemoteListTest, AListOfSeveralPagesIsComplete) {
  if (Variable("AIFLOW_TEST_S3_URL").empty()) GTEST_SKIP() << "AIFLOW_TEST_S3_URL names no server";
  const remote::StopFlag stop;
  remote::S3Options options = S3OptionsOf(UniquePlace(), kPath);
  options.keys_per_page = 7;
  remote::S3ObjectStore objects(std::move(options), stop);
  const int count = 20;
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(objects.Put("ab/" + std::to_string(i), "x").ok());
  }
  std::set<std::string> names;
  const Status listed = objects.List([&names](const remote::ObjectInfo& object) {
    names.insert(object.name);
    EXPECT_EQ(object.size, 1);
    EXPECT_LT(object.age, std::chrono::minutes(10));
    return Status::Ok();
  });
  EXPECT_TRUE(listed.ok()) << listed;
  EXPECT_EQ(names.size(), static_cast<size_t>(count));
}

TEST(RemoteTlsTest, ACertificateThatNobodyTrustsIsRefusedAtOnce) {
  if (Variable(kTls).empty()) GTEST_SKIP() << kTls << " names no server";
  const remote::StopFlag stop;
  remote::S3Options options = S3OptionsOf(UniquePlace(), kTls);
  options.ca_file.clear();
  remote::S3ObjectStore objects(std::move(options), stop);
  const Status status = objects.Put("x", "bytes");
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
  EXPECT_THAT(status.message(), HasSubstr("its certificate is not trusted"));
}

}  // namespace
}  // namespace aiflow
