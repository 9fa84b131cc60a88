#include "server/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace aiflow::server {
namespace {

/// A socket in the abstract space, as a service manager has it.
class Manager {
 public:
  Manager() : name_("@aiflow-test-" + std::to_string(getpid())) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), length), 0);
  }
  ~Manager() { close(fd_); }

  [[nodiscard]] const std::string& name() const { return name_; }
  std::string Told() const {
    char text[256];
    const ssize_t size = recv(fd_, text, sizeof(text), 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  int fd_;
};

TEST(ServiceManager, IsToldAndLeavesNoTraceForTasks) {
  const Manager manager;
  setenv("NOTIFY_SOCKET", manager.name().c_str(), 1);
  const ServiceManager service;
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  service.Tell("READY=1");
  EXPECT_EQ(manager.Told(), "READY=1");
  service.Tell("STOPPING=1");
  EXPECT_EQ(manager.Told(), "STOPPING=1");
}

TEST(ServiceManager, NoneOrAWrongOneIsPassedOver) {
  unsetenv("NOTIFY_SOCKET");
  ServiceManager().Tell("READY=1");
  for (const std::string& name :
       {std::string("@"), std::string("relative"), std::string("/none"), std::string(200, '/')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    ServiceManager().Tell("READY=1");
    EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  }
}

}  // namespace
}  // namespace aiflow::server
