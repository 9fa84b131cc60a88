#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow {

inline constexpr size_t kMaxSecretFileBytes = 1 << 20;

/// The text of a file that holds a secret. kNotFound without the file; kPermissionDenied when
/// others than its owner may read or write it, or when it belongs to somebody else than this
/// process or root; kInvalidArgument when it is no regular file or larger than kMaxSecretFileBytes.
/// Messages name the file and what to do, never its contents.
Result<std::string> ReadSecretFile(const std::filesystem::path& file);

}  // namespace aiflow
