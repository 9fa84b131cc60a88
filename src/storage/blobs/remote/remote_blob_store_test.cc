#include "storage/blobs/remote/remote_blob_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace aiflow::remote {
namespace {

using testing::HasSubstr;

struct Objects {
  struct Object {
    std::string bytes;
    Millis age{0};
  };
  std::mutex mutex;
  std::map<std::string, Object> all;  // guarded by mutex
  std::function<void()> before_put;   // called without the mutex
  std::function<void()> while_removing;
  std::vector<std::string> bad_reads;  // returned by the next Gets instead; guarded by mutex
  Status fault;                        // of all that follows; guarded by mutex
};

class FakeObjectStore final : public ObjectStore {
 public:
  explicit FakeObjectStore(Objects& objects) : objects_(objects) {}

  Status Put(const std::string& name, std::string_view bytes) override {
    if (objects_.before_put) objects_.before_put();
    const std::lock_guard lock(objects_.mutex);
    if (objects_.fault.ok()) objects_.all[name] = {std::string(bytes), Millis(0)};
    return objects_.fault;
  }
  Result<std::string> Get(const std::string& name, size_t /*max_bytes*/) override {
    const std::lock_guard lock(objects_.mutex);
    if (!objects_.fault.ok()) return Error(objects_.fault);
    if (!objects_.all.contains(name)) return Error(Code::kNotFound, "");
    if (objects_.bad_reads.empty()) return objects_.all[name].bytes;
    std::string bad = objects_.bad_reads.back();
    objects_.bad_reads.pop_back();
    return bad;
  }
  Result<std::optional<ObjectInfo>> Look(const std::string& name) override {
    const std::lock_guard lock(objects_.mutex);
    if (!objects_.all.contains(name)) return std::optional<ObjectInfo>();
    return std::optional(ObjectInfo{.name = name});
  }
  Status Remove(const std::string& name) override {
    if (objects_.while_removing) objects_.while_removing();
    const std::lock_guard lock(objects_.mutex);
    objects_.all.erase(name);
    return Status::Ok();
  }
  Status List(const std::function<Status(const ObjectInfo&)>& each) override {
    std::vector<ObjectInfo> found;
    {
      const std::lock_guard lock(objects_.mutex);
      for (const auto& [name, object] : objects_.all) {
        found.push_back({.name = name, .size = 1, .age = object.age});
      }
    }
    for (const ObjectInfo& object : found) AIFLOW_RETURN_IF_ERROR(each(object));
    return objects_.fault;
  }
  std::string where() const override { return "fake://"; }
  const RemoteCounters& counters() const override { return counters_; }

 private:
  Objects& objects_;
  RemoteCounters counters_;
};

std::string NameOf(const std::string& digest) { return digest.substr(0, 2) + "/" + digest; }
Millis Ago(std::chrono::hours hours) { return SystemClock().Now() - hours; }

class RemoteBlobStoreTest : public testing::Test {
 protected:
  void Age(const std::string& digest) {
    objects_.all.at(NameOf(digest)).age = std::chrono::hours(9);
  }

  Objects objects_;
  RemoteBlobStore store_{std::make_unique<FakeObjectStore>(objects_), "me"};
};

TEST_F(RemoteBlobStoreTest, BytesDamagedOnTheWayAreReadOnceMore) {
  const std::string digest = *store_.Put("bytes");
  objects_.bad_reads = {"byte"};
  EXPECT_EQ(*store_.Get(digest), "bytes");
  objects_.bad_reads = {"byte", "byte"};
  const auto damaged = store_.Get(digest);
  EXPECT_EQ(damaged.error().code(), Code::kDataLoss);
  EXPECT_THAT(damaged.error().message(), HasSubstr(NameOf(digest)));
}

TEST_F(RemoteBlobStoreTest, APlaceOfAnotherHomeIsLeftAlone) {
  ASSERT_TRUE(store_.Put("mine").has_value());
  RemoteBlobStore other(std::make_unique<FakeObjectStore>(objects_), "you");
  const auto put = other.Put("yours");
  EXPECT_EQ(put.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(put.error().message(), HasSubstr("belongs to another home, me (this one is you)"));
  EXPECT_EQ(other.Sweep({}, Ago(std::chrono::hours(-1))).error().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(*store_.Has(Sha256Hex("mine")));
  EXPECT_EQ(*other.Get(Sha256Hex("mine")), "mine");
}

TEST_F(RemoteBlobStoreTest, ASweepRemovesOldBlobsThatNothingNamesAndNothingElse) {
  const std::string named = *store_.Put("named");
  const std::string old = *store_.Put("old");
  const std::string young = *store_.Put("young");
  for (const std::string& digest : {named, old}) Age(digest);
  objects_.all["ab/.new-1"] = {"half", std::chrono::hours(9)};
  objects_.all["ab/.new-2"] = {"half", Millis(0)};
  objects_.all["notes.txt"] = {"a person's", std::chrono::hours(9)};
  objects_.all["00/" + old] = {"not where ours are", std::chrono::hours(9)};
  // A server that began later has put none of them itself.
  RemoteBlobStore next(std::make_unique<FakeObjectStore>(objects_), "me");
  EXPECT_EQ(*next.Sweep({named}, Ago(std::chrono::hours(1))), 2);
  EXPECT_FALSE(objects_.all.contains(NameOf(old)));
  EXPECT_FALSE(objects_.all.contains("ab/.new-1"));
  EXPECT_EQ(objects_.all.size(), 6U) << "owner, named, young, .new-2, notes and the stranger";
}

TEST_F(RemoteBlobStoreTest, ABlobThatWasPutAgainWhileAListWasReadIsKept) {
  const std::string digest = *store_.Put("bytes");
  Age(digest);  // as an old list has it
  EXPECT_EQ(*store_.Sweep({}, Ago(std::chrono::hours(1))), 0);
  EXPECT_TRUE(*store_.Has(digest));
}

TEST_F(RemoteBlobStoreTest, APutWaitsForTheRemovalOfItsBlob) {
  const std::string digest = *store_.Put("bytes");
  Age(digest);
  RemoteBlobStore next(std::make_unique<FakeObjectStore>(objects_), "me");
  std::future<bool> put;
  std::atomic<bool> removing = false;
  objects_.while_removing = [&] {
    if (removing.exchange(true)) return;
    put = std::async(std::launch::async, [&] { return next.Put("bytes").has_value(); });
  };
  EXPECT_EQ(*next.Sweep({}, Ago(std::chrono::hours(1))), 1);
  EXPECT_TRUE(put.get());
  EXPECT_TRUE(*next.Has(digest)) << "the removal came first, the Put after it";
}

TEST_F(RemoteBlobStoreTest, ABlobThatIsOnItsWayIsNotSwept) {
  const std::string digest = *store_.Put("bytes");
  Age(digest);
  RemoteBlobStore next(std::make_unique<FakeObjectStore>(objects_), "me");
  ASSERT_TRUE(next.Put("other").has_value());
  int64_t swept = -1;
  objects_.before_put = [&] {  // the owner is written already
    swept = *next.Sweep({}, Ago(std::chrono::hours(1)));
  };
  ASSERT_TRUE(next.Put("bytes").has_value());
  EXPECT_EQ(swept, 0);
}

TEST_F(RemoteBlobStoreTest, ItTellsWhetherTheStoreIsAway) {
  const std::string digest = *store_.Put("bytes");
  EXPECT_EQ(store_.AwayReason(), "");
  objects_.fault = {Code::kUnavailable, "gone fishing"};
  EXPECT_FALSE(store_.Get(digest).has_value());
  EXPECT_EQ(store_.AwayReason(), "gone fishing");
  objects_.fault = Status::Ok();
  EXPECT_EQ(store_.Get(Sha256Hex("nobody's")).error().code(), Code::kNotFound);
  EXPECT_EQ(store_.AwayReason(), "");
}

}  // namespace
}  // namespace aiflow::remote
