#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "storage/blob_store.h"

namespace aiflow {

/// Blobs as files `root`/ab/<digest>. A file appears complete or not at all: it is written aside,
/// synced and renamed. Thread-safe, also between processes.
class LocalBlobStore : public BlobStore {
 public:
  /// Directories are made when the first blob comes.
  explicit LocalBlobStore(std::filesystem::path root);

  /// A damaged file of the same digest is replaced.
  Result<std::string> Put(std::string_view bytes) override;
  Result<std::string> Get(const std::string& digest) const override;
  Result<bool> Has(const std::string& digest) const override;

 private:
  [[nodiscard]] std::filesystem::path PathOf(const std::string& digest) const;

  const std::filesystem::path root_;
};

}  // namespace aiflow
