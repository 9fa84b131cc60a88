#include "server/http_door.h"

#include <optional>
#include <utility>

namespace aiflow::server {

Result<std::unique_ptr<api::HttpServer>> OpenHttpDoor(const Doors& doors, const std::string& host,
                                                      bool insecure, PortReservation& port,
                                                      api::HttpServer::Handlers handlers) {
  api::HttpServer::Options options;
  options.host = host;
  options.port = port.port();
  options.any_host = insecure;
  if (const std::optional<api::Tls>& tls = doors.tls(); tls.has_value()) {
    options.certificate_file = tls->certificate_file.string();
    options.key_file = tls->key_file.string();
    options.client_ca_file = tls->client_ca_file.string();
  }
  handlers.admit = [&doors](const api::HttpServer::Connection& connection,
                            const std::string& authorization) {
    return doors.access().Check(api::PeerOf(connection.remote_address, connection.remote_port,
                                            connection.local_address, connection.local_port),
                                authorization);
  };
  handlers.check_token = [&doors](const std::string& authorization) {
    return doors.access().CheckToken(authorization);
  };
  auto http = api::HttpServer::Start(std::move(options), std::move(handlers));
  if (http.has_value()) port.Release();
  return http;
}

}  // namespace aiflow::server
