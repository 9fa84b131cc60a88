#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/status.h"
#include "server/config.h"
#include "server/home.h"
#include "server/readiness.h"

namespace spdlog {
class logger;
}

namespace aiflow::server {

/// Where the roles listen. Port 0: that of the home's last server when it is free, as tasks that
/// run still know it, else one that the system chooses; internal_rpc -1: off.
struct Listeners {
  std::string host = "127.0.0.1";
  int rpc = 0;
  int notification = 0;
  int http = 0;
  int internal_rpc = -1;
  bool insecure = false;
};

/// Everything of one home in this process: event log, metadata, engine, executor, ports.
/// Thread-safe.
class Server {
 public:
  struct Options {
    Home home;
    Config config;
    Listeners listeners;
    std::string runner_binary;
    /// What is unfinished at these ends FAILED.
    std::set<std::string> abandoned_executors;
    std::shared_ptr<spdlog::logger> logger;
    /// Called once, from any thread, when the server cannot go on (another one took its lease).
    std::function<void(const Status&)> failed;
    /// Called once the home is this server's, before anything is logged; an error ends the start.
    std::function<Status()> home_taken;
  };

  /// In the order of recovery: ports reserved, stores opened, lease taken, attempts reconciled,
  /// outbox handed out, and only then the ports opened. Errors: kAlreadyExists for a port, naming
  /// it; kUnavailable for a home that another server uses; kFailedPrecondition and kDataLoss for
  /// stores.
  static Result<std::unique_ptr<Server>> Start(Options options);
  ~Server();

  [[nodiscard]] std::string server_uri() const;
  [[nodiscard]] std::string notification_uri() const;
  [[nodiscard]] std::string http_url() const;
  /// Attempts that run now.
  [[nodiscard]] int64_t running() const;
  /// The page of /metrics.
  [[nodiscard]] std::string MetricsText() const;
  /// What keeps the server from being ready, and what somebody should look at.
  [[nodiscard]] Readiness CheckReadiness() const;

  /// Stops every workflow execution with a live task and waits until no attempt runs, or for
  /// `patience`. Returns the number of attempts that still run.
  int64_t StopTasks(Millis patience);
  /// Closes the ports, then engine, executor and stores. Attempts run on. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::server
