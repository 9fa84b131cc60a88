#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "server/config_table.h"
#include "server/named_token.h"

/// The entry points of the notification server for the command line, as server_main.h for the
/// AIFlow server; the exit codes are those.
namespace aiflow::server {

/// The home: `given` when not empty, else $NOTIFICATION_HOME, else ~/notification_service.
/// Absolute.
std::filesystem::path ResolveNotificationHome(const std::string& given);

struct NotificationOptions {
  std::string program = "aiflow";  // in whose name it complains
  std::string home;                // empty: ResolveNotificationHome("")
  std::optional<int> port;       // else server_port of the configuration; 0 lets the system choose
  std::optional<int> http_port;  // else http_port of the configuration; -1: none
  std::string host = "127.0.0.1";
  bool insecure = false;     // allows a host that is not loopback
  bool verbose = false;      // debug log
  bool log_to_file = false;  // to logs/notification_server-*.log, instead of stderr
};

/// `notification server start`: makes the home when there is none, serves until SIGTERM, SIGINT or
/// the end of its terminal. Without a terminal, SIGHUP opens the log anew.
int RunNotificationServer(const NotificationOptions& options);
/// `notification server start -d`: returns once the server is ready or has failed. `executable` is
/// this program's path; it is run as `executable notification server start ...`.
int StartNotificationDaemon(const NotificationOptions& options,
                            const std::filesystem::path& executable);
/// `notification server stop`: SIGTERM, then SIGKILL after 60 s.
int StopNotificationServer(const std::filesystem::path& home, const std::string& program);
/// host:port of the server that runs on the home; kUnavailable when none does.
Result<std::string> RunningNotificationServer(const std::filesystem::path& home);

Result<std::string> GetNotificationConfigValue(const std::filesystem::path& home,
                                               const std::string& key);
Result<std::vector<Setting>> ShowNotificationConfig(const std::filesystem::path& home);
/// The path; kAlreadyExists, with the path as its message, leaves the file as it is.
Result<std::filesystem::path> InitNotificationConfig(const std::filesystem::path& home);
Result<std::string> ListNotificationConfig(const std::filesystem::path& home);

/// As their counterparts of the AIFlow server. `server`: for an AIFlow server, which may keep its
/// events there.
Result<std::string> AddNotificationToken(const std::filesystem::path& home, const std::string& name,
                                         bool server);
Result<std::vector<NamedToken>> NotificationTokens(const std::filesystem::path& home);
Status RemoveNotificationToken(const std::filesystem::path& home, const std::string& name);

/// Each takes the home for itself: kFailedPrecondition while a server runs there. The text says
/// what was done.
Result<std::string> NotificationDbInit(const std::filesystem::path& home);
Result<std::string> NotificationDbReset(const std::filesystem::path& home);

}  // namespace aiflow::server
