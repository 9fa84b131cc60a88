#include "executor/local/runner_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "base/spawn.h"
#include "runner/claim.h"
#include "runner/runner_loop.h"

namespace aiflow {
namespace {

using std::chrono::steady_clock;

constexpr Millis kPatience{5'000};
constexpr size_t kReadSize = 64U << 10;

Status SystemError(const std::string& what) {
  return {Code::kUnavailable, what + ": " + runner::ErrorText(errno)};
}

bool WaitReadable(int fd, Millis patience) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&entry, 1, static_cast<int>(patience.count())) > 0;
}

/// Runs the runner's binary, which detaches itself, and waits until it says that it listens.
Status SpawnRunner(const RunnerAddress& address, int ready_fd) {
  const std::string log = address.dir + "/runner.log";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  constexpr int kReadyFd = 3;
  posix_spawn_file_actions_adddup2(&actions, ready_fd, kReadyFd);
  const std::vector<std::string> argv = {address.binary,
                                         "--dir",
                                         address.dir,
                                         "--linger-ms",
                                         std::to_string(address.linger.count()),
                                         "--ready-fd",
                                         std::to_string(kReadyFd)};
  // No environment: the runner outlives whatever we were started for.
  pid_t pid = 0;
  const int error = SpawnInSession(actions, argv, {}, &pid);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return {Code::kUnavailable,
            "cannot start the runner " + address.binary + ": " + runner::ErrorText(error)};
  }
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return Status::Ok();
}

Status StartRunner(const RunnerAddress& address) {
  AIFLOW_RETURN_IF_ERROR(runner::MakeDirectories(address.dir));
  int ready[2] = {-1, -1};
  if (pipe2(ready, O_CLOEXEC) != 0) return SystemError("cannot start the runner");
  const Status spawned = SpawnRunner(address, ready[1]);
  close(ready[1]);
  // It says so when it listens; silence and the end of the pipe mean that another one does, or that
  // it failed: connecting will tell.
  if (spawned.ok()) WaitReadable(ready[0], kPatience);
  close(ready[0]);
  return spawned;
}

}  // namespace

RunnerConnection::~RunnerConnection() { Close(); }

RunnerConnection::RunnerConnection(RunnerConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), out_(std::move(other.out_)), in_(std::move(other.in_)) {}

RunnerConnection& RunnerConnection::operator=(RunnerConnection&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  out_ = std::move(other.out_);
  in_ = std::move(other.in_);
  return *this;
}

void RunnerConnection::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
  out_.clear();
  in_ = {};
}

Result<RunnerConnection> RunnerConnection::Connect(const RunnerAddress& address) {
  const int dir = ::open(address.dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return Error(Code::kNotFound, "no runner: " + runner::ErrorText(errno));
  // Through the descriptor, as a socket's path may have 108 bytes only.
  const std::string path = "/proc/self/fd/" + std::to_string(dir) + "/" + runner::kSocketFile;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
  const int error = errno;
  close(dir);
  if (connected) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return RunnerConnection(fd);
  }
  if (fd >= 0) close(fd);
  const bool nobody = error == ENOENT || error == ECONNREFUSED;
  return Error(nobody ? Code::kNotFound : Code::kUnavailable,
               "cannot connect to the runner in " + address.dir + ": " + runner::ErrorText(error));
}

Result<RunnerConnection> RunnerConnection::Open(const RunnerAddress& address, Epoch epoch) {
  const auto deadline = steady_clock::now() + kPatience;
  Status last(Code::kUnavailable, "no runner");
  Millis pause{1};
  while (steady_clock::now() < deadline) {
    Result<RunnerConnection> connection = Connect(address);
    if (!connection && connection.error().code() == Code::kNotFound) {
      const Status started = StartRunner(address);
      if (!started.ok()) return Error(started);
      connection = Connect(address);
    }
    if (connection) {
      last = connection->Greet(epoch);
      if (last.ok()) return connection;
      // An older one, which has closed this connection, makes room; the next adopts its attempts.
      if (last.code() == Code::kUnimplemented) {
        connection->Close();
        if (Status quit = Quit(address, false); !quit.ok()) return Error(std::move(quit));
        continue;
      }
      if (last.code() != Code::kUnavailable) return Error(last);
    } else {
      last = connection.error();
    }
    // Another one is just ending or beginning: nobody can tell us when it is done.
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, Millis(100));
  }
  return Error(last);
}

Status RunnerConnection::Greet(Epoch epoch) {
  AIFLOW_RETURN_IF_ERROR(Send(runner::Hello{.epoch = epoch}));
  const Result<runner::Message> answer = ReceiveOne(kPatience);
  if (!answer) return answer.error();
  if (std::holds_alternative<runner::Welcome>(*answer)) return Status::Ok();
  const auto* refused = std::get_if<runner::Refused>(&*answer);
  if (refused == nullptr) return {Code::kUnavailable, "the runner's greeting makes no sense"};
  if (refused->version == runner::kProtocolVersion) {
    return {refused->highest_epoch > epoch ? Code::kAborted : Code::kUnavailable, refused->text};
  }
  if (refused->version > runner::kProtocolVersion) {
    return {Code::kFailedPrecondition,
            "the runner of this home is of a newer version: " + refused->text};
  }
  return {Code::kUnimplemented, "the runner of this home is of an older version: " + refused->text};
}

Status RunnerConnection::Quit(const RunnerAddress& address, bool kill) {
  Result<RunnerConnection> connection = Connect(address);
  if (!connection) {
    return connection.error().code() == Code::kNotFound ? Status::Ok() : connection.error();
  }
  AIFLOW_RETURN_IF_ERROR(connection->Send(runner::Quit{.kill = kill}));
  while (connection->ReceiveOne(kPatience * 6)) {
  }
  return Status::Ok();
}

Result<runner::Message> RunnerConnection::ReceiveOne(Millis patience) {
  while (true) {
    Result<std::optional<runner::Message>> next = in_.Next();
    if (!next) return Error(next.error());
    if (*next) return std::move(**next);
    if (!WaitReadable(fd_, patience)) return Error(Code::kUnavailable, "the runner is silent");
    const ssize_t size = recv(fd_, in_.Reserve(kReadSize), kReadSize, 0);
    if (size == 0) return Error(Code::kUnavailable, "the runner has gone");
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
      return Error(SystemError("cannot read from the runner"));
    }
    if (size > 0) in_.Commit(static_cast<size_t>(size));
  }
}

Status RunnerConnection::Send(const runner::Message& message) {
  out_ += runner::EncodeMessage(message);
  return Flush();
}

Status RunnerConnection::Flush() {
  size_t done = 0;
  while (done < out_.size()) {
    const ssize_t sent = send(fd_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) return SystemError("cannot write to the runner");
    done += static_cast<size_t>(sent);
  }
  out_.erase(0, done);
  return Status::Ok();
}

Result<std::vector<runner::Message>> RunnerConnection::Receive() {
  std::vector<runner::Message> messages;
  while (true) {
    const ssize_t size = recv(fd_, in_.Reserve(kReadSize), kReadSize, 0);
    if (size < 0 && errno == EINTR) continue;
    const bool drained = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (size <= 0 && !drained) {
      // What came before the end still counts; the next call says that it has gone.
      if (!messages.empty()) return messages;
      return Error(Code::kUnavailable, "the runner has gone");
    }
    if (size > 0) in_.Commit(static_cast<size_t>(size));
    while (true) {
      Result<std::optional<runner::Message>> next = in_.Next();
      if (!next) return Error(Code::kUnavailable, next.error().message());
      if (!*next) break;
      messages.push_back(std::move(**next));
    }
    if (size < static_cast<ssize_t>(kReadSize)) return messages;
  }
}

}  // namespace aiflow
