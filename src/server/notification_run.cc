#include <spdlog/logger.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "server/complain.h"
#include "server/doors.h"
#include "server/endpoint_file.h"
#include "server/home.h"
#include "server/notification_main.h"
#include "server/notification_server.h"
#include "server/serve.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

Status WriteEndpoints(const NotificationHome& home, const NotificationConfig& config,
                      const NotificationServer& server, const std::string& log) {
  return WriteEndpointFile(
      home.endpoints(), home.pid_file(),
      {{"notification_uri", server.uri()},
       {"advertised_uri", config.advertised_uri.empty() ? server.uri() : config.advertised_uri},
       {"http_url", server.http_url()},
       {"log_directory", config.log_directory(home.root()).string()},
       {"log", log}});
}

}  // namespace

int RunNotificationServer(const NotificationOptions& options) {
  const PrivateFiles private_files;
  const auto fail = [&options](const Status& status, int exit_code) {
    return Complain(options.program, status.message(), exit_code);
  };
  const NotificationHome home(ResolveNotificationHome(options.home));
  const auto config = LoadNotificationConfig(home.root());
  if (!config.has_value()) return fail(config.error(), kExitConfig);
  const DoorSettings doors = DoorsOf(home, *config);
  const Status allowed = CheckBind(doors, options.host, options.insecure);
  if (!allowed.ok()) return fail(allowed, kExitUsage);
  if (const auto tls = TlsOf(doors); !tls.has_value()) return fail(tls.error(), kExitConfig);
  std::error_code error;
  if (fs::exists(home.root(), error)) {
    if (const EndpointFile running = home.Running(); running.pid != 0) {
      return Complain(options.program, AlreadyRunning(running), kExitHomeInUse);
    }
    home.RemoveStalePidFile();
  }

  const ServiceManager manager;
  const bool hangup_ends = HangupEnds();
  const StopSignals signals;
  ServerLog log({.prefix = "notification_server-",
                 .level = options.verbose ? "debug" : config->log_level,
                 .json = config->log_format == "json",
                 .max_bytes = config->log_max_size_bytes(),
                 .files = config->log_files});
  NotificationServer::Options server_options{.home = home,
                                             .config = *config,
                                             .host = options.host,
                                             .insecure = options.insecure,
                                             .logger = log.logger(),
                                             .home_taken = nullptr};
  server_options.port = options.port.value_or(static_cast<int>(config->server_port));
  server_options.http_port = options.http_port.value_or(static_cast<int>(config->http_port));
  server_options.home_taken = [&] {
    if (options.log_to_file) {
      log.OpenFile(home.logs());
    } else {
      log.OpenStderr();
    }
    log.logger()->info("Starting notification server at pid: {}", getpid());
  };
  auto server = NotificationServer::Start(std::move(server_options));
  if (!server.has_value()) return fail(server.error(), ExitCodeOf(server.error()));
  if (Status written = WriteEndpoints(home, *config, **server, log.path()); !written.ok()) {
    return fail(written, kExitFailure);
  }
  const std::string http = (*server)->http_url();
  log.logger()->info("ready: {}{}", (*server)->uri(), http.empty() ? "" : ", http " + http);
  ServeUntilSignal(signals, manager, log, hangup_ends);
  (*server)->Stop();
  fs::remove(home.pid_file(), error);
  return kExitOk;
}

}  // namespace aiflow::server
