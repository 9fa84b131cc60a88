#include "server/notification_home.h"

#include <cstdlib>
#include <iostream>
#include <system_error>

#include "server/home.h"
#include "server/notification_main.h"

namespace aiflow::server {

namespace fs = std::filesystem;

fs::path ResolveNotificationHome(const std::string& given) {
  std::string text = given;
  if (text.empty()) {
    const char* home = std::getenv("NOTIFICATION_HOME");
    if (home != nullptr) text = home;
  }
  if (text.empty()) {
    const char* user = std::getenv("HOME");
    text = std::string(user == nullptr ? "/" : user) + "/notification_service";
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(text, error).lexically_normal();
  // "home/" and "home" are the same home.
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

Status NotificationHome::Make() const { return MakeHomeDirectory(root_); }

EndpointFile NotificationHome::Running() const {
  EndpointFile last = ReadEndpointFile(endpoints());
  if (last.pid == 0 || !IsInUse()) return {};
  return last;
}

void NotificationHome::RemoveStalePidFile() const {
  std::error_code error;
  if (fs::remove(pid_file(), error)) {
    std::cerr << "Removed a staled PID file " << pid_file().string() << "\n";
  }
}

std::string AlreadyRunning(const EndpointFile& running) {
  return "Notification Server is running, stop it first with 'notification server stop'. (pid " +
         std::to_string(running.pid) + ")";
}

}  // namespace aiflow::server
