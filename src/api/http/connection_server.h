// Private to api/http.
#pragma once

#include <httplib.h>

#include <mutex>
#include <set>

#include "api/http/socket_stream.h"

namespace aiflow::api {

/// The library's server, over connections of our own: it would read heads without a bound, and does
/// not show its sockets. A connection carries one request: what is refused before its body is read
/// would leave the body on the connection, and be taken for the next request, which a web page
/// could so send with any header.
class ConnectionServer final : public httplib::Server {
 public:
  /// `tls`: nullptr for plain connections.
  explicit ConnectionServer(TlsContext tls) : tls_(std::move(tls)) {}

  /// Ends what goes over the connections that are open, and those that are taken up later. Any
  /// thread.
  void EndConnections();

 private:
  bool process_and_close_socket(socket_t socket) override;

  const TlsContext tls_;
  std::mutex mutex_;
  std::set<socket_t> open_;
  bool ended_ = false;
};

}  // namespace aiflow::api
