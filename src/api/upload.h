#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/requests.h"
#include "model/workflow_spec.h"
#include "storage/blob_store.h"
#include "storage/queries.h"

namespace aiflow::api {

/// One workflow of an upload as it came, and what checking made of it.
struct UploadedWorkflow {
  std::string spec_json;
  std::string content;
  std::string pickled;
  // Filled by CheckUpload.
  WorkflowSpec spec;
  std::vector<std::string> warnings;
};

/// An upload with its whole bundle.
struct Upload {
  std::vector<UploadedWorkflow> workflows;
  std::string bundle_name;
  std::string bundle_sha256;
  int64_t bundle_size = 0;
  std::string bundle_uri;
  std::string bundle;
};

/// What is known before the bundle's bytes: names, limits, every specification, duplicates, the
/// namespaces. Nothing is stored. One error names every problem of a specification. One without a
/// time zone gets `default_timezone` (empty: stays without, which is UTC).
Status CheckUpload(const Queries& queries, const std::string& default_timezone, Upload* upload);

/// Whether the bytes are the announced ones.
Status CheckBundle(const Upload& upload);

/// Stores the blobs of a checked upload and returns the requests that make it visible, one per
/// workflow, in order.
Result<std::vector<UploadWorkflow>> StoreUpload(BlobStore& blobs, const Upload& upload);

}  // namespace aiflow::api
