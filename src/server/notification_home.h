#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "base/status.h"
#include "server/endpoint_file.h"
#include "storage/sqlite/home_lock.h"

namespace aiflow::server {

/// Where everything of a notification server is (docs/notification.md). Immutable value.
class NotificationHome {
 public:
  explicit NotificationHome(std::filesystem::path root) : root_(std::move(root)) {}

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path config() const { return root_ / "notification_server.yaml"; }
  [[nodiscard]] std::filesystem::path logs() const { return root_ / "logs"; }
  /// What a server in the background says beside its log.
  [[nodiscard]] std::filesystem::path output() const { return logs() / "notification_server.out"; }
  [[nodiscard]] std::filesystem::path lock() const { return root_ / "notification_server.lock"; }
  [[nodiscard]] std::filesystem::path pid_file() const { return root_ / "notification_server.pid"; }
  /// Who may use the port, beside the home's own user.
  [[nodiscard]] std::filesystem::path tokens() const { return root_ / "tokens"; }
  [[nodiscard]] std::filesystem::path sockets() const { return root_ / "run"; }
  [[nodiscard]] std::filesystem::path endpoints() const {
    return root_ / "notification_server.json";
  }

  /// Makes the directory, for its owner alone. Fine when it exists.
  [[nodiscard]] Status Make() const;
  /// The server that runs on the home; pid 0 when none does. The lock tells more surely than the
  /// pid, which another process may have by now.
  [[nodiscard]] EndpointFile Running() const;
  /// Removes, and tells on stderr, a pid file that a server left which did not end by itself.
  void RemoveStalePidFile() const;
  /// Keeps other servers out. kFailedPrecondition names the pid of the one that runs.
  [[nodiscard]] Result<sqlite::HomeLock> Lock() const { return sqlite::HomeLock::Take(lock()); }
  [[nodiscard]] bool IsInUse() const { return sqlite::HomeLock::IsHeld(lock()); }

 private:
  std::filesystem::path root_;
};

/// What a command says that finds another server on its home.
std::string AlreadyRunning(const EndpointFile& running);

}  // namespace aiflow::server
