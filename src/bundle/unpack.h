#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"
#include "storage/blob_store.h"

namespace aiflow {

/// Unpacks bundles once each, read-only, under `root`/<digest>. Thread-safe, also between
/// processes: a bundle appears complete or not at all (unpacked aside, synced, renamed).
class BundleDirectory {
 public:
  BundleDirectory(std::filesystem::path root, const BlobStore& blobs);

  /// The directory of the bundle, unpacked on first use. Refuses absolute paths, `..`, links that
  /// lead out, special files, and more than kMaxUnpackedBytes: kInvalidArgument with the entry's
  /// name.
  Result<std::filesystem::path> Get(const std::string& digest);

 private:
  const std::filesystem::path root_;
  const BlobStore& blobs_;
};

}  // namespace aiflow
