#include "api/grpc/guarded_port.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/server_credentials.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "api/grpc/grpc_status.h"

namespace aiflow::api {
namespace {

using ExternalType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;

// A connection that has not even begun to speak by then is closed.
constexpr int kHandshakeMillis = 20'000;

/// Runs before the handler of each call of a guarded connection, which sees the token as well.
class TokenCheck final : public grpc::AuthMetadataProcessor {
 public:
  explicit TokenCheck(const Access& access) : access_(access) {}

  // A look at one file's system data is not worth another thread.
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata*,
                       OutputMetadata*) override {
    std::string authorization;
    const auto [begin, end] = metadata.equal_range(kAuthorizationMetadata);
    // Two of them could mean one thing to a proxy and another one here.
    if (begin != end && std::next(begin) == end) {
      authorization.assign(begin->second.data(), begin->second.size());
    }
    return ToGrpc(access_.CheckToken(authorization));
  }

 private:
  const Access& access_;
};

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const Tls& tls) {
  grpc::SslServerCredentialsOptions options(
      tls.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_key_cert_pairs.push_back({tls.key, tls.certificate});
  options.pem_root_certs = tls.client_ca;
  return grpc::SslServerCredentials(options);
}

/// gRPC's credentials for local connections know the two plain loopback addresses only.
bool IsPlainLoopback(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return false;
  if (name.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(name).sin_addr.s_addr) == INADDR_LOOPBACK;
  }
  const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(name).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return ntohl(address.s6_addr32[3]) == INADDR_LOOPBACK;
  }
  return IN6_IS_ADDR_LOOPBACK(&address);
}

}  // namespace

GuardedPort::GuardedPort(GrpcDoor door) : access_(door.access), tls_(std::move(door.tls)) {
  for (const ListenSocket& socket : door.sockets) {
    if (port_ == 0) port_ = socket.port();
  }
  AcceptLoop::Options options{.owners = door.owners};
  options.expect_tls = tls_.has_value();
  loop_ = std::make_unique<AcceptLoop>(
      std::move(door.sockets), options,
      [this](int fd, const Peer& peer, bool speaks_tls) { Take(fd, peer, speaks_tls); });
}

void GuardedPort::AddTo(grpc::ServerBuilder& builder) {
  const auto add = [&builder](std::shared_ptr<grpc::ServerCredentials> credentials) {
    return builder.experimental().AddExternalConnectionAcceptor(ExternalType::FROM_FD,
                                                                std::move(credentials));
  };
  const auto check = std::make_shared<TokenCheck>(access_);
  const auto guarded = [&](std::shared_ptr<grpc::ServerCredentials> credentials) {
    credentials->SetAuthMetadataProcessor(check);
    return add(std::move(credentials));
  };
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMillis);
  trusted_ = add(grpc::InsecureServerCredentials());
  // Without a byte more on the wire: any client that speaks no TLS can connect and is told.
  guarded_tcp_ = guarded(grpc::experimental::LocalServerCredentials(LOCAL_TCP));
  guarded_unix_ = guarded(grpc::experimental::LocalServerCredentials(UDS));
  if (!tls_.has_value()) return;
  trusted_tls_ = add(TlsCredentials(*tls_));
  guarded_tls_ = guarded(TlsCredentials(*tls_));
}

Status GuardedPort::Start() { return loop_->Start(); }

grpc::experimental::ExternalConnectionAcceptor* GuardedPort::AcceptorOf(int fd, const Peer& peer,
                                                                        bool speaks_tls) const {
  const bool trusted = access_.Trusts(peer);
  if (speaks_tls) return (trusted ? trusted_tls_ : guarded_tls_).get();
  if (trusted) return trusted_.get();
  if (peer.from == Peer::From::kUnixSocket) return guarded_unix_.get();
  // From elsewhere a token would come in the clear.
  if (peer.from == Peer::From::kThisMachine && IsPlainLoopback(fd)) return guarded_tcp_.get();
  return nullptr;
}

void GuardedPort::Take(int fd, const Peer& peer, bool speaks_tls) {
  grpc::experimental::ExternalConnectionAcceptor* const acceptor = AcceptorOf(fd, peer, speaks_tls);
  if (acceptor == nullptr) {
    close(fd);
    return;
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = fd;
  acceptor->HandleNewConnection(&connection);
}

}  // namespace aiflow::api
