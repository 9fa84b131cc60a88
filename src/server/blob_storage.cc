#include "server/blob_storage.h"

#include <unistd.h>

#include <array>
#include <random>
#include <utility>

#include "server/blob_store_config.h"
#include "storage/blobs/local_blob_store.h"
#include "storage/blobs/remote/blob_cache.h"
#include "storage/blobs/remote/cached_blob_store.h"
#include "storage/blobs/remote/prompt_blob_store.h"
#include "storage/blobs/remote/remote_blob_store.h"

namespace aiflow::server {

struct BlobStorage::Remote {
  Remote(const Home& home, const Config& config, std::string owner)
      : blobs(MakeObjectStore(config, BlobStoreLimits(config), stop), std::move(owner)),
        cache(home.blob_cache(), BlobCacheSize(config)),
        cached(blobs, cache),
        prompt(cached) {}
  // Its threads must not wait for the network when they are joined.
  ~Remote() { stop.Set(); }

  remote::StopFlag stop;
  remote::RemoteBlobStore blobs;
  remote::BlobCache cache;
  remote::CachedBlobStore cached;
  remote::PromptBlobStore prompt;
};

BlobStorage::BlobStorage() = default;
BlobStorage::~BlobStorage() = default;

Result<std::string> BlobOwner(const Home& home) {
  Result<std::string> known = ReadTextFile(home.blob_owner());
  if (known.has_value()) {
    while (!known->empty() && known->back() == '\n') known->pop_back();
    if (!known->empty()) return known;
  }
  constexpr const char* kDigits = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (int i = 0; i < 32; ++i) id += kDigits[random() & 15];
  // For people who look at it in the store.
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
    id = std::string(host.data()) + "-" + id;
  }
  if (Status written = WriteFileAtomically(home.blob_owner(), id + "\n"); !written.ok()) {
    return Error(std::move(written));
  }
  return id;
}

Result<std::unique_ptr<BlobStorage>> BlobStorage::Open(const Home& home, const Config& config) {
  std::unique_ptr<BlobStorage> storage(new BlobStorage());
  if (config.blob_store == "local") {
    storage->local_ = std::make_unique<LocalBlobStore>(home.blobs());
    return storage;
  }
  Result<std::string> owner = BlobOwner(home);
  if (!owner.has_value()) return Error(owner.error());
  storage->remote_ = std::make_unique<Remote>(home, config, *std::move(owner));
  return storage;
}

SweptBlobStore& BlobStorage::store() {
  if (remote_ != nullptr) return remote_->cached;
  return *local_;
}

const BlobStore& BlobStorage::prompt() const {
  if (remote_ != nullptr) return remote_->prompt;
  return *local_;
}

void BlobStorage::SetPatient(bool patient) {
  if (remote_ != nullptr) remote_->prompt.SetPatient(patient);
}

BlobStorageUse BlobStorage::use() const {
  if (remote_ == nullptr) return {};
  const remote::RemoteCounters& counters = remote_->blobs.objects().counters();
  return {.remote = true,
          .where = remote_->blobs.objects().where(),
          .away = remote_->blobs.AwayReason(),
          .requests = counters.requests,
          .retries = counters.retries,
          .given_up = counters.given_up,
          .cache_hits = remote_->cached.counters().hits,
          .cache_misses = remote_->cached.counters().misses,
          .cache_bytes = remote_->cache.bytes()};
}

void BlobStorage::Stop() {
  if (remote_ != nullptr) remote_->stop.Set();
}

}  // namespace aiflow::server
