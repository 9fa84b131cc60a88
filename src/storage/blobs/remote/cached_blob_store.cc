#include "storage/blobs/remote/cached_blob_store.h"

#include <utility>

namespace aiflow::remote {

Result<std::string> CachedBlobStore::Put(std::string_view bytes) {
  Result<std::string> digest = remote_.Put(bytes);
  // Whoever reads it fetches it when there is no place for a copy.
  if (digest.has_value()) (void)cache_.Put(bytes);
  return digest;
}

Result<std::string> CachedBlobStore::GetCopy(const std::string& digest) const {
  Result<std::string> copy = cache_.Get(digest);
  if (copy.has_value()) ++counters_.hits;
  return copy;
}

Result<std::string> CachedBlobStore::Get(const std::string& digest) const {
  if (!IsBlobDigest(digest)) return Error(Code::kNotFound, "'" + digest + "' is no blob digest");
  if (auto copy = GetCopy(digest); copy.has_value()) return copy;
  {
    std::unique_lock lock(mutex_);
    if (fetching_.contains(digest)) {
      fetched_.wait(lock, [&] { return !fetching_.contains(digest); });
      lock.unlock();
      if (auto copy = GetCopy(digest); copy.has_value()) return copy;
      lock.lock();
    }
    // Two may come here after a failed fetch; each then asks for itself.
    fetching_.insert(digest);
  }
  ++counters_.misses;
  Result<std::string> bytes = remote_.Get(digest);
  if (bytes.has_value()) (void)cache_.Put(*bytes);
  {
    const std::lock_guard lock(mutex_);
    fetching_.erase(digest);
  }
  fetched_.notify_all();
  return bytes;
}

Result<int64_t> CachedBlobStore::Sweep(const std::set<std::string>& named, Millis before) {
  Result<int64_t> removed = remote_.Sweep(named, before);
  // Copies follow, also while the store is away: they are copies.
  const Status copies = cache_.Sweep(named, before);
  if (removed.has_value() && !copies.ok()) return Error(copies);
  return removed;
}

}  // namespace aiflow::remote
