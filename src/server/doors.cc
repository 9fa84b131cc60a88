#include "server/doors.h"

#include <utility>

#include "api/access/listen_socket.h"

namespace aiflow::server {

Result<std::optional<api::Tls>> TlsOf(const Config& config) {
  if (config.tls_certificate_file.empty() && config.tls_key_file.empty() &&
      config.tls_client_ca_file.empty()) {
    return std::optional<api::Tls>();
  }
  Result<api::Tls> tls =
      api::ReadTls(config.tls_certificate_file, config.tls_key_file, config.tls_client_ca_file);
  if (!tls.has_value()) return Error(tls.error());
  return std::optional<api::Tls>(*std::move(tls));
}

Status CheckBind(const Home& home, const Config& config, const std::string& host, bool insecure) {
  if (insecure || api::IsLoopback(host)) return Status::Ok();
  const bool tls = !config.tls_certificate_file.empty();
  const auto tokens = api::ListTokens(home.tokens());
  if (!tokens.has_value()) return tokens.error();
  if (tls && !tokens->empty()) return Status::Ok();
  std::string missing;
  if (!tls) missing = "TLS: set tls_certificate_file and tls_key_file in " + home.config().string();
  if (tokens->empty()) {
    missing += std::string(missing.empty() ? "" : ", and ") +
               "a token: make one with `aiflow token add NAME`";
  }
  return {Code::kInvalidArgument,
          "--host " + host +
              " can be reached from other machines, and who reaches the ports can run programs "
              "here; listen on 127.0.0.1, or protect them by " +
              missing + "; --insecure opens them to everybody, on a network that you trust"};
}

Result<std::unique_ptr<Doors>> Doors::Make(const Home& home, const Config& config, bool insecure,
                                           std::function<void(const std::string&)> warn) {
  auto doors = std::unique_ptr<Doors>(new Doors());
  Result<std::optional<api::Tls>> tls = TlsOf(config);
  if (!tls.has_value()) return Error(tls.error());
  doors->tls_ = *std::move(tls);
  doors->warn_ = std::move(warn);
  doors->tokens_ =
      std::make_unique<api::Tokens>(home.tokens(), [warn = doors->warn_](const Status& problem) {
        warn("no token is accepted: " + problem.message());
      });
  (void)doors->tokens_->Check();  // what is wrong with them is told now, not at the first call
  doors->access_.emplace(api::Access::Options{.open = insecure}, *doors->tokens_);
  if (config.unix_socket == "true") doors->sockets_ = home.sockets();
  return doors;
}

Result<api::GrpcDoor> Doors::Open(PortReservation& port, const std::string& name) const {
  api::GrpcDoor door{.sockets = {}, .access = *access_, .tls = tls_};
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
