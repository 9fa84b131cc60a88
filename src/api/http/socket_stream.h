// Private to api/http.
#pragma once

#include <httplib.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"

namespace aiflow::api {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

/// For the server's end of connections with at least TLS 1.2. `client_ca_file` may be empty: then
/// clients need no certificate. kInvalidArgument when the files are no pair of PEM files.
Result<TlsContext> MakeTlsContext(const std::string& certificate_file, const std::string& key_file,
                                  const std::string& client_ca_file);

/// One accepted connection that carries one request, plain or with TLS. The library reads lines and
/// headers without a bound of its own; here the head of the request ends at kMaxHeadBytes and
/// kHeadPatience, and it is a broken connection to the library then. One thread at a time; others
/// may shut the socket down.
class SocketStream final : public httplib::Stream {
 public:
  static constexpr size_t kMaxHeadBytes = 64 << 10;
  static constexpr std::chrono::seconds kHeadPatience{10};
  /// For its first byte: a connection has a thread while it is idle, so not for long.
  static constexpr std::chrono::seconds kIdlePatience{2};
  /// Of each read of a body.
  static constexpr std::chrono::seconds kReadPatience{10};
  /// A reader that takes nothing for this long is gone; it comes back to where it was.
  static constexpr std::chrono::seconds kWritePatience{30};
  /// After an answer, how long and how much is read of a body that nobody wants: closing at once
  /// would take the answer away from a client that is still sending.
  static constexpr std::chrono::seconds kLastPatience{2};
  static constexpr size_t kMaxDroppedBytes = 16 << 20;

  /// The socket stays the caller's. `tls`: nullptr for a plain connection.
  SocketStream(int fd, SSL_CTX* tls);
  ~SocketStream() override;

  /// Waits for the first byte, and does the handshake of TLS. A process of this machine may go on
  /// without TLS, as over gRPC; who does so from another machine is told. False: there will be no
  /// request.
  bool Begin();
  /// The head has been read; a body of `body_bytes` follows, of unknown length when -1.
  void EndHead(int64_t body_bytes);
  /// Everything was written: tells the other end, and waits as above when it is still sending.
  void Finish();

  [[nodiscard]] bool is_readable() const override;
  /// Also whether the other end is still there.
  [[nodiscard]] bool is_writable() const override;
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& address, int& port) const override;
  void get_local_ip_and_port(std::string& address, int& port) const override;
  [[nodiscard]] socket_t socket() const override { return fd_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  /// Whether what comes first is no handshake of TLS.
  bool SpeaksPlainly() const;
  bool Wait(short events, Time deadline) const;
  /// Whether to try again, as the socket was not ready for what TLS had to do and is now.
  bool WaitForTls(int result, Time deadline) const;
  /// Bytes of the connection; 0 at its end, -1 when it broke or the time is over.
  ssize_t Receive(char* data, size_t size, Time deadline);
  ssize_t Buffered(char* data, size_t size);
  /// Counts what the library has taken of head or body; returns it.
  ssize_t Taken(ssize_t bytes);

  const int fd_;
  SSL* ssl_ = nullptr;
  const Time began_;
  bool in_head_ = true;
  size_t head_bytes_ = 0;
  int64_t body_left_ = 0;  // -1: not known
  // The library reads the head byte by byte.
  std::array<char, 4096> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace aiflow::api
