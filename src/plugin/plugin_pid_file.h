#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "model/ids.h"

namespace aiflow::plugin {

/// Who runs as a plug-in, and for which server: what lets a server end the plug-in of another one
/// that was killed, and keeps an old one from starting its own again. One line beside the socket:
/// pid, start time, boot id, epoch.
struct PidFile {
  int64_t pid = 0;  // 0: nobody
  uint64_t start_time = 0;
  std::string boot_id;
  Epoch epoch = 0;
};

std::string PidFilePath(const std::string& socket);

/// While it lives, no other process or thread has one for the same file: reading and replacing are
/// one step.
class PidFileLock {
 public:
  explicit PidFileLock(const std::string& path);
  ~PidFileLock();
  PidFileLock(const PidFileLock&) = delete;
  PidFileLock& operator=(const PidFileLock&) = delete;

 private:
  int fd_;
};

/// All zero without a file that makes sense.
PidFile ReadPidFile(const std::string& path);
/// Replaces it as a whole.
Status WritePidFile(const std::string& path, const PidFile& file);
PidFile RecordOf(int64_t pid, Epoch epoch);
/// A pidfd of the process, if it still is that one; else -1.
int OpenRecorded(const PidFile& file);

}  // namespace aiflow::plugin
