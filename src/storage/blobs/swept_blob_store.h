#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/clock.h"
#include "storage/blob_store.h"

namespace aiflow {

/// A blob store of which retention removes what nothing names any more. Thread-safe.
class SweptBlobStore : public BlobStore {
 public:
  /// Removes blobs that are not in `named` and that nobody has Put since `before` (wall clock),
  /// also again; and what an interrupted Put has left. Returns how many. A Put that runs at the
  /// same time is safe, in this process. One process sweeps a store.
  virtual Result<int64_t> Sweep(const std::set<std::string>& named, Millis before) = 0;
};

/// 64 lower-case hexadecimal digits.
bool IsBlobDigest(std::string_view text);

}  // namespace aiflow
