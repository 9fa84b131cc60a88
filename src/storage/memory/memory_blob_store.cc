#include "storage/memory/memory_blob_store.h"

#include "base/check.h"

namespace aiflow {

Result<std::string> MemoryBlobStore::Put(std::string_view bytes) {
  std::string digest = Sha256Hex(bytes);
  const std::lock_guard lock(mutex_);
  blobs_.insert_or_assign(digest, std::string(bytes));
  return digest;
}

Result<std::string> MemoryBlobStore::Get(const std::string& digest) const {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return Error(Code::kNotFound, "blob " + digest + " does not exist");
  if (Sha256Hex(found->second) != digest) {
    return Error(Code::kDataLoss, "blob " + digest + " is damaged: its bytes have another digest");
  }
  return found->second;
}

Result<bool> MemoryBlobStore::Has(const std::string& digest) const {
  const std::lock_guard lock(mutex_);
  return blobs_.contains(digest);
}

void MemoryBlobStore::Corrupt(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  CHECK(found != blobs_.end() && !found->second.empty()) << "no bytes to damage in " << digest;
  found->second.front() = static_cast<char>(~found->second.front());
}

}  // namespace aiflow
