#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aiflow::runner {

/// What tells the processes of this boot and pid namespace from all others. Immutable value.
struct MachineIdentity {
  std::string boot_id;
  uint64_t pid_namespace = 0;
};
MachineIdentity ReadMachineIdentity();

struct ProcessStat {
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  uint64_t start_time = 0;  // clock ticks since boot
};
/// Nothing when there is no such process.
std::optional<ProcessStat> ReadProcessStat(pid_t pid);

/// Whether the process was started with exactly this "NAME=value" in its environment.
bool EnvironmentHas(pid_t pid, const std::string& assignment);

/// Direct children of the calling process, zombies included; it must be single-threaded.
std::vector<pid_t> ChildrenOfSelf();
std::vector<pid_t> AllProcesses();

/// -1 with errno as the system call says. The descriptor is close-on-exec.
int OpenPidfd(pid_t pid);
int SendSignal(int pidfd, int signal);

/// "SIGKILL" for 9.
std::string SignalName(int signal);

}  // namespace aiflow::runner
