#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "storage/blobs/remote/object_store.h"
#include "storage/blobs/swept_blob_store.h"

namespace aiflow::remote {

/// The object that says whose blobs these are.
inline constexpr const char* kOwnerObject = "aiflow-owner";

/// Blobs as objects ab/<digest> of an ObjectStore: the names that a local blob store has. The
/// first Put or Sweep writes down whose blobs these are; where they are somebody else's it refuses,
/// as his sweeps would remove ours. Thread-safe.
class RemoteBlobStore final : public SweptBlobStore {
 public:
  /// `owner`: an id of the home, the same for ever; a word without spaces.
  RemoteBlobStore(std::unique_ptr<ObjectStore> objects, std::string owner);

  /// kFailedPrecondition: the place belongs to another home. Damaged bytes are replaced.
  Result<std::string> Put(std::string_view bytes) override;
  /// Bytes with another digest are read once more, as they may have been damaged on the way.
  Result<std::string> Get(const std::string& digest) const override;
  Result<bool> Has(const std::string& digest) const override;
  Result<int64_t> Sweep(const std::set<std::string>& named, Millis before) override;

  /// Writes nothing. kNotFound: nobody has taken the place yet.
  Result<std::string> Owner() const;
  [[nodiscard]] ObjectStore& objects() const { return *objects_; }
  /// Why the last operation got no answer; empty when it did.
  [[nodiscard]] std::string AwayReason() const;

 private:
  Status Claim();
  /// Removes one blob unless it was Put within `grace`. False: it was.
  Result<bool> RemoveOld(const std::string& digest, Millis grace);
  /// Notes whether the store is away.
  void Note(const Status& status) const;

  const std::unique_ptr<ObjectStore> objects_;
  const std::string owner_;
  std::atomic<bool> claimed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable removed_;
  // All guarded by mutex_.
  std::map<std::string, std::chrono::nanoseconds> put_;  // digests, and when last (monotonic)
  std::set<std::string> removing_;
  mutable std::string away_;
};

}  // namespace aiflow::remote
