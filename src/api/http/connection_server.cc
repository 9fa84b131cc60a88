#include "api/http/connection_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <string>

namespace aiflow::api {
namespace {

/// -1: it has one, of unknown length.
int64_t BodyBytes(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding")) return -1;
  const std::string text = request.get_header_value("Content-Length");
  int64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  const bool number = error == std::errc() && end == text.data() + text.size() && bytes >= 0;
  return text.empty() ? 0 : number ? bytes : -1;
}

}  // namespace

void ConnectionServer::EndConnections() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (const socket_t socket : open_) shutdown(socket, SHUT_RDWR);
}

bool ConnectionServer::process_and_close_socket(socket_t socket) {
  bool done = false;
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    ended = ended_;
    if (!ended) open_.insert(socket);
  }
  if (!ended) {
    SocketStream stream(socket, tls_.get());
    bool closed = false;
    done = stream.Begin() && process_request(stream, /*close_connection=*/true, closed,
                                             [&stream](httplib::Request& request) {
                                               stream.EndHead(BodyBytes(request));
                                             });
    stream.Finish();
  }
  {
    const std::lock_guard lock(mutex_);
    open_.erase(socket);
  }
  close(socket);
  return done;
}

}  // namespace aiflow::api
