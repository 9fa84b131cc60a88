#include "runner/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace aiflow::runner {
namespace {

/// All of a /proc file; empty when it is gone.
std::string ReadProcFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  if (fd < 0) return text;
  std::array<char, 4096> buffer{};
  ssize_t size = 0;
  while ((size = read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  close(fd);
  return text;
}

std::string ProcPath(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

std::vector<pid_t> Numbers(std::string_view text) {
  std::vector<pid_t> numbers;
  while (!text.empty()) {
    pid_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc()) numbers.push_back(number);
    const size_t used = static_cast<size_t>(end - text.data());
    text.remove_prefix(used < text.size() ? used + 1 : text.size());
  }
  return numbers;
}

}  // namespace

MachineIdentity ReadMachineIdentity() {
  MachineIdentity identity;
  identity.boot_id = ReadProcFile("/proc/sys/kernel/random/boot_id");
  while (!identity.boot_id.empty() && identity.boot_id.back() == '\n') identity.boot_id.pop_back();
  struct stat info {};
  if (stat("/proc/self/ns/pid", &info) == 0) identity.pid_namespace = info.st_ino;
  return identity;
}

std::optional<ProcessStat> ReadProcessStat(pid_t pid) {
  const std::string text = ReadProcFile(ProcPath(pid, "stat"));
  // The name in parentheses may hold anything; the last one ends it.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  ProcessStat result;
  unsigned long long start = 0;
  const int fields =
      std::sscanf(text.c_str() + name_end + 1,
                  " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                  "%*d %*d %*d %llu",
                  &result.state, &result.parent, &result.group, &result.session, &start);
  if (fields != 5) return std::nullopt;
  result.start_time = start;
  return result;
}

bool EnvironmentHas(pid_t pid, const std::string& assignment) {
  const std::string text = '\0' + ReadProcFile(ProcPath(pid, "environ"));
  const std::string wanted = '\0' + assignment + '\0';
  return text.find(wanted) != std::string::npos;
}

std::vector<pid_t> ChildrenOfSelf() {
  const pid_t self = getpid();
  const std::string path = "/proc/self/task/" + std::to_string(self) + "/children";
  if (access(path.c_str(), R_OK) == 0) return Numbers(ReadProcFile(path));
  std::vector<pid_t> children;  // a kernel without CONFIG_PROC_CHILDREN
  for (const pid_t pid : AllProcesses()) {
    const auto found = ReadProcessStat(pid);
    if (found && found->parent == self) children.push_back(pid);
  }
  return children;
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  DIR* const dir = opendir("/proc");
  if (dir == nullptr) return pids;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const auto numbers = Numbers(entry->d_name);
    pids.insert(pids.end(), numbers.begin(), numbers.end());
  }
  closedir(dir);
  return pids;
}

int OpenPidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

int SendSignal(int pidfd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

std::string SignalName(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

}  // namespace aiflow::runner
