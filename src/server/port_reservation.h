#pragma once

#include <string>

#include "base/status.h"

namespace aiflow::server {

/// A port that is taken before anything else is touched, and handed to a listener at the end:
/// bound, but not listening, so that a listener of this process may bind it beside. Not
/// thread-safe.
class PortReservation {
 public:
  /// Port 0: the system chooses. kAlreadyExists when somebody listens there.
  static Result<PortReservation> Take(const std::string& host, int port);
  /// As Take, but where the system may choose, it is `before` (0: none) when that is still free.
  static Result<PortReservation> TakeAgain(const std::string& host, int port, int before);

  PortReservation() = default;
  PortReservation(PortReservation&& other) noexcept;
  PortReservation& operator=(PortReservation&& other) noexcept;
  ~PortReservation() { Release(); }

  [[nodiscard]] int port() const { return port_; }
  /// For a listener of its own, to be called once it listens.
  void Release();
  /// The bound socket, for a listener that goes on with it; the port is still told. Once only.
  [[nodiscard]] int TakeSocket();

 private:
  PortReservation(int fd, int port) : fd_(fd), port_(port) {}
  int fd_ = -1;
  int port_ = 0;
};

/// The port of "127.0.0.1:50051", "[::1]:50051" or "http://127.0.0.1:8000"; 0 when there is none.
int PortOf(const std::string& address);

/// "127.0.0.1:50051", "[::1]:50051".
std::string HostPort(const std::string& host, int port);

}  // namespace aiflow::server
