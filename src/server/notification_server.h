#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "server/notification_config.h"
#include "server/notification_home.h"

namespace spdlog {
class logger;
}

namespace aiflow::server {

/// The notification service of one home in this process: event log, retention, ports. Thread-safe.
class NotificationServer {
 public:
  struct Options {
    NotificationHome home;
    NotificationConfig config;
    std::string host = "127.0.0.1";
    int port = 0;           // 0: that of the last server when it is free, else the system's choice
    int http_port = -1;     // as well; -1: no HTTP
    bool insecure = false;  // everybody may use the ports; else its user, root, and who has a token
    std::shared_ptr<spdlog::logger> logger;
    /// Called once the home is this server's, before anything is logged. May be empty.
    std::function<void()> home_taken;
  };

  /// kAlreadyExists for a port; kInvalidArgument for TLS files; kUnavailable for a home that
  /// another server uses; kFailedPrecondition and kDataLoss for the log.
  static Result<std::unique_ptr<NotificationServer>> Start(Options options);
  ~NotificationServer();

  /// host:port that it listens on.
  [[nodiscard]] std::string uri() const;
  /// Empty without HTTP.
  [[nodiscard]] std::string http_url() const;
  /// Closes the ports, then the log. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit NotificationServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::server
