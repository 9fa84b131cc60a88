#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "eventlog/log_service.h"
#include "server/config_file.h"
#include "server/home.h"
#include "server/notification_config.h"
#include "server/notification_home.h"
#include "server/notification_main.h"
#include "storage/io/file_system.h"
#include "storage/segments/segment_log.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

/// A home that this command has for itself, and where its events are.
struct OwnedHome {
  NotificationHome home;
  sqlite::HomeLock lock;
  fs::path log_directory;
};

Result<OwnedHome> TakeHome(const fs::path& root) {
  const NotificationHome home(ResolveNotificationHome(root.string()));
  const auto config = LoadNotificationConfig(home.root());
  if (!config.has_value()) return Error(config.error());
  if (Status made = home.Make(); !made.ok()) return Error(std::move(made));
  auto lock = home.Lock();
  if (!lock.has_value()) {
    return Error(Code::kFailedPrecondition, lock.error().message() +
                                                "; stop the server first with 'notification "
                                                "server stop'");
  }
  return OwnedHome{home, *std::move(lock), config->log_directory(home.root())};
}

Result<std::unique_ptr<SegmentLog>> OpenLog(const fs::path& directory) {
  auto log = SegmentLog::Open(PosixFileSystem(), SystemClock(), directory.string(), {});
  std::error_code ignored;
  if (log.has_value()) fs::permissions(directory, fs::perms::owner_all, ignored);
  return log;
}

}  // namespace

Result<std::string> GetNotificationConfigValue(const fs::path& home, const std::string& key) {
  const auto config = LoadNotificationConfig(ResolveNotificationHome(home.string()));
  if (!config.has_value()) return Error(config.error());
  return NotificationConfigValue(*config, key);
}

Result<std::vector<Setting>> ShowNotificationConfig(const fs::path& home) {
  const auto config = LoadNotificationConfig(ResolveNotificationHome(home.string()));
  if (!config.has_value()) return Error(config.error());
  return NotificationSettings(*config);
}

Result<fs::path> InitNotificationConfig(const fs::path& root) {
  return InitConfigFile(NotificationHome(ResolveNotificationHome(root.string())).config(),
                        DefaultNotificationConfigText());
}

Result<std::string> ListNotificationConfig(const fs::path& root) {
  return ListConfigFile(NotificationHome(ResolveNotificationHome(root.string())).config(),
                        "notification config init");
}

Result<std::string> NotificationDbInit(const fs::path& root) {
  const auto owned = TakeHome(root);
  if (!owned.has_value()) return Error(owned.error());
  const auto log = OpenLog(owned->log_directory);
  if (!log.has_value()) return Error(log.error());
  return "event log " + (*log)->log_id() + " in " + owned->log_directory.string() + ": " +
         std::to_string((*log)->head()) + " events so far";
}

Result<std::string> NotificationDbReset(const fs::path& root) {
  const auto owned = TakeHome(root);
  if (!owned.has_value()) return Error(owned.error());
  std::error_code error;
  fs::remove_all(owned->log_directory, error);
  if (error) {
    return Error(Code::kUnavailable,
                 "cannot remove " + owned->log_directory.string() + ": " + error.message());
  }
  const auto log = OpenLog(owned->log_directory);
  if (!log.has_value()) return Error(log.error());
  return "everything removed; new event log " + (*log)->log_id() + " in " +
         owned->log_directory.string();
}

}  // namespace aiflow::server
