#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace aiflow::api {

/// The longest path that the address of a unix socket holds.
inline constexpr size_t kMaxUnixPathBytes = 107;

/// A socket that listens. Connections wait in it until somebody accepts them. Move only.
class ListenSocket {
 public:
  /// Port 0: the system chooses. kAlreadyExists when the address is in use.
  static Result<ListenSocket> Tcp(const std::string& host, int port);
  /// Takes over a socket that is bound. kAlreadyExists when somebody listens there.
  static Result<ListenSocket> Bound(int fd);
  /// Replaces what is at the path; the directory is made, and is for its owner alone, as is the
  /// socket. The file goes with the object. kInvalidArgument when the path is too long,
  /// kPermissionDenied when the directory is somebody else's.
  static Result<ListenSocket> Unix(const std::filesystem::path& path);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  [[nodiscard]] int fd() const { return fd_; }
  /// 0 for a unix socket.
  [[nodiscard]] int port() const;

 private:
  explicit ListenSocket(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::filesystem::path path_;
};

}  // namespace aiflow::api
