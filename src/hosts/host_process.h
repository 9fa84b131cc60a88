#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace aiflow::hosts {

/// How a host is started. Plain value.
struct HostCommand {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // all of it but AIFLOW_HOST_FD
  std::string dir;                         // working directory
  std::string log;                         // gets stdout and stderr, at its end
};

/// A host's process with a session of its own, and the server's end of its socket. Killed when it
/// goes. Not thread-safe.
class HostProcess {
 public:
  /// kUnavailable: why the process cannot be started.
  static Result<HostProcess> Start(const HostCommand& command);

  HostProcess(HostProcess&& other) noexcept;
  HostProcess& operator=(HostProcess&& other) noexcept;
  ~HostProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int socket() const { return socket_; }  // non-blocking
  [[nodiscard]] int pidfd() const { return pidfd_; }    // readable once it has ended

  /// SIGKILL to all processes of its session's first group.
  void Kill() const;
  /// After the pidfd became readable: kills what it left behind, and says how it ended.
  std::string Reap();

 private:
  HostProcess() = default;
  void Close();

  pid_t pid_ = 0;  // 0: reaped
  int socket_ = -1;
  int pidfd_ = -1;
};

}  // namespace aiflow::hosts
