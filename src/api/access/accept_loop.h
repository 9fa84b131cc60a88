#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "api/access/listen_socket.h"
#include "api/access/peer.h"
#include "base/status.h"

namespace aiflow::api {

/// Accepts the connections of some sockets, looks once at who is at the other end, and hands them
/// on. One peer never keeps another waiting: what a peer has to do first is waited for beside the
/// others, with limits. When the process has no more files, connections wait in their sockets.
/// Thread-safe.
class AcceptLoop {
 public:
  struct Options {
    /// Whether to wait for a connection's first byte, to know what is spoken on it.
    bool expect_tls = false;
    /// How long, and for how many at a time; then the oldest are closed.
    std::chrono::milliseconds first_byte{10'000};
    size_t max_undecided = 1'000;
    const SocketOwners& owners = SystemSocketOwners();
  };
  /// A connection, not blocking and closed on exec, is the taker's from now on. Called from the
  /// loop's thread; must not block. `speaks_tls` is false unless expected.
  using Taker = std::function<void(int fd, const Peer& peer, bool speaks_tls)>;

  AcceptLoop(std::vector<ListenSocket> sockets, Options options, Taker taker);
  /// kUnavailable when the system has no more files or threads.
  Status Start();
  /// Closes the sockets and what waits. The taker is not called any more. Idempotent.
  void Stop();
  ~AcceptLoop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::api
