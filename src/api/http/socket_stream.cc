#include "api/http/socket_stream.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "api/access/peer.h"

namespace aiflow::api {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kTlsIsNeeded =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    "Content-Length: 44\r\n\r\nThis port speaks HTTPS with other machines.\n";

/// One end of a connection in numbers. `ask`: getpeername or getsockname.
void Name(int fd, decltype(&getpeername) ask, std::string* address, int* port) {
  sockaddr_storage end{};
  socklen_t size = sizeof(end);
  if (ask(fd, reinterpret_cast<sockaddr*>(&end), &size) != 0) return;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&end), size, host.data(), host.size(),
                  service.data(), service.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  *address = host.data();
  *port = std::atoi(service.data());
}

}  // namespace

Result<TlsContext> MakeTlsContext(const std::string& certificate_file, const std::string& key_file,
                                  const std::string& client_ca_file) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const raw = context.get();
  if (raw == nullptr) return Error(Code::kInternal, "OpenSSL makes no context");
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(raw, certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(raw, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return Error(Code::kInvalidArgument, "the certificate " + certificate_file + " and the key " +
                                             key_file +
                                             " are no pair of PEM files that can be read");
  }
  if (client_ca_file.empty()) return context;
  if (SSL_CTX_load_verify_locations(raw, client_ca_file.c_str(), nullptr) != 1) {
    return Error(Code::kInvalidArgument,
                 "the certificates of " + client_ca_file + " cannot be read as PEM");
  }
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

SocketStream::SocketStream(int fd, SSL_CTX* tls) : fd_(fd), began_(steady_clock::now()) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  if (ssl_ != nullptr) SSL_set_fd(ssl_, fd_);
}

SocketStream::~SocketStream() { SSL_free(ssl_); }

bool SocketStream::Wait(short events, Time deadline) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd watched{.fd = fd_, .events = events, .revents = 0};
    const int ready = poll(&watched, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool SocketStream::WaitForTls(int result, Time deadline) const {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: return Wait(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE: return Wait(POLLOUT, deadline);
    default: return false;
  }
}

bool SocketStream::SpeaksPlainly() const {
  constexpr char kHandshake = 22;
  char first = 0;
  return recv(fd_, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first != kHandshake;
}

bool SocketStream::Begin() {
  if (!Wait(POLLIN, began_ + kIdlePatience)) return false;
  if (ssl_ == nullptr) return true;
  if (SpeaksPlainly()) {
    SSL_free(std::exchange(ssl_, nullptr));
    const Result<Peer> peer = PeerOf(fd_);
    if (peer.has_value() && peer->from == Peer::From::kThisMachine) return true;
    write(kTlsIsNeeded.data(), kTlsIsNeeded.size());
    head_bytes_ = kMaxHeadBytes;  // that it still sends
    return false;
  }
  int result = 0;
  do {
    ERR_clear_error();
    result = SSL_accept(ssl_);
  } while (result != 1 && WaitForTls(result, began_ + kHeadPatience));
  return result == 1;
}

void SocketStream::EndHead(int64_t body_bytes) {
  in_head_ = false;
  body_left_ = body_bytes;
}

void SocketStream::Finish() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
  }
  shutdown(fd_, SHUT_WR);
  if (body_left_ == 0 && head_bytes_ < kMaxHeadBytes) return;
  const Time deadline = steady_clock::now() + kLastPatience;
  size_t dropped = 0;
  while (dropped < kMaxDroppedBytes && Wait(POLLIN, deadline)) {
    const ssize_t size = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) return;
    dropped += static_cast<size_t>(std::max<ssize_t>(size, 0));
  }
}

ssize_t SocketStream::Receive(char* data, size_t size, Time deadline) {
  while (true) {
    if (ssl_ == nullptr) {
      const ssize_t got = recv(fd_, data, size, 0);
      if (got >= 0) return got;
      if (errno == EINTR) continue;
      if (errno != EAGAIN || !Wait(POLLIN, deadline)) return -1;
    } else {
      ERR_clear_error();
      const int got = SSL_read(ssl_, data, static_cast<int>(std::min<size_t>(size, INT32_MAX)));
      if (got > 0) return got;
      if (SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!WaitForTls(got, deadline)) return -1;
    }
  }
}

ssize_t SocketStream::Buffered(char* data, size_t size) {
  const size_t taken = std::min(size, end_ - begin_);
  std::memcpy(data, buffer_.data() + begin_, taken);
  begin_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t SocketStream::read(char* data, size_t size) {
  if (in_head_ && head_bytes_ >= kMaxHeadBytes) return -1;
  if (begin_ == end_) {
    const Time deadline =
        in_head_ ? began_ + kHeadPatience : Time(steady_clock::now() + kReadPatience);
    if (!in_head_ && size >= buffer_.size()) {
      return Taken(Receive(data, size, deadline));
    }
    const ssize_t got = Receive(buffer_.data(), buffer_.size(), deadline);
    if (got <= 0) return got;
    begin_ = 0;
    end_ = static_cast<size_t>(got);
  }
  return Taken(Buffered(data, size));
}

ssize_t SocketStream::Taken(ssize_t bytes) {
  if (in_head_) {
    head_bytes_ += static_cast<size_t>(bytes);
  } else if (body_left_ > 0 && bytes > 0) {
    body_left_ -= std::min<int64_t>(bytes, body_left_);
  }
  return bytes;
}

ssize_t SocketStream::write(const char* data, size_t size) {
  const Time deadline = steady_clock::now() + kWritePatience;
  while (true) {
    if (ssl_ == nullptr) {
      const ssize_t sent = send(fd_, data, size, MSG_NOSIGNAL);
      if (sent >= 0) return sent;
      if (errno == EINTR) continue;
      if (errno != EAGAIN || !Wait(POLLOUT, deadline)) return -1;
    } else {
      ERR_clear_error();
      const int sent = SSL_write(ssl_, data, static_cast<int>(std::min<size_t>(size, INT32_MAX)));
      if (sent > 0) return sent;
      if (!WaitForTls(sent, deadline)) return -1;
    }
  }
}

bool SocketStream::is_readable() const {
  return begin_ < end_ || (ssl_ != nullptr && SSL_pending(ssl_) > 0) ||
         Wait(POLLIN, steady_clock::now() + kReadPatience);
}

bool SocketStream::is_writable() const {
  if (!Wait(POLLOUT, steady_clock::now() + kWritePatience)) return false;
  char byte = 0;
  const ssize_t seen = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen > 0 || (seen < 0 && (errno == EAGAIN || errno == EINTR));
}

void SocketStream::get_remote_ip_and_port(std::string& address, int& port) const {
  Name(fd_, getpeername, &address, &port);
}

void SocketStream::get_local_ip_and_port(std::string& address, int& port) const {
  Name(fd_, getsockname, &address, &port);
}

}  // namespace aiflow::api
