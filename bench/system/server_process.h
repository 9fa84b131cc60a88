#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow::bench {

struct IdleFigures {
  double memory_mb = 0;  // proportional set size
  double cpu_ms_per_minute = 0;
};

/// A standalone server in a temporary home on ports that the system chose. Ended and removed with
/// this object.
class ServerProcess {
 public:
  explicit ServerProcess(std::filesystem::path binary);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Returns once the server says that it is ready.
  Status Start();
  /// Lets the server rest, then looks at it for `time`.
  [[nodiscard]] IdleFigures MeasureIdle(std::chrono::seconds time) const;

  [[nodiscard]] double ready_ms() const { return ready_ms_; }
  [[nodiscard]] const std::filesystem::path& binary() const { return binary_; }
  [[nodiscard]] const std::filesystem::path& home() const { return home_; }
  [[nodiscard]] const std::string& server_uri() const { return server_uri_; }
  [[nodiscard]] const std::string& notification_uri() const { return notification_uri_; }

 private:
  const std::filesystem::path binary_;
  std::filesystem::path home_;
  pid_t pid_ = 0;
  double ready_ms_ = 0;
  std::string server_uri_;
  std::string notification_uri_;
};

}  // namespace aiflow::bench
