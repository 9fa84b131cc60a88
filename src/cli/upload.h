#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/client.h"
#include "cli/compile.h"

namespace aiflow::cli {

/// Hears how many bytes of how many are sent.
using UploadProgress = std::function<void(size_t sent, size_t size)>;

/// Packs `file` and its artifacts into a bundle and uploads it with the workflows compiled from it,
/// in one atomic step. The same `request_id` uploads once. `progress` may be empty.
Result<v1::UploadWorkflowsResponse> Upload(Client& client, const CompiledWorkflows& compiled,
                                           const std::filesystem::path& file,
                                           const std::vector<std::filesystem::path>& artifacts,
                                           const std::string& request_id,
                                           const UploadProgress& progress);

}  // namespace aiflow::cli
