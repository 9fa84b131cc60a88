#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "server/background.h"
#include "server/complain.h"
#include "server/notification_config.h"
#include "server/notification_home.h"
#include "server/notification_main.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kStopPatience{60};

std::vector<std::string> CommandOf(const NotificationOptions& options, const fs::path& root,
                                   const fs::path& executable) {
  std::vector<std::string> words = {
      executable.string(), "notification", "--home", root.string(), "server", "start", "--host",
      options.host};
  if (options.port.has_value()) {
    words.emplace_back("--port");
    words.push_back(std::to_string(*options.port));
  }
  if (options.http_port.has_value()) {
    words.emplace_back("--http-port");
    words.push_back(std::to_string(*options.http_port));
  }
  if (options.insecure) words.emplace_back("--insecure");
  if (options.verbose) words.emplace_back("--verbose");
  words.emplace_back("--log-to-file");
  return words;
}

}  // namespace

Result<std::string> RunningNotificationServer(const fs::path& root) {
  const NotificationHome home(ResolveNotificationHome(root.string()));
  const EndpointFile running = home.Running();
  if (running.pid != 0) return running.Text("notification_uri");
  return Error(Code::kUnavailable, "no notification server runs on the home " +
                                       home.root().string() +
                                       "; start it with 'notification server start -d', or name "
                                       "one with --server-uri HOST:PORT");
}

int StartNotificationDaemon(const NotificationOptions& options, const fs::path& executable) {
  const NotificationHome home(ResolveNotificationHome(options.home));
  const auto config = LoadNotificationConfig(home.root());
  if (!config.has_value()) return Complain(options.program, config.error().message(), kExitConfig);
  if (const Status made = home.Make(); !made.ok()) {
    return Complain(options.program, made.message(), kExitFailure);
  }
  if (const EndpointFile running = home.Running(); running.pid != 0) {
    return Complain(options.program, AlreadyRunning(running), kExitHomeInUse);
  }
  std::cout << "Starting Notification Server in daemon mode\n" << std::flush;
  EndpointFile endpoints;
  BackgroundStart start{.program = options.program,
                        .words = CommandOf(options, home.root(), executable),
                        .output = home.output(),
                        .patience = config->start_timeout_ms(),
                        .patience_text = config->wait_for_server_started_timeout +
                                         " s (wait_for_server_started_timeout)"};
  start.ready = [&](pid_t pid) {
    endpoints = home.Running();
    return endpoints.pid == pid;
  };
  pid_t pid = 0;
  if (const int code = StartInBackground(start, &pid); code != kExitOk) return code;
  std::cout << "  notification  " << endpoints.Text("notification_uri") << " (pid " << pid << ")\n"
            << "  log           "
            << (endpoints.Text("log").empty() ? start.output.string() : endpoints.Text("log"))
            << "\n"
            << "  pid file      " << home.pid_file().string() << "\n";
  return kExitOk;
}

int StopNotificationServer(const fs::path& root, const std::string& program) {
  const NotificationHome home(ResolveNotificationHome(root.string()));
  std::error_code error;
  const EndpointFile running = home.Running();
  if (running.pid == 0) {
    if (!fs::exists(home.pid_file(), error)) {
      return Complain(
          program, "PID file of Notification server does not exist at " + home.pid_file().string(),
          kExitNotRunning);
    }
    home.RemoveStalePidFile();
    return Complain(program,
                    "the notification server of " + home.root().string() + " is not running",
                    kExitNotRunning);
  }
  const int code = EndInBackground(program, "Notification Server", static_cast<pid_t>(running.pid),
                                   SIGTERM, kStopPatience);
  // One that was killed has left it.
  if (code == kExitOk) fs::remove(home.pid_file(), error);
  return code;
}

}  // namespace aiflow::server
