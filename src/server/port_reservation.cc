#include "server/port_reservation.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace aiflow::server {

std::string HostPort(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

int PortOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return 0;
  int port = 0;
  const char* const end = address.data() + address.size();
  const auto [read, error] = std::from_chars(address.data() + colon + 1, end, port);
  return error == std::errc() && read == end && port > 0 && port <= 65'535 ? port : 0;
}

Result<PortReservation> PortReservation::Take(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return Error(Code::kInvalidArgument,
                 "cannot listen on " + HostPort(host, port) + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  const int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  PortReservation reservation(fd, port);
  const int yes = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
    return Error(errno == EADDRINUSE ? Code::kAlreadyExists : Code::kUnavailable,
                 "cannot listen on " + HostPort(host, port) + ": " + std::strerror(errno));
  }
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    // The port is at the same place for both families.
    reservation.port_ = ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  return reservation;
}

Result<PortReservation> PortReservation::TakeAgain(const std::string& host, int port, int before) {
  if (port == 0 && before != 0) {
    Result<PortReservation> again = Take(host, before);
    if (again.has_value()) return again;
  }
  return Take(host, port);
}

PortReservation::PortReservation(PortReservation&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), port_(other.port_) {}

PortReservation& PortReservation::operator=(PortReservation&& other) noexcept {
  if (this == &other) return *this;
  Release();
  fd_ = std::exchange(other.fd_, -1);
  port_ = other.port_;
  return *this;
}

int PortReservation::TakeSocket() { return std::exchange(fd_, -1); }

void PortReservation::Release() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

}  // namespace aiflow::server
