#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace aiflow::api {

/// A regular file in a working directory.
struct Artifact {
  std::string path;  // relative to it
  int64_t size = 0;
  Millis update_time{0};
};

/// At most `limit` files below `directory`, those with the least paths behind `after`, ascending.
/// Links are neither listed nor followed, so that nothing outside is shown, nor are files whose
/// path is no UTF-8, as no call could name them. A directory that is not there has none.
/// kUnavailable when it cannot be read to its end. Takes memory for one page, and time for the
/// whole directory.
Result<std::vector<Artifact>> ListArtifacts(const std::string& directory, const std::string& after,
                                            size_t limit);

/// Opens one of them for reading; the caller closes it. kInvalidArgument for a path that is
/// absolute or leads up, kNotFound for anything that ListArtifacts would not list,
/// kPermissionDenied or kUnavailable when it is there and cannot be opened.
Result<int> OpenArtifact(const std::string& directory, const std::string& path);

}  // namespace aiflow::api
