#pragma once

#include <memory>

#include "base/status.h"
#include "server/config.h"
#include "storage/blobs/remote/object_store.h"

/// The settings blob_store... of aiflow_server.yaml (docs/blob-stores.md).
namespace aiflow::server {

/// kInvalidArgument names the key and says what it must be.
Status CheckBlobStore(const Config& config);

/// The store on another machine that a checked `config` names; null when it names none. `stop` must
/// outlive it. Nothing is sent yet.
std::unique_ptr<remote::ObjectStore> MakeObjectStore(const Config& config,
                                                     const remote::RetryLimits& limits,
                                                     const remote::StopFlag& stop);
/// As the settings say.
remote::RetryLimits BlobStoreLimits(const Config& config);
/// Bytes.
int64_t BlobCacheSize(const Config& config);

}  // namespace aiflow::server
