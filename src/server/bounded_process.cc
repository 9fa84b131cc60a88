#include "server/bounded_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/spawn.h"

namespace aiflow::server {
namespace {

using Instant = std::chrono::steady_clock::time_point;

/// The first descriptor of a program beside the usual three.
constexpr int kFirstInherited = STDERR_FILENO + 1;
/// Above every number that `inherited` may become.
constexpr int kAside = 64;
constexpr size_t kLastLineBytes = 500;

std::string SystemError(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

/// The pid; or what went wrong.
Result<pid_t> Spawn(const BoundedProcess& process, int out, int err) {
  std::vector<std::string> environment;
  for (auto [name, value] : process.environment) {
    std::erase(value, '\0');  // would end it
    environment.push_back(name + "=" + value);
  }
  // Out of the way of the numbers that they are to get.
  std::vector<Descriptor> inherited;
  for (const int fd : process.inherited) {
    inherited.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, kAside));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  int next = kFirstInherited;
  for (const Descriptor& fd : inherited) {
    posix_spawn_file_actions_adddup2(&actions, fd.get(), next++);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, next);
  posix_spawn_file_actions_addchdir_np(&actions, process.directory.c_str());
  pid_t pid = 0;
  const int error = SpawnInSession(actions, process.argv, std::move(environment), &pid);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return Error(Code::kUnavailable,
                 SystemError(process.argv.front() + " cannot be started", error));
  }
  if (process.memory > 0) {
    // Data rather than address space: libraries reserve much that they never use.
    const auto bytes = static_cast<rlim_t>(process.memory);
    const rlimit limit{bytes, bytes};
    prlimit(pid, RLIMIT_DATA, &limit, nullptr);
  }
  return pid;
}

/// One stream of output.
struct Stream {
  int fd = -1;  // -1: nothing more comes
  const TakeOutput* take = nullptr;

  /// Takes what is there. False: it is too much.
  bool Drain() {
    std::array<char, 16'384> buffer{};
    ssize_t size = 0;
    do {
      size = read(fd, buffer.data(), buffer.size());
    } while (size < 0 && errno == EINTR);
    if (size > 0) return (*take)(buffer.data(), static_cast<size_t>(size));
    if (size == 0 || errno != EAGAIN) fd = -1;
    return true;
  }

  /// What was written before; not what something in the background may still write.
  bool DrainRest() {
    for (int i = 0; fd >= 0 && i < 64; ++i) {
      pollfd more{fd, POLLIN, 0};
      if (poll(&more, 1, 0) <= 0) break;
      if (!Drain()) return false;
    }
    return true;
  }
};

/// Takes the output until the process ends, its time is over or `stop_fd` is readable.
ProcessEnd Follow(int process, std::array<Stream, 2>& streams, Instant end, int stop_fd) {
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(end - std::chrono::steady_clock::now());
    if (left <= Millis(0)) return ProcessEnd::kTimeout;
    std::array<pollfd, 4> fds = {pollfd{process, POLLIN, 0}, pollfd{streams[0].fd, POLLIN, 0},
                                 pollfd{streams[1].fd, POLLIN, 0}, pollfd{stop_fd, POLLIN, 0}};
    const auto wait = std::min<int64_t>(left.count(), 3'600'000);
    if (poll(fds.data(), fds.size(), static_cast<int>(wait)) < 0) continue;  // EINTR
    for (size_t i = 0; i < streams.size(); ++i) {
      if (fds[i + 1].revents != 0 && !streams[i].Drain()) return ProcessEnd::kTooMuchOutput;
    }
    if (fds[0].revents != 0) {
      for (Stream& stream : streams) {
        if (!stream.DrainRest()) return ProcessEnd::kTooMuchOutput;
      }
      return ProcessEnd::kExited;
    }
    if (fds[3].revents != 0) return ProcessEnd::kStopped;
  }
}

}  // namespace

Result<BoundedEnd> RunBounded(const BoundedProcess& process, int stop_fd) {
  Result<Pipe> out = MakePipe();
  if (!out.has_value()) return Error(out.error());
  Pipe err;
  if (process.err != nullptr) {
    Result<Pipe> made = MakePipe();
    if (!made.has_value()) return Error(made.error());
    err = *std::move(made);
  }
  const Result<pid_t> pid =
      Spawn(process, out->in.get(), process.err == nullptr ? out->in.get() : err.in.get());
  out->in = Descriptor();
  err.in = Descriptor();
  if (!pid.has_value()) return Error(pid.error());
  const Descriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));

  std::array<Stream, 2> streams = {Stream{out->out.get(), &process.out},
                                   Stream{err.out.get(), &process.err}};
  BoundedEnd result;
  result.end =
      Follow(pidfd.get(), streams, std::chrono::steady_clock::now() + process.timeout, stop_fd);
  if (result.end != ProcessEnd::kExited) {
    if (process.grace > Millis(0)) {
      kill(-*pid, SIGTERM);
      Follow(pidfd.get(), streams, std::chrono::steady_clock::now() + process.grace, -1);
    }
    kill(-*pid, SIGKILL);  // whatever of its session is left
  } else if (process.kill_leftovers) {
    kill(-*pid, SIGKILL);
  }
  while (waitpid(*pid, &result.status, 0) < 0 && errno == EINTR) {
  }
  return result;
}

std::string ExitText(int status) {
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

void LastLine::Take(const char* bytes, size_t size) {
  tail_.append(bytes, size);
  if (tail_.size() > 2 * kLastLineBytes) tail_.erase(0, tail_.size() - kLastLineBytes);
}

std::string LastLine::Text() const {
  std::string text = tail_;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  text.erase(0, text.rfind('\n') + 1);  // npos + 1: all of it
  if (text.size() > kLastLineBytes) text.erase(0, text.size() - kLastLineBytes);
  return text;
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return Error(Code::kUnavailable, SystemError("pipe", errno));
  }
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  // The writer's end blocks, as programs expect it.
  fcntl(pipe.in.get(), F_SETFL, 0);
  return pipe;
}

}  // namespace aiflow::server
