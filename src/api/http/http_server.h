#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/rest/transcoder.h"
#include "base/status.h"

namespace aiflow::api {

/// The HTTP port: the REST API under /api/v1, its OpenAPI document, /healthz (the process answers),
/// /readyz (503 with the reasons until ready), /metrics. Refuses requests whose Host or Origin is
/// not this machine's, so that no web page can reach it by a name of its own. Thread-safe.
///
/// A connection has a thread while it is served, and a stream for as long as it lasts; both are
/// bounded, and a stream beyond the bound is refused so that plain requests find a thread (ADR 12).
/// A connection carries one request.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 8000;           // 0: the system chooses
    bool any_host = false;     // accept every Host and Origin
    size_t max_streams = 512;  // that last: server-sent events, logs that are followed
    size_t max_requests = 64;  // beside the streams
    /// PEM files; empty: no TLS.
    std::string certificate_file;
    std::string key_file;
    std::string client_ca_file;  // clients must have a certificate of it; empty: any client
  };
  /// The two ends of a connection.
  struct Connection {
    std::string remote_address;
    int remote_port = 0;
    std::string local_address;
    int local_port = 0;
  };
  struct Handlers {
    /// Why it is not ready, one reason a line; empty when ready. Any thread, as the next.
    std::function<std::string()> not_ready;
    /// The text of /metrics; empty: there are none.
    std::function<std::string()> metrics;
    /// Whether the other end of a connection may call, given the header Authorization; empty:
    /// everybody may. Not asked about /healthz and /readyz.
    std::function<Status(const Connection& connection, const std::string& authorization)> admit;
    /// Whether the header Authorization alone lets anybody in; empty: it never does. What calls by
    /// another name of this server, as other machines do, needs it: a web page has no token.
    std::function<Status(const std::string& authorization)> check_token;
    /// Called once, from any thread, when it cannot go on; empty: nobody is told.
    std::function<void(const Status&)> failed;
    /// Told of each request that was answered, streams at their end: the method, the template of
    /// the path (never the path itself; "other": nothing of ours), the status. Any thread; empty:
    /// nobody is told.
    std::function<void(const std::string& method, const std::string& route, int status)> answered;
    /// Must outlive the server; nullptr: no REST.
    rest::Transcoder* rest = nullptr;
  };
  /// kAlreadyExists when the address is in use; kInvalidArgument for TLS files.
  static Result<std::unique_ptr<HttpServer>> Start(Options options, Handlers handlers);
  ~HttpServer();

  [[nodiscard]] int port() const;
  /// Ends the streams, lets other connections go on for two seconds, then ends them. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow::api
