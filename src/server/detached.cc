#include "server/detached.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

namespace aiflow::server {
namespace {

constexpr std::chrono::seconds kKillPatience{60};

/// Waits until a process has ended; false when the time is over first.
bool WaitForEnd(int pidfd, std::chrono::milliseconds patience) {
  pollfd entry{pidfd, POLLIN, 0};
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    const int ready = poll(&entry, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

std::string LastLines(const std::string& path, std::streamoff begin) {
  constexpr std::streamoff kMostBytes = 2048;
  constexpr int kMostLines = 10;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? std::streamoff(file.tellg()) : 0;
  begin = std::max(begin, size - kMostBytes);
  if (begin >= size) return {};
  std::string text(static_cast<size_t>(size - begin), '\0');
  file.seekg(begin);
  file.read(text.data(), size - begin);
  while (text.ends_with('\n')) text.pop_back();
  size_t first = text.size();
  for (int lines = 0; lines < kMostLines && first != std::string::npos && first > 0; ++lines) {
    first = text.rfind('\n', first - 1);
  }
  if (first != std::string::npos && first > 0) text.erase(0, first + 1);
  std::string lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines += "\n  " + line;
  return lines;
}

Result<pid_t> SpawnDetached(std::vector<std::string> words, const std::string& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv.front(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return Error(Code::kUnavailable, "cannot run " + words.front() + ": " + std::strerror(error));
  }
  return pid;
}

Status EndProcess(pid_t pid, int signal, std::chrono::milliseconds patience) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return {Code::kNotFound, "process " + std::to_string(pid) + " has ended"};
  const auto send = [pidfd](int number) {
    return syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) == 0;
  };
  bool ended = send(signal) && WaitForEnd(pidfd, patience);
  if (!ended) ended = send(SIGKILL) && WaitForEnd(pidfd, kKillPatience);
  close(pidfd);
  if (ended) return Status::Ok();
  return {Code::kDeadlineExceeded, "process " + std::to_string(pid) + " does not end"};
}

}  // namespace aiflow::server
