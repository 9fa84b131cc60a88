#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/status.h"
#include "model/workflow_spec.h"
#include "storage/blob_store.h"

namespace aiflow {

/// Turns the digest of a specification into the parsed specification. Equal digests share one copy
/// as long as anybody uses it. Engine thread only.
class SpecResolver {
 public:
  explicit SpecResolver(const BlobStore& blobs) : blobs_(blobs) {}

  /// kNotFound, kDataLoss or kInvalidArgument: this digest names no usable specification, now and
  /// later. Other codes: the blob store could not be read, try again.
  Result<std::shared_ptr<const WorkflowSpec>> Get(const std::string& digest);

 private:
  const BlobStore& blobs_;
  std::unordered_map<std::string, std::weak_ptr<const WorkflowSpec>> cache_;
};

/// Whether an error of SpecResolver::Get is an answer (true) or a failure of the world (false).
bool IsBadSpec(const Status& status);

}  // namespace aiflow
