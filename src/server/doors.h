#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/access/access.h"
#include "api/access/tls.h"
#include "api/grpc/grpc_server.h"
#include "base/status.h"
#include "server/config.h"
#include "server/home.h"
#include "server/notification_config.h"
#include "server/notification_home.h"
#include "server/port_reservation.h"

namespace aiflow::server {

/// In run/ of a home.
inline constexpr const char* kSchedulerSocket = "scheduler.sock";
inline constexpr const char* kNotificationSocket = "notification.sock";

/// What a home and its configuration say about who gets in. Plain value.
struct DoorSettings {
  std::filesystem::path tokens;
  std::filesystem::path sockets;  // the directory of unix sockets; empty: there are none
  std::string certificate_file;   // empty: no TLS
  std::string key_file;
  std::string client_ca_file;
  // For messages.
  std::filesystem::path config_file;
  std::string add_token;  // the command
  std::string danger;     // what those can do who reach the ports
};
DoorSettings DoorsOf(const Home& home, const Config& config);
DoorSettings DoorsOf(const NotificationHome& home, const NotificationConfig& config);

/// The TLS files that are named; none when none is. Errors as of ReadTls.
Result<std::optional<api::Tls>> TlsOf(const DoorSettings& settings);

/// Whether a server may listen on `host`: kInvalidArgument, with what to do, when other machines
/// reach it and there is not both TLS and a token.
Status CheckBind(const DoorSettings& settings, const std::string& host, bool insecure);

/// Who may use the ports of a server, and how they get in. Thread-safe.
class Doors {
 public:
  /// `warn` is told what is not as it should be; it must not block.
  static Result<std::unique_ptr<Doors>> Make(const DoorSettings& settings, bool insecure,
                                             std::function<void(const std::string&)> warn);

  /// The sockets of one role: its reserved port, and where the configuration wants it, a unix
  /// socket beside it (`name`; empty: none). Calls are counted in `counts`, which outlives the
  /// door; null: they are not. kAlreadyExists when the port is taken after all.
  Result<api::GrpcDoor> Open(PortReservation& port, const std::string& name,
                             api::CallCounts* counts = nullptr) const;

  [[nodiscard]] const api::Access& access() const { return *access_; }
  [[nodiscard]] const std::optional<api::Tls>& tls() const { return tls_; }

 private:
  Doors() = default;

  std::filesystem::path sockets_;  // empty: no unix sockets
  std::function<void(const std::string&)> warn_;
  std::optional<api::Tls> tls_;
  std::unique_ptr<api::Tokens> tokens_;
  std::optional<api::Access> access_;
};

}  // namespace aiflow::server
