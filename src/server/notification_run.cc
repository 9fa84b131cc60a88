#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "api/grpc/grpc_server.h"
#include "server/complain.h"
#include "server/endpoint_file.h"
#include "server/notification_main.h"
#include "server/notification_server.h"
#include "server/server_main.h"
#include "server/service_manager.h"
#include "server/stop_signals.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

Status WriteEndpoints(const NotificationHome& home, const NotificationConfig& config,
                      const NotificationServer& server) {
  return WriteEndpointFile(
      home.endpoints(), home.pid_file(),
      {{"notification_uri", server.uri()},
       {"advertised_uri", config.advertised_uri.empty() ? server.uri() : config.advertised_uri},
       {"log_directory", config.log_directory(home.root()).string()}});
}

Status CheckHost(const NotificationOptions& options) {
  if (api::IsLoopback(options.host) || options.insecure) return Status::Ok();
  return {
      Code::kInvalidArgument,
      "--host " + options.host +
          " can be reached from other machines, and this version speaks no TLS there; listen on "
          "127.0.0.1, or add --insecure, which opens the port to everybody, on a network that "
          "you trust"};
}

}  // namespace

int RunNotificationServer(const NotificationOptions& options) {
  const NotificationHome home(ResolveNotificationHome(options.home));
  const auto config = LoadNotificationConfig(home.root());
  if (!config.has_value()) return Complain(options.program, config.error().message(), kExitConfig);
  if (const Status host = CheckHost(options); !host.ok()) {
    return Complain(options.program, host.message(), kExitUsage);
  }
  std::error_code error;
  if (fs::exists(home.root(), error)) {
    if (const EndpointFile running = home.Running(); running.pid != 0) {
      return Complain(options.program, AlreadyRunning(running), kExitHomeInUse);
    }
    home.RemoveStalePidFile();
  }

  const ServiceManager manager;
  const StopSignals signals;
  umask(0077);
  auto logger = std::make_shared<spdlog::logger>("notification",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::from_str(options.verbose ? "debug" : config->log_level));
  logger->flush_on(spdlog::level::info);
  logger->info("Starting notification server at pid: {}", getpid());
  NotificationServer::Options server_options{.home = home,
                                             .config = *config,
                                             .host = options.host,
                                             .insecure = options.insecure,
                                             .logger = logger};
  server_options.port = options.port.value_or(static_cast<int>(config->server_port));
  auto server = NotificationServer::Start(std::move(server_options));
  if (!server.has_value())
    return Complain(options.program, server.error().message(), ExitCodeOf(server.error()));
  if (Status written = WriteEndpoints(home, *config, **server); !written.ok()) {
    return Complain(options.program, written.message(), kExitFailure);
  }
  logger->info("ready: {}", (*server)->uri());
  manager.Tell("READY=1");

  int signal = signals.Wait();
  // There is no file to open anew; but the end of its terminal ends a server in the foreground.
  while (signal == SIGHUP && isatty(STDERR_FILENO) == 0) signal = signals.Wait();
  manager.Tell("STOPPING=1");
  logger->info("stopping on signal {}", signal);
  (*server)->Stop();
  fs::remove(home.pid_file(), error);
  return kExitOk;
}

}  // namespace aiflow::server
