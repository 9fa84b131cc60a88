#include "server/hook_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

namespace aiflow::server {
namespace {

using Instant = std::chrono::steady_clock::time_point;

/// Closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string SystemError(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

/// Takes the output: the beginning to the log, the end for the error message.
class Output {
 public:
  explicit Output(const std::filesystem::path& path) {
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    log_ = Descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }

  void Take(const char* bytes, size_t size) {
    const size_t kept = std::min(size, kMaxHookOutputBytes - written_);
    Write(bytes, kept);
    written_ += kept;
    if (kept < size && !std::exchange(cut_, true)) {
      constexpr char kMark[] = "\n... more was written than is kept\n";
      Write(kMark, sizeof(kMark) - 1);
    }
    tail_.append(bytes, size);
    if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  }

  /// The last line.
  [[nodiscard]] std::string Tail() const {
    std::string text = tail_;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    text.erase(0, text.rfind('\n') + 1);  // npos + 1: all of it
    if (text.size() > kTailBytes) text.erase(0, text.size() - kTailBytes);
    return text;
  }

 private:
  static constexpr size_t kTailBytes = 500;

  /// The log is for people: a full disk stops no hook.
  void Write(const char* bytes, size_t size) const {
    while (size > 0) {
      const ssize_t done = write(log_.get(), bytes, size);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return;
      bytes += done;
      size -= static_cast<size_t>(done);
    }
  }

  Descriptor log_;
  size_t written_ = 0;
  bool cut_ = false;
  std::string tail_;
};

std::vector<std::string> EnvironmentOf(const HookDelivery& delivery,
                                       const HookCommandOptions& options) {
  std::map<std::string, std::string> values = options.environment;
  const HookCall& call = delivery.call;
  values["AIFLOW_HOOK_KEY"] = delivery.key;
  values["AIFLOW_NAMESPACE"] = call.ns;
  values["AIFLOW_WORKFLOW"] = call.workflow;
  values["AIFLOW_WORKFLOW_EXECUTION_ID"] = std::to_string(call.execution_id.value());
  values["AIFLOW_STATUS"] = ExecutionStatusName(call.status);
  values["AIFLOW_REASON"] = call.reason;
  std::vector<std::string> environment;
  for (auto& [name, value] : values) {
    std::erase(value, '\0');  // would end it
    environment.push_back(name + "=" + value);
  }
  return environment;
}

/// The pid; or what went wrong.
Result<pid_t> Spawn(const HookDelivery& delivery, const HookCommandOptions& options, int output) {
  std::vector<std::string> words = {"bash", "-c", delivery.call.command};
  std::vector<std::string> environment = EnvironmentOf(delivery, options);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "bash", &actions, &attributes, pointers(words).data(),
                                 pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error(Code::kUnavailable, SystemError("bash cannot be started", error));
  return pid;
}

/// Reads what is there. False: nothing more comes.
bool Drain(int fd, Output& output) {
  std::array<char, 16'384> buffer{};
  for (;;) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size > 0) {
      output.Take(buffer.data(), static_cast<size_t>(size));
      return true;
    }
    if (size < 0 && errno == EINTR) continue;
    return size < 0 && errno == EAGAIN;
  }
}

enum class End { kExited, kTimeout, kStopped };

/// Takes the output until the process ends, `end` comes or `stop_fd` (-1: none) is readable.
End Follow(int process, int pipe, Output& output, Instant end, int stop_fd) {
  bool open = true;
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(end - std::chrono::steady_clock::now());
    if (left <= Millis(0)) return End::kTimeout;
    std::array<pollfd, 3> fds = {pollfd{process, POLLIN, 0}, pollfd{open ? pipe : -1, POLLIN, 0},
                                 pollfd{stop_fd, POLLIN, 0}};
    const auto wait = std::min<int64_t>(left.count(), 3'600'000);
    if (poll(fds.data(), fds.size(), static_cast<int>(wait)) < 0) continue;  // EINTR
    if (fds[1].revents != 0) open = Drain(pipe, output);
    if (fds[0].revents != 0) {
      // What it has written before; not what it left in the background may still write.
      for (int i = 0; open && i < 64; ++i) {
        pollfd more{pipe, POLLIN, 0};
        if (poll(&more, 1, 0) <= 0) break;
        open = Drain(pipe, output);
      }
      return End::kExited;
    }
    if (fds[2].revents != 0) return End::kStopped;
  }
}

std::string ExitText(int status) {
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string RunHookCommand(const HookDelivery& delivery, const HookCommandOptions& options,
                           int stop_fd) {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return SystemError("pipe", errno);
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  // The command's end blocks, as programs expect it.
  fcntl(in.get(), F_SETFL, 0);
  const Result<pid_t> pid = Spawn(delivery, options, in.get());
  in = Descriptor();
  if (!pid.has_value()) return pid.error().message();
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));

  Output output(options.log);
  const End end = Follow(process.get(), out.get(), output,
                         std::chrono::steady_clock::now() + options.timeout, stop_fd);
  if (end != End::kExited) {
    kill(-*pid, SIGTERM);
    const Instant patience = std::chrono::steady_clock::now() + kHookKillGrace;
    Follow(process.get(), out.get(), output, patience, -1);
    kill(-*pid, SIGKILL);  // whatever of its session is left
  }
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (end == End::kStopped) return "the server stopped while it ran";
  if (end == End::kExited && status == 0) return "";
  std::string error = end == End::kExited ? ExitText(status)
                                          : "hook_timeout: it ran longer than " +
                                                std::to_string(options.timeout.count()) + " ms";
  if (const std::string tail = output.Tail(); !tail.empty()) error += ": " + tail;
  return error;
}

}  // namespace aiflow::server
