#include "server/python_interpreter.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace aiflow::server {
namespace {

constexpr char kQuestion[] = "import sys; print('%d.%d' % sys.version_info[:2])";

/// What the process writes until its end.
std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 256> buffer{};
  for (;;) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(size));
  }
}

}  // namespace

Result<std::string> AskPythonVersion(const std::string& interpreter) {
  std::array<int, 2> pipe{-1, -1};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return Error(Code::kUnavailable, std::string("pipe: ") + std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
  std::string name = interpreter;
  // Isolated and without site: nothing of the user's is run to answer this.
  std::array<char[sizeof(kQuestion)], 4> words = {"-I", "-S", "-c", ""};
  std::memcpy(words[3], kQuestion, sizeof(kQuestion));
  std::array<char*, 6> argv = {name.data(), words[0], words[1], words[2], words[3], nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, name.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe[1]);
  std::string version = error == 0 ? ReadAll(pipe[0]) : "";
  close(pipe[0]);
  if (error != 0) return Error(Code::kNotFound, interpreter + ": " + std::strerror(error));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  while (!version.empty() && version.back() == '\n') version.pop_back();
  if (status != 0 || version.empty()) {
    return Error(Code::kFailedPrecondition, interpreter + " is no Python that runs");
  }
  return version;
}

Result<std::string> PythonInterpreter::Version(const std::string& interpreter) {
  const auto known = versions_.find(interpreter);
  if (known != versions_.end()) return known->second;
  Result<std::string> version = version_of_(interpreter);
  // A missing one may be installed later, so only answers are remembered.
  if (version.has_value()) versions_[interpreter] = *version;
  return version;
}

Result<std::string> PythonInterpreter::For(const HostSpec& host) {
  const auto fits = [&host](const Result<std::string>& version) {
    return version.has_value() && (host.version.empty() || *version == host.version);
  };
  std::string found;
  const auto note = [&found](const std::string& interpreter, const Result<std::string>& version) {
    found.append(found.empty() ? "" : ", ").append(interpreter);
    found.append(version.has_value() ? " is " + *version : " does not run");
  };
  if (!host.interpreter.empty()) {
    const Result<std::string> version = Version(host.interpreter);
    if (fits(version)) return host.interpreter;
    note(host.interpreter, version);
  }
  const Result<std::string> version = Version(configured_);
  if (fits(version)) return configured_;
  note(configured_, version);
  return Error(Code::kFailedPrecondition,
               "the workflow was uploaded with Python " + host.version + ", but " + found +
                   "; set python_executable in aiflow_server.yaml to a Python " + host.version +
                   " that has the AIFlow SDK, or upload the workflow again from here");
}

}  // namespace aiflow::server
