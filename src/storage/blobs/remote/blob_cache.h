#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/status.h"
#include "storage/blobs/local_blob_store.h"

namespace aiflow::remote {

/// Copies of blobs on this machine, as files `root`/ab/<digest>. Beyond `max_bytes` those go that
/// nobody has read for longest. Whoever reads gets the right bytes or nothing: a damaged copy is
/// removed. Thread-safe; one process at a time.
class BlobCache {
 public:
  BlobCache(std::filesystem::path root, int64_t max_bytes);

  /// kNotFound when it is not here.
  Result<std::string> Get(const std::string& digest);
  /// Fails as LocalBlobStore::Put does.
  Status Put(std::string_view bytes);
  void Remove(const std::string& digest);
  /// Removes copies that are not in `named`, as LocalBlobStore::Sweep does.
  Status Sweep(const std::set<std::string>& named, Millis before);

  [[nodiscard]] int64_t bytes() const;

 private:
  [[nodiscard]] std::filesystem::path PathOf(const std::string& digest) const;
  void CountAll();
  void Trim();

  const std::filesystem::path root_;
  const int64_t max_bytes_;
  LocalBlobStore files_;
  mutable std::mutex mutex_;
  int64_t bytes_ = 0;  // guarded by mutex_; an upper bound between two counts
};

}  // namespace aiflow::remote
