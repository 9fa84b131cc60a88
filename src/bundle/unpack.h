#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "base/status.h"
#include "storage/blob_store.h"

namespace aiflow {

/// What one bundle may become on disk.
inline constexpr size_t kMaxUnpackedBytes = size_t{1} << 30;
inline constexpr size_t kMaxBundleEntries = 100'000;

/// Unpacks bundles (zip, tar, tar.gz) once each, read-only, under `root`/<digest>. Thread-safe,
/// also between processes: a bundle appears complete or not at all (unpacked aside, synced,
/// renamed), and of many who want it at the same time one unpacks and the others wait.
class BundleDirectory {
 public:
  /// `root` is made when the first bundle comes.
  BundleDirectory(const std::filesystem::path& root, const BlobStore& blobs);

  /// The directory of the bundle, unpacked on first use. Refuses absolute paths, `..`, links that
  /// lead out, special files, an entry that comes twice, and more than kMaxUnpackedBytes or
  /// kMaxBundleEntries: kInvalidArgument with the entry's name. kNotFound and kDataLoss as
  /// BlobStore.
  Result<std::filesystem::path> Get(const std::string& digest);
  /// As Get, for who can wait: the blob is read from `patient` first, so that nobody else who wants
  /// the bundle has to wait for the network meanwhile.
  Result<std::filesystem::path> Get(const std::string& digest, const BlobStore& patient);

  /// Removes the unpacked bundles for which `unused` is true. Nobody must ask for such a bundle
  /// while it runs. Returns how many.
  Result<int64_t> Sweep(const std::function<bool(const std::string& digest)>& unused);

 private:
  const std::filesystem::path root_;
  const BlobStore& blobs_;
};

}  // namespace aiflow
