#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "storage/blobs/swept_blob_store.h"

namespace aiflow {

/// Blobs as files `root`/ab/<digest>. A file appears complete or not at all: it is written aside,
/// synced and renamed. Thread-safe, also between processes (Sweep: one process only).
class LocalBlobStore : public SweptBlobStore {
 public:
  /// Directories are made when the first blob comes.
  explicit LocalBlobStore(std::filesystem::path root);

  /// A damaged file of the same digest is replaced.
  Result<std::string> Put(std::string_view bytes) override;
  Result<std::string> Get(const std::string& digest) const override;
  Result<bool> Has(const std::string& digest) const override;

  Result<int64_t> Sweep(const std::set<std::string>& named, Millis before) override;

 private:
  [[nodiscard]] std::filesystem::path PathOf(const std::string& digest) const;
  /// The file is there, and young again.
  bool Touch(const std::filesystem::path& path);
  bool RemoveOlder(const std::filesystem::path& path, Millis before);

  /// Between a Put that finds its blob there and a Sweep that is about to remove it.
  std::mutex mutex_;
  const std::filesystem::path root_;
};

}  // namespace aiflow
