#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "storage/blob_store.h"

namespace aiflow {

/// Blobs in a map, for the simulator and tests. Thread-safe.
class MemoryBlobStore : public BlobStore {
 public:
  Result<std::string> Put(std::string_view bytes) override;
  Result<std::string> Get(const std::string& digest) const override;
  Result<bool> Has(const std::string& digest) const override;

  /// Damages a stored blob, so that Get answers kDataLoss. REQUIRES: it is there and not empty.
  void Corrupt(const std::string& digest);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
};

}  // namespace aiflow
