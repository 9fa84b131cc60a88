#include "api/access/accept_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

namespace aiflow::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Connections that one socket gets at a time before the others have their turn.
constexpr int kAcceptsPerTurn = 64;
// How long accepting rests after the system had no more files or memory.
constexpr milliseconds kRest{100};
// The first byte of a TLS record that begins a handshake; HTTP begins with a letter.
constexpr char kTlsHandshake = 0x16;

// A machine that vanished is given up after about four minutes; the kernel does it by itself.
constexpr int kIdleSeconds = 120;
constexpr int kProbeSeconds = 30;
constexpr int kProbes = 4;

void PrepareTcp(int fd) {
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof(value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kProbeSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

class AcceptLoop::Impl {
 public:
  Impl(std::vector<ListenSocket> sockets, Options options, Taker taker)
      : sockets_(std::move(sockets)), options_(options), taker_(std::move(taker)) {}
  ~Impl() { Stop(); }

  Status Start();
  void Stop();

 private:
  struct Undecided {
    int fd = -1;
    Peer peer;
    steady_clock::time_point end;
  };
  using Waiting = std::list<Undecided>;

  void Run();
  void OnReady(int fd);
  void AcceptSome(int listener);
  void Take(int fd);
  void WaitForFirstByte(int fd, Peer peer);
  void LookAt(Waiting::iterator waiting);
  void Forget(Waiting::iterator waiting);
  void CloseLate();
  /// -1: for ever.
  [[nodiscard]] int PollTimeout() const;
  bool Watch(int fd, uint32_t events, int operation = EPOLL_CTL_ADD) const;
  void SetAccepting(bool accepting);

  std::vector<ListenSocket> sockets_;
  const Options options_;
  const Taker taker_;
  int epoll_ = -1;
  int wake_ = -1;
  // The loop's thread alone.
  Waiting waiting_;  // the oldest first
  std::unordered_map<int, Waiting::iterator> by_fd_;
  steady_clock::time_point rest_until_;
  bool accepting_ = true;
  std::thread thread_;
};

bool AcceptLoop::Impl::Watch(int fd, uint32_t events, int operation) const {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll_, operation, fd, &event) == 0;
}

Status AcceptLoop::Impl::Start() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  bool watched = epoll_ >= 0 && wake_ >= 0 && Watch(wake_, EPOLLIN);
  for (const ListenSocket& socket : sockets_) watched = watched && Watch(socket.fd(), EPOLLIN);
  if (!watched) {
    return {Code::kUnavailable, std::string("cannot accept connections: ") + strerror(errno)};
  }
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return {Code::kUnavailable, std::string("cannot accept connections: ") + error.what()};
  }
  return Status::Ok();
}

void AcceptLoop::Impl::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    (void)!write(wake_, &one, sizeof(one));
    thread_.join();
  }
  for (const Undecided& waiting : waiting_) close(waiting.fd);
  waiting_.clear();
  by_fd_.clear();
  sockets_.clear();
  if (epoll_ >= 0) close(std::exchange(epoll_, -1));
  if (wake_ >= 0) close(std::exchange(wake_, -1));
}

void AcceptLoop::Impl::Run() {
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int ready =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), PollTimeout());
    for (int i = 0; i < ready; ++i) {
      if (events.at(static_cast<size_t>(i)).data.fd == wake_) return;
    }
    for (int i = 0; i < ready; ++i) OnReady(events.at(static_cast<size_t>(i)).data.fd);
    CloseLate();
    if (!accepting_ && steady_clock::now() >= rest_until_) SetAccepting(true);
  }
}

void AcceptLoop::Impl::OnReady(int fd) {
  if (const auto found = by_fd_.find(fd); found != by_fd_.end()) {
    LookAt(found->second);
    return;
  }
  const bool listens = std::any_of(sockets_.begin(), sockets_.end(),
                                   [fd](const ListenSocket& socket) { return socket.fd() == fd; });
  if (listens) AcceptSome(fd);
}

void AcceptLoop::Impl::AcceptSome(int listener) {
  for (int i = 0; i < kAcceptsPerTurn && accepting_; ++i) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Take(fd);
    } else if (IsShortage(errno)) {
      SetAccepting(false);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    }
    // Anything else is the end of a connection that was not accepted yet.
  }
}

void AcceptLoop::Impl::Take(int fd) {
  Result<Peer> peer = PeerOf(fd, options_.owners);
  if (!peer.has_value()) {
    close(fd);
    return;
  }
  const bool unix_socket = peer->from == Peer::From::kUnixSocket;
  if (!unix_socket) PrepareTcp(fd);
  if (options_.expect_tls && !unix_socket) {
    WaitForFirstByte(fd, *std::move(peer));
  } else {
    taker_(fd, *peer, /*speaks_tls=*/false);
  }
}

void AcceptLoop::Impl::WaitForFirstByte(int fd, Peer peer) {
  if (waiting_.size() >= options_.max_undecided) {
    close(waiting_.front().fd);
    Forget(waiting_.begin());
  }
  if (!Watch(fd, EPOLLIN | EPOLLRDHUP)) {
    close(fd);
    return;
  }
  waiting_.push_back({fd, std::move(peer), steady_clock::now() + options_.first_byte});
  by_fd_[fd] = std::prev(waiting_.end());
}

void AcceptLoop::Impl::LookAt(Waiting::iterator waiting) {
  char first = 0;
  const ssize_t size = recv(waiting->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const int fd = waiting->fd;
  const Peer peer = std::move(waiting->peer);
  Watch(fd, 0, EPOLL_CTL_DEL);
  Forget(waiting);
  if (size == 1) {
    taker_(fd, peer, first == kTlsHandshake);
  } else {
    close(fd);
  }
}

void AcceptLoop::Impl::Forget(Waiting::iterator waiting) {
  by_fd_.erase(waiting->fd);
  waiting_.erase(waiting);
}

void AcceptLoop::Impl::CloseLate() {
  const auto now = steady_clock::now();
  while (!waiting_.empty() && waiting_.front().end <= now) {
    close(waiting_.front().fd);
    Forget(waiting_.begin());
  }
}

int AcceptLoop::Impl::PollTimeout() const {
  if (accepting_ && waiting_.empty()) return -1;
  auto next = steady_clock::time_point::max();
  if (!accepting_) next = rest_until_;
  if (!waiting_.empty()) next = std::min(next, waiting_.front().end);
  const auto left = std::chrono::ceil<milliseconds>(next - steady_clock::now());
  return static_cast<int>(std::max<int64_t>(0, left.count()));
}

void AcceptLoop::Impl::SetAccepting(bool accepting) {
  accepting_ = accepting;
  if (!accepting) rest_until_ = steady_clock::now() + kRest;
  for (const ListenSocket& socket : sockets_) {
    Watch(socket.fd(), accepting ? uint32_t{EPOLLIN} : 0U, EPOLL_CTL_MOD);
  }
}

AcceptLoop::AcceptLoop(std::vector<ListenSocket> sockets, Options options, Taker taker)
    : impl_(std::make_unique<Impl>(std::move(sockets), options, std::move(taker))) {}
AcceptLoop::~AcceptLoop() = default;
Status AcceptLoop::Start() { return impl_->Start(); }
void AcceptLoop::Stop() { impl_->Stop(); }

}  // namespace aiflow::api
