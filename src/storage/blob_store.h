#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace aiflow {

/// Immutable bytes named by their SHA-256 (lower-case hex): specifications, sources, bundles.
/// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// Stores `bytes` durably and returns the digest; storing the same bytes again writes nothing.
  virtual Result<std::string> Put(std::string_view bytes) = 0;
  /// Checked against the digest: kNotFound, or kDataLoss when the bytes are damaged.
  virtual Result<std::string> Get(const std::string& digest) const = 0;
  virtual Result<bool> Has(const std::string& digest) const = 0;
};

/// SHA-256 as lower-case hex.
std::string Sha256Hex(std::string_view bytes);

}  // namespace aiflow
