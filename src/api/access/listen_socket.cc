#include "api/access/listen_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "api/access/plain_address.h"

namespace aiflow::api {
namespace {

namespace fs = std::filesystem;

Status CannotListen(const std::string& where) {
  return {errno == EADDRINUSE ? Code::kAlreadyExists : Code::kUnavailable,
          "cannot listen on " + where + ": " + strerror(errno)};
}

/// As the kernel allows: a burst of clients waits, it is not refused.
bool Listen(int fd) {
  return listen(fd, SOMAXCONN) == 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

Status MakePrivateDirectory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  const bool made = mkdir(directory.c_str(), 0700) == 0;
  struct stat found {};
  if (!made && errno != EEXIST) return CannotListen(directory.string());
  if (lstat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return {Code::kInvalidArgument, directory.string() + " is no directory"};
  }
  if (found.st_uid != geteuid()) {
    return {Code::kPermissionDenied, directory.string() + " belongs to another user"};
  }
  if (chmod(directory.c_str(), 0700) != 0) return CannotListen(directory.string());
  return Status::Ok();
}

}  // namespace

Result<ListenSocket> ListenSocket::Tcp(const std::string& host, int port) {
  const std::string where =
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return Error(Code::kInvalidArgument, "cannot listen on " + where + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  ListenSocket made(socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0));
  const int yes = 1;
  setsockopt(made.fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(made.fd_, found->ai_addr, found->ai_addrlen) != 0 || !Listen(made.fd_)) {
    return Error(CannotListen(where));
  }
  return made;
}

Result<ListenSocket> ListenSocket::Bound(int fd) {
  ListenSocket made(fd);
  if (!Listen(fd)) return Error(CannotListen("port " + std::to_string(made.port())));
  return made;
}

Result<ListenSocket> ListenSocket::Unix(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() > kMaxUnixPathBytes) {
    return Error(Code::kInvalidArgument, "the path of the socket " + path.string() + " has " +
                                             std::to_string(path.string().size()) +
                                             " bytes, but may have " +
                                             std::to_string(kMaxUnixPathBytes) + " at most");
  }
  std::memcpy(address.sun_path, path.c_str(), path.string().size());
  if (Status status = MakePrivateDirectory(path.parent_path()); !status.ok()) {
    return Error(std::move(status));
  }
  ListenSocket made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  unlink(path.c_str());  // of a server that was killed
  // Nobody else gets into the directory, so the mode may come after.
  if (bind(made.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Error(CannotListen(path.string()));
  }
  made.path_ = path;
  if (chmod(path.c_str(), 0600) != 0 || !Listen(made.fd_)) {
    return Error(CannotListen(path.string()));
  }
  return made;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {
  other.path_.clear();
}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) close(fd_);
  if (!path_.empty()) unlink(path_.c_str());
}

int ListenSocket::port() const {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  return ntohs(Plain(name).port);
}

}  // namespace aiflow::api
