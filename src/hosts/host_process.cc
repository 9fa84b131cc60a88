#include "hosts/host_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/spawn.h"

namespace aiflow::hosts {
namespace {

/// Where the host finds its socket.
constexpr int kHostFd = 3;

std::string ErrorText(int error) { return std::strerror(error); }

Status CannotStart(const HostCommand& command, const std::string& why) {
  return {Code::kUnavailable, "its host " + command.argv.front() + " cannot be started: " + why};
}

/// 0, or an errno.
int Spawn(const HostCommand& command, int socket, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, command.log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, socket, kHostFd);
  posix_spawn_file_actions_addchdir_np(&actions, command.dir.c_str());
  std::vector<std::string> variables;
  for (const auto& [name, value] : command.env) variables.push_back(name + "=" + value);
  variables.push_back("AIFLOW_HOST_FD=" + std::to_string(kHostFd));
  const int error = SpawnInSession(actions, command.argv, std::move(variables), pid);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Result<HostProcess> HostProcess::Start(const HostCommand& command) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(command.log).parent_path(), error);
  if (error) return Error(CannotStart(command, "log " + command.log + ": " + error.message()));
  std::array<int, 2> sockets{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return Error(CannotStart(command, ErrorText(errno)));
  }
  HostProcess process;
  process.socket_ = sockets[0];
  const int spawned = Spawn(command, sockets[1], &process.pid_);
  close(sockets[1]);
  if (spawned != 0) {
    process.pid_ = 0;
    return Error(CannotStart(command, ErrorText(spawned)));
  }
  process.pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, process.pid_, 0));
  if (process.pidfd_ < 0) return Error(CannotStart(command, "pidfd_open: " + ErrorText(errno)));
  // The other end stays as it is: hosts read with blocking calls.
  fcntl(process.socket_, F_SETFL, fcntl(process.socket_, F_GETFL) | O_NONBLOCK);
  return process;
}

HostProcess::HostProcess(HostProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      socket_(std::exchange(other.socket_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)) {}

HostProcess& HostProcess::operator=(HostProcess&& other) noexcept {
  if (this == &other) return *this;
  Close();
  pid_ = std::exchange(other.pid_, 0);
  socket_ = std::exchange(other.socket_, -1);
  pidfd_ = std::exchange(other.pidfd_, -1);
  return *this;
}

HostProcess::~HostProcess() { Close(); }

void HostProcess::Close() {
  if (pid_ != 0) {
    Kill();
    Reap();
  }
  if (socket_ >= 0) close(std::exchange(socket_, -1));
  if (pidfd_ >= 0) close(std::exchange(pidfd_, -1));
}

void HostProcess::Kill() const {
  if (pid_ != 0) kill(-pid_, SIGKILL);
}

std::string HostProcess::Reap() {
  // The group's number is not given to others before its leader is reaped.
  Kill();
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const char* name = sigabbrev_np(signal);
    return name == nullptr ? "ended by signal " + std::to_string(signal)
                           : "ended by SIG" + std::string(name);
  }
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace aiflow::hosts
