#include "cli/upload.h"

#include "bundle/pack.h"
#include "storage/blob_store.h"

namespace aiflow::cli {

Result<v1::UploadWorkflowsResponse> Upload(Client& client, const CompiledWorkflows& compiled,
                                           const std::filesystem::path& file,
                                           const std::vector<std::filesystem::path>& artifacts,
                                           const std::string& request_id, const KeepBundle& keep,
                                           const UploadProgress& progress) {
  const Result<PackedBundle> bundle = PackBundle(file, artifacts);
  if (!bundle) return Error(bundle.error());
  v1::UploadWorkflowsRequest::Header header;
  header.set_request_id(request_id);
  header.mutable_workflows()->Assign(compiled.workflows.begin(), compiled.workflows.end());
  header.set_bundle_name(bundle->top_directory);
  header.set_bundle_sha256(Sha256Hex(bundle->bytes));
  header.set_bundle_size(static_cast<int64_t>(bundle->bytes.size()));
  if (keep) {
    Result<std::string> uri = keep(bundle->top_directory, bundle->bytes);
    if (!uri) return Error(uri.error());
    header.set_bundle_uri(*std::move(uri));
  }
  return client.UploadWorkflows(header, bundle->bytes, [&](size_t sent) {
    if (progress) progress(sent, bundle->bytes.size());
  });
}

}  // namespace aiflow::cli
