#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/blobs/remote/cached_blob_store.h"

namespace aiflow::remote {

/// The store for threads that must not wait for the network, above all the engine's: what is not on
/// this machine is fetched by threads of its own. Thread-safe.
class PromptBlobStore final : public BlobStore {
 public:
  /// `store` must outlive it. Whoever asks first for a blob waits for it so long.
  explicit PromptBlobStore(CachedBlobStore& store,
                           std::chrono::milliseconds patience = std::chrono::milliseconds(200));
  /// Waits for what is being fetched: stop the store below first.
  ~PromptBlobStore() override;

  /// kNotFound and kDataLoss as of the store. kDeadlineExceeded: it is not here yet, or the store
  /// cannot be asked now; ask again, for it is being fetched or will be.
  Result<std::string> Get(const std::string& digest) const override;
  Result<std::string> Put(std::string_view bytes) override { return store_.Put(bytes); }
  Result<bool> Has(const std::string& digest) const override { return store_.Has(digest); }

  /// While it is set, Get waits until the store has answered or its limits are over.
  void SetPatient(bool patient) { patient_ = patient; }

 private:
  struct Fetch {
    bool waited = false;  // somebody has had his patience
    std::optional<Result<std::string>> result;
  };
  void Run();

  CachedBlobStore& store_;
  const std::chrono::milliseconds patience_;
  std::atomic<bool> patient_ = false;
  mutable std::mutex mutex_;
  mutable std::condition_variable wanted_;
  mutable std::condition_variable answered_;
  // All guarded by mutex_.
  mutable std::map<std::string, Fetch> fetches_;
  mutable std::deque<std::string> queue_;
  mutable std::deque<std::string> done_;  // results that nobody has taken, the oldest first
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace aiflow::remote
