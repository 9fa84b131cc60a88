// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "api/access/accept_loop.h"
#include "api/grpc/grpc_server.h"

namespace aiflow::api {

/// Brings connections to a gRPC server: each is looked at once, and then is either trusted, so that
/// its calls cost nothing more, or every call of it must bring a token before its handler is
/// called. Thread-safe.
class GuardedPort {
 public:
  explicit GuardedPort(GrpcDoor door);

  /// Before the server is built.
  void AddTo(grpc::ServerBuilder& builder);
  /// Once the server runs.
  Status Start();
  /// Before the server is shut down. Idempotent.
  void Stop() { loop_->Stop(); }
  /// Of the first socket of TCP; 0 without one.
  [[nodiscard]] int port() const { return port_; }

 private:
  using Acceptor = std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>;

  void Take(int fd, const Peer& peer, bool speaks_tls);
  /// Null: a connection like this cannot be served.
  [[nodiscard]] grpc::experimental::ExternalConnectionAcceptor* AcceptorOf(int fd, const Peer& peer,
                                                                           bool speaks_tls) const;

  const Access& access_;
  const std::optional<Tls> tls_;
  int port_ = 0;
  Acceptor trusted_;
  Acceptor guarded_tcp_;
  Acceptor guarded_unix_;
  Acceptor trusted_tls_;  // both null without TLS
  Acceptor guarded_tls_;
  std::unique_ptr<AcceptLoop> loop_;
};

}  // namespace aiflow::api
