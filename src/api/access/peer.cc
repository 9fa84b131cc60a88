#include "api/access/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "api/access/plain_address.h"

namespace aiflow::api {
namespace {

Peer PeerOfEnds(const ConnectionEnds& ends, const SocketOwners& owners) {
  const PlainAddress remote = Plain(ends.remote);
  Peer peer;
  peer.address = remote.Text();
  const PlainAddress local = Plain(ends.local);
  const bool loopback = remote.IsLoopback() && local.IsLoopback();
  // A task whose server listens on an address of the network only.
  const bool same = remote.family == local.family && remote.words == local.words;
  if (remote.family == AF_UNSPEC || (!loopback && !same)) return peer;
  peer.uid = owners.RemoteOwner(ends);
  if (loopback || peer.uid.has_value()) peer.from = Peer::From::kThisMachine;
  return peer;
}

sockaddr_storage AddressOf(const std::string& text, int port) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
  }
  return storage;
}

}  // namespace

PlainAddress Plain(const sockaddr_storage& address) {
  PlainAddress plain;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    plain.family = AF_INET;
    plain.words[0] = v4.sin_addr.s_addr;
    plain.port = v4.sin_port;
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    plain.port = v6.sin6_port;
    std::memcpy(plain.words.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    plain.family = AF_INET6;
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      plain.family = AF_INET;
      plain.words = {plain.words[3], 0, 0, 0};
    }
  }
  return plain;
}

bool PlainAddress::IsLoopback() const {
  if (family == AF_INET) return (ntohl(words[0]) >> 24) == 127;
  if (family != AF_INET6) return false;
  return words == std::array<uint32_t, 4>{0, 0, 0, htonl(1)};
}

std::string PlainAddress::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family == AF_UNSPEC || inet_ntop(family, words.data(), text.data(),
                                       static_cast<socklen_t>(text.size())) == nullptr) {
    return "an unknown address";
  }
  const std::string host(text.data());
  return (family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(ntohs(port));
}

Result<Peer> PeerOf(int fd, const SocketOwners& owners) {
  ConnectionEnds ends;
  socklen_t remote = sizeof(ends.remote);
  socklen_t local = sizeof(ends.local);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&ends.remote), &remote) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&ends.local), &local) != 0) {
    return Error(Code::kUnavailable, std::string("the connection is gone: ") + strerror(errno));
  }
  if (ends.local.ss_family != AF_UNIX) {
    if (ends.local.ss_family == AF_INET || ends.local.ss_family == AF_INET6) {
      return PeerOfEnds(ends, owners);
    }
    return Error(Code::kInvalidArgument, "the connection is neither of TCP nor of a unix socket");
  }
  Peer peer;
  peer.from = Peer::From::kUnixSocket;
  peer.address = "unix";
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 && credentials.pid != 0) {
    peer.uid = credentials.uid;
  }
  return peer;
}

Peer PeerOf(const std::string& remote_address, int remote_port, const std::string& local_address,
            int local_port, const SocketOwners& owners) {
  return PeerOfEnds({AddressOf(remote_address, remote_port), AddressOf(local_address, local_port)},
                    owners);
}

}  // namespace aiflow::api
