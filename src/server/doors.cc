#include "server/doors.h"

#include <utility>

#include "api/access/listen_socket.h"

namespace aiflow::server {

namespace {

/// Both servers have these under the same names.
template <typename AnyHome, typename AnyConfig>
DoorSettings Settings(const AnyHome& home, const AnyConfig& config, const char* add_token,
                      const char* danger) {
  return {.tokens = home.tokens(),
          .sockets = config.unix_socket == "true" ? home.sockets() : std::filesystem::path(),
          .certificate_file = config.tls_certificate_file,
          .key_file = config.tls_key_file,
          .client_ca_file = config.tls_client_ca_file,
          .config_file = home.config(),
          .add_token = add_token,
          .danger = danger};
}

}  // namespace

DoorSettings DoorsOf(const Home& home, const Config& config) {
  return Settings(home, config, "aiflow token add NAME", "run programs here");
}

DoorSettings DoorsOf(const NotificationHome& home, const NotificationConfig& config) {
  return Settings(home, config, "notification token add NAME", "read and send every event");
}

Result<std::optional<api::Tls>> TlsOf(const DoorSettings& settings) {
  if (settings.certificate_file.empty() && settings.key_file.empty() &&
      settings.client_ca_file.empty()) {
    return std::optional<api::Tls>();
  }
  Result<api::Tls> tls =
      api::ReadTls(settings.certificate_file, settings.key_file, settings.client_ca_file);
  if (!tls.has_value()) return Error(tls.error());
  return std::optional<api::Tls>(*std::move(tls));
}

Status CheckBind(const DoorSettings& settings, const std::string& host, bool insecure) {
  if (insecure || api::IsLoopback(host)) return Status::Ok();
  const bool tls = !settings.certificate_file.empty();
  const auto tokens = api::ListTokens(settings.tokens);
  if (!tokens.has_value()) return tokens.error();
  if (tls && !tokens->empty()) return Status::Ok();
  std::string missing;
  if (!tls) {
    missing = "TLS: set tls_certificate_file and tls_key_file in " + settings.config_file.string();
  }
  if (tokens->empty()) {
    missing += std::string(missing.empty() ? "" : ", and ") + "a token: make one with `" +
               settings.add_token + "`";
  }
  return {Code::kInvalidArgument,
          "--host " + host + " can be reached from other machines, and who reaches the ports can " +
              settings.danger + "; listen on 127.0.0.1, or protect them by " + missing +
              "; --insecure opens them to everybody, on a network that you trust"};
}

Result<std::unique_ptr<Doors>> Doors::Make(const DoorSettings& settings, bool insecure,
                                           std::function<void(const std::string&)> warn) {
  auto doors = std::unique_ptr<Doors>(new Doors());
  Result<std::optional<api::Tls>> tls = TlsOf(settings);
  if (!tls.has_value()) return Error(tls.error());
  doors->tls_ = *std::move(tls);
  doors->warn_ = std::move(warn);
  doors->tokens_ =
      std::make_unique<api::Tokens>(settings.tokens, [warn = doors->warn_](const Status& problem) {
        warn("no token is accepted: " + problem.message());
      });
  (void)doors->tokens_->Check();  // what is wrong with them is told now, not at the first call
  doors->access_.emplace(api::Access::Options{.open = insecure, .add_token = settings.add_token},
                         *doors->tokens_);
  doors->sockets_ = settings.sockets;
  return doors;
}

Result<api::GrpcDoor> Doors::Open(PortReservation& port, const std::string& name,
                                  api::CallCounts* counts) const {
  api::GrpcDoor door{.sockets = {}, .access = *access_, .tls = tls_};
  door.counts = counts;
  Result<api::ListenSocket> socket = api::ListenSocket::Bound(port.TakeSocket());
  if (!socket.has_value()) return Error(socket.error());
  door.sockets.push_back(*std::move(socket));
  if (sockets_.empty() || name.empty()) return door;
  Result<api::ListenSocket> local = api::ListenSocket::Unix(sockets_ / name);
  if (local.has_value()) {
    door.sockets.push_back(*std::move(local));
  } else {
    // Nobody depends on it: the port does the same.
    warn_("no unix socket: " + local.error().message());
  }
  return door;
}

}  // namespace aiflow::server
