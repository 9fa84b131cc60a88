#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace aiflow::runner {

/// The log filter of an attempt with secrets: a process that reads what the attempt's processes say
/// from the pipe `log.pipe`, masks, and appends to `log`. It is no process of the attempt: it has a
/// session and an environment of its own, ignores the signals by which things are ended, and
/// outlives runner and server. It ends when nobody can write to the pipe any more; then it masks
/// `result` and `output`, and removes the pipe.

/// Who filters, as the file `filter` says.
struct FilterRecord {
  pid_t pid = 0;
  uint64_t start_time = 0;  // of pid, clock ticks since boot
  bool done = false;        // it has ended, and everything is masked
};
/// Nothing when the attempt has no filter.
std::optional<FilterRecord> ReadFilterRecord(const std::string& dir);

enum class FilterTask : uint8_t {
  kBegin,    // of a new attempt
  kTakeUp,   // the one before was killed: its line is lost
  kDiscard,  // the same, and the secrets are not known any more: everything is lost
};

/// Makes the pipe, a new one. What is opened by it with O_RDWR can be written to whether or not
/// there is a filter, without a SIGPIPE.
Status MakeLogPipe(const std::string& dir);
/// Starts a filter, as a child of whoever adopts orphans. When this returns OK the filter reads.
/// The caller must be single-threaded. `secrets`: the values; none for kDiscard.
Status StartLogFilter(const std::string& dir, const std::vector<std::string>& secrets,
                      FilterTask task);

/// What the attempt left in files for others to read: `result` and `output`. For when no filter did
/// it: masks them, or, without secrets, takes away what may hold some.
void MaskAttemptFiles(const std::string& dir, const std::vector<std::string>& secrets);

}  // namespace aiflow::runner
