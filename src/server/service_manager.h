#pragma once

#include <string>
#include <string_view>

namespace aiflow::server {

/// Tells the service manager that started this process how it is doing, as systemd's sd_notify
/// does: one datagram to the socket that $NOTIFY_SOCKET names. Without one it does nothing.
class ServiceManager {
 public:
  /// Takes the variable out of the environment, so that no task speaks for the server. REQUIRES: no
  /// other thread uses the environment.
  ServiceManager();

  /// "READY=1", "STOPPING=1", lines of a state. What cannot be sent is dropped.
  void Tell(std::string_view state) const;

 private:
  std::string socket_;
};

}  // namespace aiflow::server
