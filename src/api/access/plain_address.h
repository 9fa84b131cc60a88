// Private to api/access.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

namespace aiflow::api {

/// An address and port, IPv4 in IPv6 unpacked. Everything in network order.
struct PlainAddress {
  int family = AF_UNSPEC;
  std::array<uint32_t, 4> words{};  // IPv4 in the first
  uint16_t port = 0;

  [[nodiscard]] bool IsLoopback() const;
  [[nodiscard]] std::string Text() const;
  friend bool operator==(const PlainAddress&, const PlainAddress&) = default;
};

PlainAddress Plain(const sockaddr_storage& address);

}  // namespace aiflow::api
