#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"

namespace aiflow {

struct PackedBundle {
  std::string bytes;  // a zip archive
  /// The one directory at its top: the workflow file's name without extension.
  std::string top_directory;
};

/// Packs a workflow file and its artifacts as an upload's bundle. Files go directly into the top
/// directory, directories go there with everything below them (without `__pycache__`); symbolic
/// links are followed. The same contents give the same bytes, whatever their times, owners and
/// order. kInvalidArgument, with the path: a file is missing, unreadable or special, two files
/// would take the same place, or the bundle is over limits::kMaxBundleBytes, kMaxUnpackedBytes or
/// kMaxBundleEntries. Blocking file I/O; thread-safe.
Result<PackedBundle> PackBundle(const std::filesystem::path& workflow_file,
                                const std::vector<std::filesystem::path>& artifacts);

}  // namespace aiflow
