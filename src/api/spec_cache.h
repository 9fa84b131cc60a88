#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "model/workflow_spec.h"
#include "storage/blob_store.h"

namespace aiflow::api {

/// The parsed specifications of snapshots, by digest; keeps the few that were asked for last.
/// Thread-safe.
class SpecCache {
 public:
  explicit SpecCache(const BlobStore& blobs, size_t capacity = 64)
      : blobs_(blobs), capacity_(capacity) {}

  /// kFailedPrecondition for an empty digest: an old client's snapshot that was never compiled.
  Result<std::shared_ptr<const WorkflowSpec>> Get(const std::string& digest);

 private:
  const BlobStore& blobs_;
  const size_t capacity_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const WorkflowSpec>> specs_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace aiflow::api
