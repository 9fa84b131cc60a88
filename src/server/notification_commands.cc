#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "eventlog/log_service.h"
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

Status NotificationHome::Make() const { return MakeHomeDirectory(root_); }

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
  const NotificationHome home(ResolveNotificationHome(root.string()));
  if (Status made = home.Make(); !made.ok()) return Error(std::move(made));
  std::error_code error;
  if (fs::exists(home.config(), error)) {
    return Error(Code::kAlreadyExists, home.config().string());
  }
  Status written = WriteFileAtomically(home.config(), DefaultNotificationConfigText());
  if (!written.ok()) return Error(std::move(written));
  // It may hold addresses with passwords one day.
  fs::permissions(home.config(), fs::perms::owner_read | fs::perms::owner_write, error);
  return home.config();
}

Result<std::string> ListNotificationConfig(const fs::path& root) {
  const NotificationHome home(ResolveNotificationHome(root.string()));
  const Result<std::string> text = ReadTextFile(home.config());
  if (text.has_value()) return text;
  return Error(Code::kNotFound, "Do not find config file " + home.config().string() +
                                    "; the defaults apply, 'notification config init' writes "
                                    "them there");
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
