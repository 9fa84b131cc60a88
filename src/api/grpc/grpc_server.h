#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/access/access.h"
#include "api/access/listen_socket.h"
#include "api/access/tls.h"
#include "api/backend.h"
#include "api/grpc/call_counts.h"
#include "base/status.h"
#include "eventlog/log_service.h"

namespace grpc {
class Channel;
}

namespace aiflow::api {

/// How connections get to a server, and who may use them.
struct GrpcDoor {
  std::vector<ListenSocket> sockets;
  const Access& access;    // outlives the server
  std::optional<Tls> tls;  // beside it, loopback and unix sockets stay open to plain connections
  const SocketOwners& owners = SystemSocketOwners();
  CallCounts* counts = nullptr;  // of all calls; outlives the server; null: they are not counted
};

/// The services of one port. Thread-safe.
class GrpcServer {
 public:
  ~GrpcServer();

  /// NotificationService and aiflow.v1.EventLog. `log` must outlive the server.
  static Result<std::unique_ptr<GrpcServer>> StartNotification(LogService& log, GrpcDoor door);
  /// The same on a port of its own, for this process' user and root alone. Port 0 lets the system
  /// choose. kAlreadyExists when the address is in use; other errors name the address.
  static Result<std::unique_ptr<GrpcServer>> StartNotification(LogService& log,
                                                               const std::string& host, int port);
  /// As StartNotification, and aiflow.internal.v1.LogAccess for the AIFlow server that owns the
  /// log.
  static Result<std::unique_ptr<GrpcServer>> StartLog(LogService& log, GrpcDoor door);
  static Result<std::unique_ptr<GrpcServer>> StartLog(LogService& log, const std::string& host,
                                                      int port);
  /// aiflow.v1.EventLog for InProcessChannel alone, without a port.
  static Result<std::unique_ptr<GrpcServer>> StartInProcess(LogService& log,
                                                            CallCounts* counts = nullptr);
  /// SchedulerService, HeartbeatService and aiflow.v1.Orchestrator. `backend` must outlive the
  /// server.
  static Result<std::unique_ptr<GrpcServer>> StartScheduler(Backend& backend, GrpcDoor door);
  /// HeartbeatService alone, where old clients look for it.
  static Result<std::unique_ptr<GrpcServer>> StartHeartbeat(GrpcDoor door);

  /// The port it listens on; 0 when on a unix socket only.
  [[nodiscard]] int port() const;

  /// Calls its services without a socket, as one who may. Not to be used after Shutdown.
  [[nodiscard]] std::shared_ptr<grpc::Channel> InProcessChannel();

  /// Refuses new calls, lets running ones end for `grace`, then cancels them. Idempotent.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  static Result<std::unique_ptr<GrpcServer>> Started(std::unique_ptr<Impl> impl);
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether `host` names only this machine: 127.0.0.0/8, ::1, localhost.
bool IsLoopback(const std::string& host);

}  // namespace aiflow::api
