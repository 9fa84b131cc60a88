#include "server/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace aiflow::server {
namespace {

constexpr const char* kVariable = "NOTIFY_SOCKET";

}  // namespace

ServiceManager::ServiceManager() {
  if (const char* socket = std::getenv(kVariable); socket != nullptr) socket_ = socket;
  unsetenv(kVariable);
}

void ServiceManager::Tell(std::string_view state) const {
  sockaddr_un address{};
  // A path, or a name in the abstract space, which begins with @ here and with a zero there.
  const bool usable = socket_.size() > 1 && socket_.size() < sizeof(address.sun_path) &&
                      (socket_.front() == '/' || socket_.front() == '@');
  if (!usable) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t sent =
      sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&address), length);
  close(fd);
}

}  // namespace aiflow::server
