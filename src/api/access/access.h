#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/access/peer.h"
#include "api/access/tokens.h"
#include "base/status.h"

namespace aiflow::api {

/// Who may use the ports, the same for gRPC and HTTP: the server's own user and root by a unix
/// socket or over TCP within this machine need nothing; everybody else brings a token. Immutable
/// but for the tokens; thread-safe.
///
/// An HTTP server calls, per request:
///
///   Status status = access.Check(
///       PeerOf(request.remote_addr, request.remote_port, request.local_addr, request.local_port),
///       request.get_header_value("Authorization"));
///
/// or PeerOf(fd) once per connection, where it has the socket; an error is answered 401 with
/// `WWW-Authenticate: Bearer` and the message.
class Access {
 public:
  struct Options {
    uint32_t owner = geteuid();
    bool open = false;                                // everybody may: the operator said --insecure
    std::string add_token = "aiflow token add NAME";  // the command that makes one, for messages
  };
  /// `tokens` outlives it.
  Access(Options options, const Tokens& tokens) : options_(std::move(options)), tokens_(tokens) {}

  /// Whether calls of this connection need no token.
  [[nodiscard]] bool Trusts(const Peer& peer) const;
  /// OK, or kUnauthenticated with what to do. `authorization` is the header or metadata of that
  /// name, "Bearer TOKEN", or empty.
  [[nodiscard]] Status Check(const Peer& peer, std::string_view authorization) const;
  /// The same for a peer that is not trusted.
  [[nodiscard]] Status CheckToken(std::string_view authorization) const;
  /// Of a call that has been let in, and is that of a server: when it brings a token, that must be
  /// one for servers. kPermissionDenied, with what to do.
  [[nodiscard]] Status CheckServer(std::string_view authorization) const;

 private:
  [[nodiscard]] Status UnknownToken() const;

  const Options options_;
  const Tokens& tokens_;
};

}  // namespace aiflow::api
