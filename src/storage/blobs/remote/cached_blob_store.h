#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "storage/blobs/remote/blob_cache.h"
#include "storage/blobs/swept_blob_store.h"

namespace aiflow::remote {

struct CacheCounters {
  std::atomic<int64_t> hits = 0;
  std::atomic<int64_t> misses = 0;
};

/// A store in another machine with copies of its blobs on this one: what is here is read without
/// the network. A blob is never changed, so a copy is never stale. Thread-safe.
class CachedBlobStore final : public SweptBlobStore {
 public:
  /// Both must outlive it.
  CachedBlobStore(SweptBlobStore& remote, BlobCache& cache) : remote_(remote), cache_(cache) {}

  /// In the remote store first: a copy alone is no blob. A copy that cannot be kept is no error.
  Result<std::string> Put(std::string_view bytes) override;
  /// Of many who want one that is not here, one fetches it and the others wait.
  Result<std::string> Get(const std::string& digest) const override;
  /// Asks the remote store.
  Result<bool> Has(const std::string& digest) const override { return remote_.Has(digest); }
  Result<int64_t> Sweep(const std::set<std::string>& named, Millis before) override;

  /// The copy; kNotFound when it is not here. Never uses the network.
  Result<std::string> GetCopy(const std::string& digest) const;
  [[nodiscard]] const CacheCounters& counters() const { return counters_; }

 private:
  SweptBlobStore& remote_;
  BlobCache& cache_;
  mutable CacheCounters counters_;
  mutable std::mutex mutex_;
  mutable std::condition_variable fetched_;
  mutable std::set<std::string> fetching_;  // digests; guarded by mutex_
};

}  // namespace aiflow::remote
