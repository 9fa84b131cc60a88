#include "plugin/plugin_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/program_log.h"
#include "base/spawn.h"
#include "plugin/plugin_pid_file.h"
#include "runner/process.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr Millis kFirstPause{100};
constexpr Millis kLongestPause{30'000};
/// So often its log is looked at.
constexpr Millis kLogInterval{60'000};
/// One that ends again and again is said so often.
constexpr std::chrono::minutes kComplaintInterval{10};
/// What a socket's address holds, without the zero byte.
constexpr size_t kMaxSocketPath = 107;

std::string ErrorText(int error) { return std::strerror(error); }

/// Makes it for this user alone. Fine when it exists.
Status MakePrivateDirectory(const fs::path& path) {
  std::error_code error;
  if (fs::create_directories(path, error)) fs::permissions(path, fs::perms::owner_all, error);
  if (error) {
    return {Code::kUnavailable, "cannot make directory " + path.string() + ": " + error.message()};
  }
  return Status::Ok();
}

std::string EndText(int status) {
  if (WIFSIGNALED(status)) return "was ended by " + runner::SignalName(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

PluginFd::PluginFd(PluginFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
PluginFd& PluginFd::operator=(PluginFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
PluginFd::~PluginFd() {
  if (fd_ >= 0) close(fd_);
}

PluginProcess::PluginProcess(PluginCommand command, Warn warn)
    : command_(std::move(command)), warn_(std::move(warn)) {
  CHECK(!command_.argv.empty()) << "executor " << command_.executor << " has no command";
}

PluginProcess::~PluginProcess() { Stop(); }

Status PluginProcess::Start(Epoch epoch, std::function<void()> fenced) {
  CHECK(!thread_.joinable()) << "started twice";
  const fs::path socket_dir = fs::path(command_.socket).parent_path();
  AIFLOW_RETURN_IF_ERROR(MakePrivateDirectory(socket_dir));
  AIFLOW_RETURN_IF_ERROR(MakePrivateDirectory(command_.state_dir));
  std::error_code error;
  fs::create_directories(fs::path(command_.log).parent_path(), error);
  const std::string pid_file = plugin::PidFilePath(command_.socket);
  {
    const plugin::PidFileLock lock(pid_file);
    plugin::PidFile file = plugin::ReadPidFile(pid_file);
    if (file.epoch > epoch) return Replaced();
    // First of all, so that a server that is still there does not start its own again.
    file.epoch = epoch;
    AIFLOW_RETURN_IF_ERROR(plugin::WritePidFile(pid_file, file));
  }
  socket_dir_ = PluginFd(open(socket_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  wake_ = PluginFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (socket_dir_.get() < 0 || wake_.get() < 0) {
    return {Code::kUnavailable, "executor " + command_.executor + ": " + ErrorText(errno)};
  }
  epoch_ = epoch;
  fenced_ = std::move(fenced);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
    problem_ = "it is being started";
  }
  thread_ = std::thread([this] { ThreadMain(); });
  return Status::Ok();
}

void PluginProcess::StopIn(Millis grace) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stop_grace_ = grace;
    if (grace == Millis(0) && pid_ != 0) kill(-pid_, SIGKILL);
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = write(wake_.get(), &one, sizeof(one));
  thread_.join();
}

void PluginProcess::Kill(const std::string& why, Millis at_least) {
  const std::lock_guard lock(mutex_);
  if (pid_ == 0 || steady_clock::now() - started_ < at_least) return;
  NoteInProgramLog(command_.log, "killed: " + why);
  kill(-pid_, SIGKILL);
}

std::string PluginProcess::SocketHere() const {
  if (command_.socket.size() <= kMaxSocketPath) return command_.socket;
  return "/proc/self/fd/" + std::to_string(socket_dir_.get()) + "/" +
         fs::path(command_.socket).filename().string();
}

std::string PluginProcess::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void PluginProcess::SetProblem(std::string text) {
  const std::lock_guard lock(mutex_);
  problem_ = std::move(text);
}

void PluginProcess::Complain(const std::string& text) {
  const Instant now = steady_clock::now();
  if (text == complaint_ && now - complained_ < kComplaintInterval) return;
  complaint_ = text;
  complained_ = now;
  warn_("executor " + command_.executor + ": " + text);
}

bool PluginProcess::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

/// True when it shall stop.
bool PluginProcess::Wait(Millis patience) const {
  pollfd wake{.fd = wake_.get(), .events = POLLIN, .revents = 0};
  poll(&wake, 1, static_cast<int>(patience.count()));
  return stopping();
}

Status PluginProcess::Replaced() const {
  return {Code::kAborted, "executor " + command_.executor +
                              ": another server with a higher epoch has taken its plug-in over"};
}

void PluginProcess::ThreadMain() {
  Millis pause = kFirstPause;
  while (!stopping()) {
    EndLeftOver();
    const Status spawned = Spawn();
    if (spawned.code() == Code::kAborted) {
      SetProblem(spawned.message());
      return fenced_();
    }
    if (spawned.ok()) {
      const auto begin = steady_clock::now();
      Supervise();
      if (stopping()) return End();
      Reap();
      if (steady_clock::now() - begin > kLongestPause) pause = kFirstPause;
    } else {
      SetProblem(spawned.message());
      Complain(spawned.message());
    }
    if (Wait(std::exchange(pause, std::min(pause * 2, kLongestPause)))) return;
  }
}

/// What an earlier server, that was killed, has left running.
void PluginProcess::EndLeftOver() {
  const plugin::PidFile file = plugin::ReadPidFile(plugin::PidFilePath(command_.socket));
  if (file.epoch > epoch_) return;
  const PluginFd process(plugin::OpenRecorded(file));
  if (process.get() < 0) return;
  NoteInProgramLog(command_.log, "pid " + std::to_string(file.pid) +
                                     " of an earlier server is still there: it is ended");
  runner::SendSignal(process.get(), SIGTERM);
  std::array<pollfd, 2> fds = {pollfd{process.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  poll(fds.data(), fds.size(), static_cast<int>(command_.grace.count()));
  if (fds[0].revents == 0) {
    kill(-static_cast<pid_t>(file.pid), SIGKILL);
    runner::SendSignal(process.get(), SIGKILL);
    fds[0].revents = 0;
    poll(fds.data(), 1, static_cast<int>(command_.grace.count()));
  }
}

Status PluginProcess::Spawn() {
  const std::string pid_file = plugin::PidFilePath(command_.socket);
  const plugin::PidFileLock file_lock(pid_file);
  if (plugin::ReadPidFile(pid_file).epoch > epoch_) return Replaced();
  std::array<int, 2> lifeline{-1, -1};
  if (pipe2(lifeline.data(), O_CLOEXEC) != 0) return {Code::kUnavailable, ErrorText(errno)};
  const PluginFd stdin_end(lifeline[0]);
  lifeline_ = PluginFd(lifeline[1]);
  std::error_code ignored;
  fs::remove(command_.socket, ignored);
  LimitProgramLog(command_.log);
  std::map<std::string, std::string> variables = command_.environment;
  // From its working directory when the whole path is too long for a socket.
  variables["AIFLOW_EXECUTOR_SOCKET"] =
      command_.socket.size() <= kMaxSocketPath
          ? command_.socket
          : fs::path(command_.socket).lexically_relative(command_.directory).string();
  variables["AIFLOW_EXECUTOR_NAME"] = command_.executor;
  variables["AIFLOW_EXECUTOR_STATE_DIR"] = command_.state_dir;
  variables["AIFLOW_EXECUTOR_CONFIG"] = command_.config;
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) environment.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdin_end.get(), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, command_.log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&actions, command_.directory.c_str());
  const std::lock_guard lock(mutex_);
  pid_t pid = 0;
  const int error = SpawnInSession(actions, command_.argv, std::move(environment), &pid);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return {Code::kUnavailable, command_.argv.front() + " cannot be started: " + ErrorText(error)};
  }
  pidfd_ = PluginFd(runner::OpenPidfd(pid));
  pid_ = pid;
  ++starts_;
  started_ = steady_clock::now();
  problem_.clear();
  // Without it, as on a full disk, only the lifeline ends it when this server is killed.
  const Status noted =
      plugin::WritePidFile(plugin::PidFilePath(command_.socket), plugin::RecordOf(pid, epoch_));
  if (!noted.ok()) Complain(noted.message());
  return Status::Ok();
}

/// Until it has ended or shall.
void PluginProcess::Supervise() {
  std::array<pollfd, 2> fds = {pollfd{pidfd_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  while (poll(fds.data(), fds.size(), static_cast<int>(kLogInterval.count())) <= 0) {
    LimitProgramLog(command_.log);
  }
}

void PluginProcess::End() {
  Millis grace{0};
  {
    const std::lock_guard lock(mutex_);
    grace = stop_grace_;
  }
  if (grace == Millis(0)) return Reap();
  lifeline_ = PluginFd();
  runner::SendSignal(pidfd_.get(), SIGTERM);
  pollfd process{pidfd_.get(), POLLIN, 0};
  if (poll(&process, 1, static_cast<int>(grace.count())) <= 0) {
    Complain("its plug-in does not end when asked to: killed");
  }
  Reap();
}

/// Kills what is left of its group, too.
void PluginProcess::Reap() {
  const std::lock_guard lock(mutex_);
  // The number of the group is given to nobody else before its leader is reaped.
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  pidfd_ = PluginFd();
  lifeline_ = PluginFd();
  problem_ = "it " + EndText(status) + "; see " + command_.log;
  if (stopping_) return;
  NoteInProgramLog(command_.log, EndText(status));
  Complain("its plug-in " + EndText(status) + "; it is started again; see " + command_.log);
}

}  // namespace aiflow
