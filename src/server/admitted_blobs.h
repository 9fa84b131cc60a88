#pragma once

#include "server/disk_watch.h"
#include "storage/blob_store.h"

namespace aiflow::server {

/// The blob store for what comes from outside: refuses new blobs while the disk is nearly full.
/// Thread-safe. Store and watch must outlive it.
class AdmittedBlobs final : public BlobStore {
 public:
  AdmittedBlobs(BlobStore& blobs, DiskWatch& disk) : blobs_(blobs), disk_(disk) {}

  Result<std::string> Put(std::string_view bytes) override {
    Status admitted = disk_.Admit(Admission::kExternal, bytes.size());
    if (!admitted.ok()) return Error(std::move(admitted));
    return blobs_.Put(bytes);
  }
  Result<std::string> Get(const std::string& digest) const override { return blobs_.Get(digest); }
  Result<bool> Has(const std::string& digest) const override { return blobs_.Has(digest); }

 private:
  BlobStore& blobs_;
  DiskWatch& disk_;
};

}  // namespace aiflow::server
