#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "api/backend.h"
#include "base/status.h"
#include "eventlog/log_service.h"

namespace grpc {
class Channel;
}

namespace aiflow::api {

/// The services of one port. Thread-safe.
class GrpcServer {
 public:
  ~GrpcServer();

  /// NotificationService and aiflow.v1.EventLog. Port 0 lets the system choose. kAlreadyExists when
  /// the address is in use; other errors name the address. `log` must outlive the server.
  static Result<std::unique_ptr<GrpcServer>> StartNotification(LogService& log,
                                                               const std::string& host, int port);
  /// SchedulerService, HeartbeatService and aiflow.v1.Orchestrator. `backend` must outlive the
  /// server.
  static Result<std::unique_ptr<GrpcServer>> StartScheduler(Backend& backend,
                                                            const std::string& host, int port);
  /// HeartbeatService alone, where old clients look for it.
  static Result<std::unique_ptr<GrpcServer>> StartHeartbeat(const std::string& host, int port);

  /// The port it listens on.
  [[nodiscard]] int port() const;

  /// Calls its services without a socket, as one who may. Not to be used after Shutdown.
  [[nodiscard]] std::shared_ptr<grpc::Channel> InProcessChannel();

  /// Refuses new calls, lets running ones end for `grace`, then cancels them. Idempotent.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether `host` names only this machine: 127.0.0.0/8, ::1, localhost.
bool IsLoopback(const std::string& host);

}  // namespace aiflow::api
