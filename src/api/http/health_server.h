#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"

namespace aiflow::api {

/// The HTTP port: /healthz (the process answers) and /readyz (503 with the reason until ready).
/// Refuses requests whose Host or Origin is not this machine's, so that no web page can reach it by
/// a name of its own. Thread-safe.
class HealthServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 8000;        // 0: the system chooses
    bool any_host = false;  // accept every Host and Origin
  };
  /// `not_ready` gives the reason, empty when ready; called from any thread. kAlreadyExists when
  /// the address is in use.
  static Result<std::unique_ptr<HealthServer>> Start(Options options,
                                                     std::function<std::string()> not_ready);
  ~HealthServer();

  [[nodiscard]] int port() const;
  void Stop();

 private:
  class Impl;
  explicit HealthServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::api
