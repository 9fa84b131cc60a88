#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace aiflow::bench {

/// A server in a process of its own that answers sendEvent with its request and does nothing else:
/// the ceiling for any server behind gRPC. Ended with this object.
class EchoServer {
 public:
  static EchoServer Fork();
  ~EchoServer();
  EchoServer(EchoServer&& other) noexcept;
  EchoServer& operator=(EchoServer&&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  EchoServer(pid_t pid, std::string address) : pid_(pid), address_(std::move(address)) {}
  pid_t pid_;
  std::string address_;
};

/// Unary sendEvent calls per second: 200-byte values, a fresh key and uuid each, `in_flight` at a
/// time, for about three seconds after a warm-up.
double EventRate(const std::string& address, int in_flight);

/// fdatasync calls per second after appending 4 KiB each, in this directory.
double SyncRate(const std::filesystem::path& directory);

}  // namespace aiflow::bench
