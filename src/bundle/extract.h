#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "base/status.h"
#include "bundle/unpack.h"

namespace aiflow::bundle {

struct ExtractLimits {
  size_t bytes = kMaxUnpackedBytes;
  size_t entries = kMaxBundleEntries;
};

/// Unpacks an archive into `target`, an existing empty directory, syncs it and makes it read-only.
/// Errors as BundleDirectory::Get; `target` is then in no particular state.
Status ExtractArchive(std::string_view archive, const std::filesystem::path& target,
                      const ExtractLimits& limits = {});

/// Removes a tree that ExtractArchive made read-only, or left half-made.
Status RemoveTree(const std::filesystem::path& path);

}  // namespace aiflow::bundle
