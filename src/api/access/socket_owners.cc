#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "api/access/peer.h"
#include "api/access/plain_address.h"

namespace aiflow::api {
namespace {

// The kernel answers while the question is being sent; this is for one that is out of its mind.
constexpr timeval kPatience{1, 0};

/// Whether a socket in this state can have sent us something and still be the one that did: one
/// that is connecting may have got the port of a connection that is over.
bool IsConnected(unsigned state) {
  return state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

struct Question {
  nlmsghdr header{};
  inet_diag_req_v2 request{};
};

bool Ask(int fd, const PlainAddress& remote, const PlainAddress& local) {
  Question question;
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.request.sdiag_family = static_cast<uint8_t>(remote.family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = ~0U;
  inet_diag_sockid& id = question.request.id;
  id.idiag_sport = remote.port;  // seen from the other end
  id.idiag_dport = local.port;
  std::copy(remote.words.begin(), remote.words.end(), id.idiag_src);
  std::copy(local.words.begin(), local.words.end(), id.idiag_dst);
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return send(fd, &question, sizeof(question), 0) == static_cast<ssize_t>(sizeof(question));
}

bool Names(const inet_diag_msg& answer, const PlainAddress& remote, const PlainAddress& local) {
  // The kernel falls back to a listener of the port, which is another socket.
  return answer.id.idiag_sport == remote.port && answer.id.idiag_dport == local.port &&
         IsConnected(answer.idiag_state);
}

enum class Told { kOwner, kNobody, kNothing };

/// kNothing: the system does not answer such questions.
Told AskKernel(const PlainAddress& remote, const PlainAddress& local, uint32_t* uid) {
  const Descriptor netlink(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (netlink.get() < 0) return Told::kNothing;
  setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  if (!Ask(netlink.get(), remote, local)) return Told::kNothing;
  alignas(nlmsghdr) std::array<char, 8192> buffer{};
  sockaddr_nl sender{};
  socklen_t sender_size = sizeof(sender);
  const ssize_t size = recvfrom(netlink.get(), buffer.data(), buffer.size(), 0,
                                reinterpret_cast<sockaddr*>(&sender), &sender_size);
  nlmsghdr header{};
  if (size < static_cast<ssize_t>(sizeof(header)) || sender.nl_pid != 0) return Told::kNothing;
  std::memcpy(&header, buffer.data(), sizeof(header));
  if (header.nlmsg_type == NLMSG_ERROR) {
    // -ENOENT says that there is no such socket, or that the kernel knows no such questions.
    return Told::kNothing;
  }
  inet_diag_msg answer{};
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      size < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof(answer))) {
    return Told::kNothing;
  }
  std::memcpy(&answer, buffer.data() + NLMSG_HDRLEN, sizeof(answer));
  // A socket that its process has closed has no inode and may pass for root's. The kernel reads the
  // user first, so an inode proves the user.
  if (!Names(answer, remote, local) || answer.idiag_inode == 0) return Told::kNobody;
  *uid = answer.idiag_uid;
  return Told::kOwner;
}

/// "0100007F:1F90": each word as the machine reads it.
std::optional<PlainAddress> ParseEntryAddress(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  sockaddr_storage storage{};
  unsigned port = 0;
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < colon / 8; ++i) {
    if (std::sscanf(text.c_str() + i * 8, "%8x", &words.at(i)) != 1) return std::nullopt;
  }
  if (std::sscanf(text.c_str() + colon + 1, "%4x", &port) != 1) return std::nullopt;
  if (colon == 8) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = words[0];
    v4.sin_port = htons(static_cast<uint16_t>(port));
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, words.data(), sizeof(v6.sin6_addr));
    v6.sin6_port = htons(static_cast<uint16_t>(port));
  }
  return Plain(storage);
}

struct Entry {
  uint32_t uid = 0;
  uint64_t inode = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// The socket of the other end in one of the kernel's tables.
std::optional<Entry> FindEntry(const char* table, const PlainAddress& remote,
                               const PlainAddress& local) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the head
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string slot, from, to, state, queues, timer, retransmits;
    Entry entry;
    uint64_t timeout = 0;
    words >> slot >> from >> to >> state >> queues >> timer >> retransmits >> entry.uid >>
        timeout >> entry.inode;
    if (!words || ParseEntryAddress(from) != remote || ParseEntryAddress(to) != local) continue;
    unsigned number = 0;
    if (std::sscanf(state.c_str(), "%x", &number) != 1 || !IsConnected(number)) continue;
    return entry;
  }
  return std::nullopt;
}

std::optional<uint32_t> ReadTables(const PlainAddress& remote, const PlainAddress& local) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const std::optional<Entry> entry = FindEntry(table, remote, local);
    if (!entry.has_value() || entry->inode == 0) continue;
    // User and inode are read in no certain order; a socket that is still not closed now was not
    // when its user was read.
    if (FindEntry(table, remote, local) == entry) return entry->uid;
  }
  return std::nullopt;
}

class ProcOwners final : public SocketOwners {
 public:
  std::optional<uint32_t> RemoteOwner(const ConnectionEnds& ends) const override {
    return ReadTables(Plain(ends.remote), Plain(ends.local));
  }
};

class SystemOwners final : public SocketOwners {
 public:
  std::optional<uint32_t> RemoteOwner(const ConnectionEnds& ends) const override {
    const PlainAddress remote = Plain(ends.remote);
    const PlainAddress local = Plain(ends.local);
    if (remote.family != local.family || remote.family == AF_UNSPEC) return std::nullopt;
    uint32_t uid = 0;
    switch (AskKernel(remote, local, &uid)) {
      case Told::kOwner: kernel_answers_ = true; return uid;
      case Told::kNobody: kernel_answers_ = true; return std::nullopt;
      case Told::kNothing: break;
    }
    // A kernel that knows sockets at all need not be asked in the slow way for one that is gone.
    if (kernel_answers_) return std::nullopt;
    return ReadTables(remote, local);
  }

 private:
  mutable std::atomic<bool> kernel_answers_ = false;
};

}  // namespace

const SocketOwners& SystemSocketOwners() {
  static const SystemOwners kOwners;
  return kOwners;
}

const SocketOwners& ProcSocketOwners() {
  static const ProcOwners kOwners;
  return kOwners;
}

}  // namespace aiflow::api
