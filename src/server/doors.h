#pragma once

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
#include "server/port_reservation.h"

namespace aiflow::server {

/// In run/ of the home.
inline constexpr const char* kSchedulerSocket = "scheduler.sock";
inline constexpr const char* kNotificationSocket = "notification.sock";

/// The TLS files that a configuration names; none when it names none. Errors as of ReadTls.
Result<std::optional<api::Tls>> TlsOf(const Config& config);

/// Whether a server may listen on `host`: kInvalidArgument, with what to do, when other machines
/// reach it and there is not both TLS and a token.
Status CheckBind(const Home& home, const Config& config, const std::string& host, bool insecure);

/// Who may use the ports of a server, and how they get in. Thread-safe.
class Doors {
 public:
  /// `warn` is told what is not as it should be; it must not block.
  static Result<std::unique_ptr<Doors>> Make(const Home& home, const Config& config, bool insecure,
                                             std::function<void(const std::string&)> warn);

  /// The sockets of one role: its reserved port, and where the configuration wants it, a unix
  /// socket beside it (`name`; empty: none). kAlreadyExists when the port is taken after all.
  Result<api::GrpcDoor> Open(PortReservation& port, const std::string& name) const;

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
