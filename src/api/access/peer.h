#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace aiflow::api {

/// The ends of an established connection, as the system names them. IPv4 in IPv6 is as good as
/// IPv4.
struct ConnectionEnds {
  sockaddr_storage remote{};
  sockaddr_storage local{};
};

/// Tells whose process holds the other end of a TCP connection within this machine. Thread-safe.
class SocketOwners {
 public:
  virtual ~SocketOwners() = default;
  /// The user of the process at the remote end; none when no process of this machine holds it, as
  /// when it has closed it already, or when the system does not tell.
  [[nodiscard]] virtual std::optional<uint32_t> RemoteOwner(const ConnectionEnds& ends) const = 0;
};

/// Asks the kernel: NETLINK_SOCK_DIAG for the one socket, else /proc/net/tcp and tcp6.
const SocketOwners& SystemSocketOwners();

/// The second way alone, for tests: reads a whole table, twice.
const SocketOwners& ProcSocketOwners();

/// Who is at the other end of a connection. Plain value.
struct Peer {
  enum class From { kUnixSocket, kThisMachine, kElsewhere };
  From from = From::kElsewhere;
  std::optional<uint32_t> uid;  // of this machine; absent when not known
  std::string address;          // for people: "127.0.0.1:4711", "unix", "[::1]:4711"
};

/// Looks at an accepted socket. A peer is on this machine when both ends are loopback addresses, or
/// when both have the same address and the kernel knows whose process holds the other. An error
/// when it is no connected socket of a known family.
Result<Peer> PeerOf(int fd, const SocketOwners& owners = SystemSocketOwners());

/// For servers that do not show their sockets: numeric addresses without brackets, and ports. What
/// is no address counts as elsewhere.
Peer PeerOf(const std::string& remote_address, int remote_port, const std::string& local_address,
            int local_port, const SocketOwners& owners = SystemSocketOwners());

}  // namespace aiflow::api
