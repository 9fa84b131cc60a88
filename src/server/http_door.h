#pragma once

#include <memory>
#include <string>

#include "api/http/http_server.h"
#include "base/status.h"
#include "server/doors.h"
#include "server/port_reservation.h"

namespace aiflow::server {

/// The HTTP port of a server, for those whom `doors`, which outlives it, lets in. The reservation
/// is released once the port is open. Errors as of HttpServer::Start.
Result<std::unique_ptr<api::HttpServer>> OpenHttpDoor(const Doors& doors, const std::string& host,
                                                      bool insecure, PortReservation& port,
                                                      api::HttpServer::Handlers handlers);

}  // namespace aiflow::server
