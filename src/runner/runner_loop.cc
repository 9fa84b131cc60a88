#include "runner/runner_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "runner/claim.h"

namespace aiflow::runner {
namespace {

/// What a descriptor is, in the low bits of its epoll tag; the rest is an id.
enum class Kind : uint64_t {
  kListener = 0,
  kSignals = 1,
  kConnection = 2,
  kProcess = 3,
  kPipe = 4,
  kFilter = 5
};
constexpr int kKindBits = 3;

/// A server that reads nothing for so long is dropped; it asks again when it comes back.
constexpr size_t kMaxUnsent = 8U << 20;
constexpr size_t kReadSize = 64U << 10;

uint64_t Tag(Kind kind, uint64_t id) { return (id << kKindBits) | static_cast<uint64_t>(kind); }

Status SystemError(const std::string& what) {
  return {Code::kUnavailable, what + ": " + ErrorText(errno)};
}

}  // namespace

RunnerLoop::RunnerLoop(RunnerOptions options) : options_(std::move(options)) {}

RunnerLoop::~RunnerLoop() {
  supervisor_.reset();
  for (auto& [id, connection] : connections_) close(connection.fd);
  for (const int fd : {listen_fd_, signal_fd_, epoll_fd_, lock_fd_}) {
    if (fd >= 0) close(fd);
  }
}

Status RunnerLoop::Open() {
  AIFLOW_RETURN_IF_ERROR(MakeDirectories(options_.dir));
  // Everything below is relative: a socket's path may have 108 bytes only.
  if (chdir(options_.dir.c_str()) != 0) return SystemError("cannot enter " + options_.dir);
  AIFLOW_RETURN_IF_ERROR(TakeLock());
  AIFLOW_RETURN_IF_ERROR(LoadEpoch());
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return SystemError("cannot make an epoll instance");
  AIFLOW_RETURN_IF_ERROR(OpenSignals());
  AIFLOW_RETURN_IF_ERROR(OpenSocket());
  supervisor_ =
      std::make_unique<Supervisor>(*this, [this](const Report& report) { Broadcast(report); });
  idle_since_ = MonotonicMillis();
  return Status::Ok();
}

Status RunnerLoop::TakeLock() {
  lock_fd_ = open(kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return SystemError("cannot open " + options_.dir + "/" + kLockFile);
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return Status::Ok();
  return {Code::kAlreadyExists, options_.dir + ": another runner is there"};
}

Status RunnerLoop::OpenSocket() {
  listen_fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listen_fd_ < 0) return SystemError("cannot make a socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, kSocketFile, sizeof(kSocketFile));
  unlink(kSocketFile);  // of a runner that was killed: the lock is ours
  const mode_t old = umask(077);
  const int bound = bind(listen_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  umask(old);
  if (bound != 0 || listen(listen_fd_, 16) != 0) {
    return SystemError("cannot listen on " + options_.dir + "/" + kSocketFile);
  }
  if (!Register(listen_fd_, Tag(Kind::kListener, 0), EPOLLIN)) return SystemError("epoll");
  return Status::Ok();
}

Status RunnerLoop::OpenSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd_ < 0 || !Register(signal_fd_, Tag(Kind::kSignals, 0), EPOLLIN)) {
    return SystemError("cannot wait for signals");
  }
  return Status::Ok();
}

Status RunnerLoop::LoadEpoch() {
  const int fd = open(kEpochFile, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? Status::Ok() : SystemError("cannot read the epoch");
  std::array<char, 32> text{};
  const ssize_t size = read(fd, text.data(), text.size());
  close(fd);
  const char* const end = text.data() + std::max<ssize_t>(size, 0);
  const auto [rest, error] = std::from_chars(text.data(), end, epoch_);
  if (error == std::errc() && rest != end && *rest == '\n') return Status::Ok();
  return {Code::kDataLoss, options_.dir + "/" + kEpochFile + " is damaged"};
}

Status RunnerLoop::RaiseEpoch(int64_t epoch) {
  if (epoch <= epoch_) return Status::Ok();
  const std::string draft = std::string(kEpochFile) + ".new";
  const std::string text = std::to_string(epoch) + "\n";
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto size = static_cast<ssize_t>(text.size());
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == size &&
                       fdatasync(fd) == 0 && rename(draft.c_str(), kEpochFile) == 0;
  const Status status = written ? Status::Ok() : SystemError("cannot keep the epoch");
  if (fd >= 0) close(fd);
  if (!written) return status;
  const int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) fsync(dir), close(dir);
  epoch_ = epoch;
  return Status::Ok();
}

bool RunnerLoop::Register(int fd, uint64_t tag, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool RunnerLoop::Watch(int fd, uint64_t attempt_id, Supervisor::Part part) {
  switch (part) {
    case Supervisor::Part::kProcess: return Register(fd, Tag(Kind::kProcess, attempt_id), EPOLLIN);
    case Supervisor::Part::kFilter: return Register(fd, Tag(Kind::kFilter, attempt_id), EPOLLIN);
    // A hang-up needs no asking for: the pipe wakes us once, when the command was executed.
    case Supervisor::Part::kStartPipe: break;
  }
  return Register(fd, Tag(Kind::kPipe, attempt_id), 0);
}

void RunnerLoop::Unwatch(int fd) { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr); }

bool RunnerLoop::done() const {
  const bool busy = supervisor_->alive() > 0;
  if (leaving_ || (quitting_ && !busy)) return true;
  return !busy && connections_.empty() && MonotonicMillis() - idle_since_ >= options_.linger_ms;
}

int RunnerLoop::WaitTime(int due) {
  if (supervisor_->alive() > 0 || !connections_.empty()) {
    idle_since_ = MonotonicMillis();
    return due;
  }
  const int64_t rest = std::max<int64_t>(idle_since_ + options_.linger_ms - MonotonicMillis(), 0);
  return static_cast<int>(due < 0 ? rest : std::min<int64_t>(due, rest));
}

Status RunnerLoop::Run() {
  std::array<epoll_event, 64> events{};
  while (true) {
    const int due = supervisor_->OnTime();
    for (auto& [id, connection] : connections_) Flush(connection);
    DropClosed();
    const int timeout = WaitTime(due);
    if (done()) return Status::Ok();
    const int count = epoll_wait(epoll_fd_, events.data(), events.size(), timeout);
    if (count < 0 && errno != EINTR) return SystemError("cannot wait for events");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      Dispatch(event.data.u64, event.events);
    }
  }
}

void RunnerLoop::Dispatch(uint64_t tag, uint32_t events) {
  const uint64_t id = tag >> kKindBits;
  switch (static_cast<Kind>(tag & ((1U << kKindBits) - 1))) {
    case Kind::kListener: return Accept();
    case Kind::kSignals: return OnSignals();
    case Kind::kConnection: return OnConnection(id, events);
    case Kind::kProcess: return supervisor_->OnReady(id, Supervisor::Part::kProcess);
    case Kind::kPipe: return supervisor_->OnReady(id, Supervisor::Part::kStartPipe);
    case Kind::kFilter: return supervisor_->OnReady(id, Supervisor::Part::kFilter);
  }
}

void RunnerLoop::Accept() {
  const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    // Out of descriptors the listener stays ready: do not spin.
    if (errno == EMFILE || errno == ENFILE) usleep(10'000);
    return;
  }
  ucred peer{};
  socklen_t size = sizeof(peer);
  const uint64_t id = ++last_connection_;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid() ||
      !Register(fd, Tag(Kind::kConnection, id), EPOLLIN)) {
    close(fd);
    return;
  }
  Connection& connection = connections_[id];
  connection.id = id;
  connection.fd = fd;
}

void RunnerLoop::OnSignals() {
  signalfd_siginfo info{};
  while (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD)
      supervisor_->OnChildSignal(static_cast<pid_t>(info.ssi_pid));
    else
      leaving_ = true;  // attempts run on, the next runner finds them
  }
}

void RunnerLoop::OnConnection(uint64_t id, uint32_t events) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) Receive(found->second);
}

void RunnerLoop::Receive(Connection& connection) {
  while (!connection.closing) {
    const ssize_t size = recv(connection.fd, connection.in.Reserve(kReadSize), kReadSize, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size <= 0) {
      connection.out.clear();
      connection.closing = true;
      return;
    }
    connection.in.Commit(static_cast<size_t>(size));
    while (!connection.closing) {
      Result<std::optional<Message>> message = connection.in.Next();
      if (!message) return Refuse(connection, message.error().message());
      if (!*message) break;
      Act(connection, std::move(**message));
    }
    if (static_cast<size_t>(size) < kReadSize) return;
  }
}

void RunnerLoop::Act(Connection& connection, Message message) {
  if (const auto* hello = std::get_if<Hello>(&message)) return Greet(connection, *hello);
  if (const auto* quit = std::get_if<Quit>(&message)) {
    quitting_ = true;
    if (quit->kill)
      supervisor_->KillAll();
    else
      leaving_ = true;
    return;
  }
  if (!connection.welcome) return Refuse(connection, "a connection begins with a greeting");
  if (const auto* command = std::get_if<AttemptCommand>(&message)) {
    if (CheckEpoch(connection, command->epoch) && !quitting_) supervisor_->Handle(*command);
  } else if (const auto* forget = std::get_if<Forget>(&message)) {
    supervisor_->HandleForget(*forget);
  }
}

void RunnerLoop::Greet(Connection& connection, const Hello& hello) {
  if (hello.version != kProtocolVersion) {
    return Refuse(connection, "the runner speaks version " + std::to_string(kProtocolVersion) +
                                  ", the server " + std::to_string(hello.version));
  }
  if (!CheckEpoch(connection, hello.epoch)) return;
  connection.welcome = true;
  Send(connection, Welcome{.pid = getpid()});
}

bool RunnerLoop::CheckEpoch(Connection& connection, int64_t epoch) {
  if (epoch < epoch_) {
    Refuse(connection, "epoch " + std::to_string(epoch) + " is over: epoch " +
                           std::to_string(epoch_) + " was seen");
    return false;
  }
  const Status raised = RaiseEpoch(epoch);
  if (!raised.ok()) Refuse(connection, raised.message());
  return raised.ok();
}

void RunnerLoop::Refuse(Connection& connection, const std::string& text) {
  Send(connection, Refused{.highest_epoch = epoch_, .text = text});
  connection.closing = true;
}

void RunnerLoop::Send(Connection& connection, const Message& message) {
  connection.out += EncodeMessage(message);
}

void RunnerLoop::Broadcast(const Report& report) {
  for (auto& [id, connection] : connections_) {
    if (connection.welcome && !connection.closing) Send(connection, report);
  }
}

void RunnerLoop::Flush(Connection& connection) {
  if (connection.out.empty()) return;
  const ssize_t sent =
      send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    connection.out.clear();
    connection.closing = true;
    return;
  }
  connection.out.erase(0, static_cast<size_t>(std::max<ssize_t>(sent, 0)));
  if (connection.out.size() > kMaxUnsent) {
    connection.out.clear();
    connection.closing = true;
  }
  if (connection.out.empty() == !connection.wants_write) return;
  connection.wants_write = !connection.out.empty();
  epoll_event event{};
  event.events = EPOLLIN | (connection.out.empty() ? 0U : static_cast<uint32_t>(EPOLLOUT));
  event.data.u64 = Tag(Kind::kConnection, connection.id);
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event);
}

void RunnerLoop::DropClosed() {
  std::erase_if(connections_, [](const auto& entry) {
    const Connection& connection = entry.second;
    if (!connection.closing || !connection.out.empty()) return false;
    close(connection.fd);
    return true;
  });
}

}  // namespace aiflow::runner
