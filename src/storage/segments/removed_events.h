#pragma once

#include <string>

#include "base/clock.h"
#include "model/ids.h"
#include "storage/client_sequences.h"
#include "storage/io/file_system.h"

namespace aiflow {

/// What a log remembers of the events that were removed, besides the keys of KeptKeys. One small
/// file, replaced as a whole: it decides where the log begins, so removing events is one step to
/// whoever opens the log.
struct RemovedEvents {
  static constexpr const char* kFileName = "removed";

  Offset first = 1;     // of the oldest event kept
  Millis last_time{0};  // of the last removed event: times never go back
  ClientSequences sequences;

  /// Durable on return.
  Status Write(FileSystem& files, const std::string& directory, const std::string& log_id) const;
  /// kDataLoss when the file is damaged.
  static Result<RemovedEvents> Read(FileSystem& files, const std::string& directory,
                                    const std::string& log_id);
};

}  // namespace aiflow
