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

/// Stores a bundle somewhere else, too, and returns its uri there.
using KeepBundle =
    std::function<Result<std::string>(const std::string& top_directory, const std::string& bytes)>;

/// Packs `file` and its artifacts into a bundle and uploads it with the workflows compiled from it,
/// in one atomic step. The same `request_id` uploads once. `keep` comes before: when it fails,
/// nothing is uploaded. `keep` and `progress` may be empty.
Result<v1::UploadWorkflowsResponse> Upload(Client& client, const CompiledWorkflows& compiled,
                                           const std::filesystem::path& file,
                                           const std::vector<std::filesystem::path>& artifacts,
                                           const std::string& request_id, const KeepBundle& keep,
                                           const UploadProgress& progress);

}  // namespace aiflow::cli
