#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "server/config.h"
#include "server/home.h"
#include "storage/blobs/swept_blob_store.h"

namespace aiflow::server {

/// For metrics and readiness. Plain value; all but `where` and `remote` only of a remote store.
struct BlobStorageUse {
  bool remote = false;
  std::string where;  // for people
  std::string away;   // why the last operation got no answer; empty: it got one
  int64_t requests = 0;
  int64_t retries = 0;
  int64_t given_up = 0;
  int64_t cache_hits = 0;
  int64_t cache_misses = 0;
  int64_t cache_bytes = 0;
};

/// The blobs of a home, wherever its settings keep them. Thread-safe.
class BlobStorage {
 public:
  /// Contacts nobody: a store that is away is noticed by whoever needs it. Errors of the home.
  static Result<std::unique_ptr<BlobStorage>> Open(const Home& home, const Config& config);
  ~BlobStorage();

  /// For who can wait for the network, within the limits of the settings.
  [[nodiscard]] SweptBlobStore& store();
  /// For the engine's thread: what is not on this machine is answered with kDeadlineExceeded and
  /// fetched meanwhile.
  [[nodiscard]] const BlobStore& prompt() const;
  /// While it is set, `prompt` waits too: for recovery.
  void SetPatient(bool patient);

  [[nodiscard]] BlobStorageUse use() const;
  /// What waits for the network gives up, now and later.
  void Stop();

 private:
  struct Remote;
  BlobStorage();

  std::unique_ptr<SweptBlobStore> local_;
  std::unique_ptr<Remote> remote_;  // exactly one of both is there
};

/// The id of the home in a blob store that it may share with others; made when there is none.
Result<std::string> BlobOwner(const Home& home);

}  // namespace aiflow::server
