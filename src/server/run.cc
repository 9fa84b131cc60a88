#include <spdlog/logger.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "server/complain.h"
#include "server/config.h"
#include "server/doors.h"
#include "server/endpoint_file.h"
#include "server/home.h"
#include "server/log_source.h"
#include "server/serve.h"
#include "server/server.h"
#include "server/server_log.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

// Longer than the default grace of a stopping task.
constexpr Millis kStopTasksPatience{90'000};

int Fail(const Status& status, int exit_code) {
  return Complain("aiflow", status.message(), exit_code);
}

Result<Listeners> ListenersOf(const ServerOptions& options, const Config& config) {
  Listeners listeners;
  listeners.host = options.host;
  listeners.insecure = options.insecure;
  const auto choose = [&options](const std::optional<int>& given, int64_t configured) {
    if (given.has_value()) return *given;
    // 0 and -1 are no ports but wishes.
    return static_cast<int>(configured <= 0 ? configured : configured + options.port_offset);
  };
  listeners.rpc = choose(options.rpc_port, config.rpc_port);
  listeners.notification = choose(options.notification_port, config.notification_port());
  listeners.http = choose(options.http_port, config.rest_port);
  listeners.internal_rpc = choose(options.internal_rpc_port, config.internal_rpc_port);
  for (const int port :
       {listeners.rpc, listeners.notification, listeners.http, listeners.internal_rpc}) {
    if (port < -1 || port > 65'535) {
      return Error(Code::kInvalidArgument, "port " + std::to_string(port) +
                                               " is not between 0 and 65535; look at the port "
                                               "options and --port-offset");
    }
  }
  return listeners;
}

Status WriteEndpoints(const Home& home, const Server& server, const std::string& log) {
  return WriteEndpointFile(home.endpoints(), home.pid_file(),
                           {{"server_uri", server.server_uri()},
                            {"notification_uri", server.notification_uri()},
                            {"http_url", server.http_url()},
                            {"log", log}});
}

void PrintReady(const Home& home, const Server& server, const std::string& log) {
  std::cout << "AIFlow " << Version() << " is ready.\n\n"
            << "  home          " << home.root().string() << "\n"
            << "  scheduler     " << server.server_uri() << "\n"
            << "  notification  " << server.notification_uri() << "\n"
            << "  health        " << server.http_url() << "/readyz\n";
  if (!log.empty()) std::cout << "  server log    " << log << "\n";
  if (server.running() > 0) {
    std::cout << "  tasks         " << server.running() << " running from before\n";
  }
  std::cout << "\nNext, in another terminal:\n"
            << "  export AIFLOW_HOME=" << home.root().string() << "\n"
            << "  aiflow workflow upload FILE\n"
            << "  aiflow workflow-execution start NAME --watch\n"
            << "\nCtrl-C stops the server; running tasks go on until it is back.\n"
            << std::flush;
}

/// Stops in order and tells what goes on.
void Shutdown(const Home& home, Server& server, bool stop_tasks) {
  if (stop_tasks && server.running() > 0) {
    std::cout << "Stopping " << server.running() << " running tasks.\n" << std::flush;
  }
  const int64_t left = stop_tasks ? server.StopTasks(kStopTasksPatience) : server.running();
  server.Stop();
  std::error_code ignored;
  fs::remove(home.pid_file(), ignored);
  std::cout << "AIFlow has stopped. ";
  if (left == 0) {
    std::cout << "No task is running.\n";
  } else {
    std::cout << left << (left == 1 ? " task runs" : " tasks run")
              << " on and will be picked up when the server starts again.\n";
  }
  std::cout << std::flush;
}

/// Tasks and hooks get the umask that the user had when the server was started.
void KeepUmaskForTasks(mode_t umask) {
  char text[8];
  std::snprintf(text, sizeof(text), "%04o", static_cast<unsigned>(umask & 0777));
  setenv("AIFLOW_UMASK", text, /*replace=*/1);
}

int Run(const ServerOptions& options, bool standalone) {
  const PrivateFiles private_files;
  KeepUmaskForTasks(private_files.before());
  const Home home(ResolveHome(options.home));
  const Result<Config> config = LoadConfig(home.root());
  if (!config.has_value()) return Fail(config.error(), kExitConfig);
  const Result<Listeners> listeners = ListenersOf(options, *config);
  if (!listeners.has_value()) return Fail(listeners.error(), kExitUsage);
  const DoorSettings doors = DoorsOf(home, *config);
  const Status allowed = CheckBind(doors, listeners->host, listeners->insecure);
  if (!allowed.ok()) return Fail(allowed, kExitUsage);
  if (const auto tls = TlsOf(doors); !tls.has_value()) return Fail(tls.error(), kExitConfig);
  if (const auto remote = NotificationCredentials(*config); !standalone && !remote.has_value()) {
    return Fail(remote.error(), kExitConfig);
  }
  std::error_code none;
  if (!standalone && !fs::exists(home.root(), none)) {
    return Fail(Status(Code::kNotFound, "the home " + home.root().string() +
                                            " does not exist; make it with `aiflow db init`, "
                                            "or use `aiflow standalone`"),
                kExitConfig);
  }

  const ServiceManager manager;
  const bool hangup_ends = HangupEnds();
  const StopSignals signals;
  ServerLog log({.level = options.verbose ? "debug" : config->log_level,
                 .json = config->log_format == "json",
                 .max_bytes = config->log_max_size_bytes(),
                 .files = config->log_files});

  std::atomic<bool> lost = false;
  Server::Options server_options{
      .home = home, .config = *config, .listeners = *listeners, .logger = log.logger()};
  server_options.abandoned_executors.insert(options.abandoned_executors.begin(),
                                            options.abandoned_executors.end());
  if (standalone) server_options.config.notification_server = "embedded";
  server_options.runner_binary =
      (fs::read_symlink("/proc/self/exe", none).parent_path() / "aiflow-runner").string();
  server_options.failed = [&lost, logger = log.logger()](const Status& status) {
    logger->critical("{}", status.message());
    lost = true;
    kill(getpid(), SIGTERM);
  };
  server_options.home_taken = [&] {
    if (standalone || options.log_to_file) {
      log.OpenFile(home.logs());
    } else {
      log.OpenStderr();
    }
    return Status::Ok();
  };
  auto server = Server::Start(std::move(server_options));
  if (!server.has_value()) return Fail(server.error(), ExitCodeOf(server.error()));
  if (Status written = WriteEndpoints(home, **server, log.path()); !written.ok()) {
    return Fail(written, kExitFailure);
  }
  log.logger()->info("ready: scheduler {}, notification {}, http {}", (*server)->server_uri(),
                     (*server)->notification_uri(), (*server)->http_url());
  PrintReady(home, **server, log.path());
  const int signal = ServeUntilSignal(signals, manager, log, hangup_ends);
  Shutdown(home, **server, options.stop_tasks || signal == SIGUSR1);
  return lost ? kExitFailure : kExitOk;
}

}  // namespace

int RunStandalone(const StandaloneOptions& options) { return Run(options, /*standalone=*/true); }
int RunServer(const ServerOptions& options) { return Run(options, /*standalone=*/false); }

}  // namespace aiflow::server
