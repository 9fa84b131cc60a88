#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace aiflow::api {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "access.XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A listening socket on a free port. None when the family is not there.
class Listener {
 public:
  static std::optional<Listener> Make(const std::string& address) {
    Listener listener;
    listener.size_ = Fill(address, &listener.address_);
    listener.fd_ = socket(listener.address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto* name = reinterpret_cast<sockaddr*>(&listener.address_);
    if (bind(listener.fd_, name, listener.size_) != 0 || listen(listener.fd_, 8) != 0 ||
        getsockname(listener.fd_, name, &listener.size_) != 0) {
      return std::nullopt;
    }
    return listener;
  }
  Listener(Listener&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), address_(other.address_), size_(other.size_) {}
  ~Listener() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] int port() const {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address_).sin_port);
  }
  /// `mapped`: by an IPv6 socket to an IPv4 address.
  [[nodiscard]] int Connect(bool mapped = false) const {
    sockaddr_storage to = address_;
    socklen_t size = size_;
    if (mapped) size = Fill("::ffff:127.0.0.1", &to, port());
    const int client = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(client, reinterpret_cast<const sockaddr*>(&to), size) == 0) return client;
    close(client);
    return -1;
  }
  [[nodiscard]] int Accept() const { return accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }

 private:
  Listener() = default;
  static socklen_t Fill(const std::string& text, sockaddr_storage* address, int port = 0) {
    *address = {};
    auto* v4 = reinterpret_cast<sockaddr_in*>(address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(address);
    if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(static_cast<uint16_t>(port));
      return sizeof(*v4);
    }
    inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    return sizeof(*v6);
  }

  int fd_ = -1;
  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

/// Both ends of a connection in this process.
class Connection {
 public:
  static std::optional<Connection> Make(const std::string& address, bool mapped = false) {
    auto listener = Listener::Make(address);
    if (!listener.has_value()) return std::nullopt;
    const int client = listener->Connect(mapped);
    if (client < 0) return std::nullopt;
    const int server = listener->Accept();
    return Connection(*std::move(listener), client, server);
  }
  Connection(Connection&& other) noexcept
      : listener_(std::move(other.listener_)),
        client_(std::exchange(other.client_, -1)),
        server_(std::exchange(other.server_, -1)) {}
  ~Connection() {
    CloseClient();
    if (server_ >= 0) close(server_);
  }

  [[nodiscard]] int server() const { return server_; }
  [[nodiscard]] int server_port() const { return listener_.port(); }
  [[nodiscard]] int client_port() const {
    sockaddr_storage name{};
    socklen_t size = sizeof(name);
    getsockname(client_, reinterpret_cast<sockaddr*>(&name), &size);
    return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  }
  void CloseClient() {
    if (client_ >= 0) close(std::exchange(client_, -1));
  }

 private:
  Connection(Listener listener, int client, int server)
      : listener_(std::move(listener)), client_(client), server_(server) {}
  Listener listener_;
  int client_ = -1;
  int server_ = -1;
};

}  // namespace aiflow::api
