#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "api/grpc/grpc_server.h"
#include "server/detached.h"
#include "server/home.h"
#include "server/notification_main.h"
#include "server/notification_server.h"
#include "server/server_main.h"
#include "server/service_manager.h"
#include "server/stop_signals.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds kStopPatience{60};

int Complain(const std::string& message, int exit_code) {
  std::cerr << "notification: " << message << "\n";
  return exit_code;
}

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return kExitOk;
    case Code::kAlreadyExists: return kExitPortInUse;
    case Code::kUnavailable: return kExitHomeInUse;
    case Code::kFailedPrecondition:
    case Code::kDataLoss: return kExitHomeMismatch;
    default: return kExitFailure;
  }
}

/// The last line of a file behind `begin`: what a program that failed has said.
std::string LastLine(const fs::path& path, std::streamoff begin) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(begin);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  constexpr std::string_view kName = "notification: ";
  if (last.starts_with(kName)) last.erase(0, kName.size());
  return last.empty() ? "its log is " + path.string() : last;
}

struct LastServer {
  std::string uri;
  int64_t pid = 0;
};

LastServer ReadLastServer(const NotificationHome& home) {
  const Result<std::string> text = ReadTextFile(home.endpoints());
  if (!text.has_value()) return {};
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("pid") || !json["pid"].is_number_integer()) return {};
  const auto uri = json.find("notification_uri");
  return {uri != json.end() && uri->is_string() ? uri->get<std::string>() : "",
          json["pid"].get<int64_t>()};
}

/// The server that runs on the home; pid 0 when none does. The lock tells more surely than the pid,
/// which another process may have by now.
LastServer RunningServer(const NotificationHome& home) {
  const LastServer last = ReadLastServer(home);
  if (last.pid == 0 || home.Lock().has_value()) return {};
  return last;
}

Status WriteEndpoints(const NotificationHome& home, const NotificationConfig& config,
                      const NotificationServer& server) {
  const nlohmann::ordered_json json = {
      {"notification_uri", server.uri()},
      {"advertised_uri", config.advertised_uri.empty() ? server.uri() : config.advertised_uri},
      {"log_directory", config.log_directory(home.root()).string()},
      {"pid", getpid()},
      {"version", Version()},
  };
  AIFLOW_RETURN_IF_ERROR(WriteFileAtomically(home.pid_file(), std::to_string(getpid()) + "\n"));
  return WriteFileAtomically(home.endpoints(), json.dump(2) + "\n");
}

std::string RunningMessage(const LastServer& running) {
  return "Notification Server is running, stop it first with 'notification server stop'. (pid " +
         std::to_string(running.pid) + ")";
}

/// A pid file that a server left which did not end by itself.
void RemoveStalePidFile(const NotificationHome& home) {
  std::error_code error;
  if (fs::remove(home.pid_file(), error)) {
    std::cerr << "Removed a staled PID file " << home.pid_file().string() << "\n";
  }
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

std::vector<std::string> CommandOf(const NotificationOptions& options, const fs::path& root,
                                   const fs::path& executable) {
  std::vector<std::string> words = {
      executable.string(), "notification", "--home", root.string(), "server", "start", "--host",
      options.host};
  if (options.port.has_value()) {
    words.emplace_back("--port");
    words.push_back(std::to_string(*options.port));
  }
  if (options.insecure) words.emplace_back("--insecure");
  if (options.verbose) words.emplace_back("--verbose");
  return words;
}

}  // namespace

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

std::string LastNotificationUri(const NotificationHome& home) { return ReadLastServer(home).uri; }

Result<std::string> RunningNotificationServer(const fs::path& root) {
  const NotificationHome home(ResolveNotificationHome(root.string()));
  std::error_code error;
  const LastServer running = fs::exists(home.root(), error) ? RunningServer(home) : LastServer();
  if (running.pid != 0) return running.uri;
  return Error(Code::kUnavailable, "no notification server runs on the home " +
                                       home.root().string() +
                                       "; start it with 'notification server start -d', or name "
                                       "one with --server-uri HOST:PORT");
}

int RunNotificationServer(const NotificationOptions& options) {
  const NotificationHome home(ResolveNotificationHome(options.home));
  const auto config = LoadNotificationConfig(home.root());
  if (!config.has_value()) return Complain(config.error().message(), kExitConfig);
  if (const Status host = CheckHost(options); !host.ok()) {
    return Complain(host.message(), kExitUsage);
  }
  std::error_code error;
  if (fs::exists(home.root(), error)) {
    if (const LastServer running = RunningServer(home); running.pid != 0) {
      return Complain(RunningMessage(running), kExitHomeInUse);
    }
    RemoveStalePidFile(home);
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
  if (!server.has_value()) return Complain(server.error().message(), ExitCodeOf(server.error()));
  if (Status written = WriteEndpoints(home, *config, **server); !written.ok()) {
    return Complain(written.message(), kExitFailure);
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

int StartNotificationDaemon(const NotificationOptions& options, const fs::path& executable) {
  const NotificationHome home(ResolveNotificationHome(options.home));
  const auto config = LoadNotificationConfig(home.root());
  if (!config.has_value()) return Complain(config.error().message(), kExitConfig);
  if (const Status host = CheckHost(options); !host.ok()) {
    return Complain(host.message(), kExitUsage);
  }
  if (const Status made = home.Make(); !made.ok()) return Complain(made.message(), kExitFailure);
  if (const LastServer running = RunningServer(home); running.pid != 0) {
    return Complain(RunningMessage(running), kExitHomeInUse);
  }
  std::error_code error;
  fs::create_directories(home.logs(), error);
  fs::permissions(home.logs(), fs::perms::owner_all, error);
  const std::string log = home.output().string();
  const auto log_begin = static_cast<std::streamoff>(
      fs::exists(home.output(), error) ? fs::file_size(home.output(), error) : 0);
  std::cout << "Starting Notification Server in daemon mode\n"
            << "  log           " << log << "\n"
            << "  pid file      " << home.pid_file().string() << "\n"
            << std::flush;
  const Result<pid_t> pid = SpawnDetached(CommandOf(options, home.root(), executable), log);
  if (!pid.has_value()) return Complain(pid.error().message(), kExitFailure);

  const auto end = std::chrono::steady_clock::now() + config->start_timeout_ms();
  while (std::chrono::steady_clock::now() < end) {
    int status = 0;
    if (waitpid(*pid, &status, WNOHANG) == *pid) {
      return Complain(
          "the server ended at once: " + LastLine(home.output(), log_begin),
          WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : kExitFailure);
    }
    const LastServer running = RunningServer(home);
    if (running.pid == *pid) {
      std::cout << "  notification  " << running.uri << " (pid " << *pid << ")\n";
      return kExitOk;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Complain("the server is not ready after " + config->wait_for_server_started_timeout +
                      " s (wait_for_server_started_timeout); its log is " + log,
                  kExitFailure);
}

int StopNotificationServer(const fs::path& root) {
  const NotificationHome home(ResolveNotificationHome(root.string()));
  std::error_code error;
  const LastServer running = fs::exists(home.root(), error) ? RunningServer(home) : LastServer();
  if (running.pid == 0) {
    if (!fs::exists(home.pid_file(), error)) {
      return Complain(
          "PID file of Notification server does not exist at " + home.pid_file().string(),
          kExitNotRunning);
    }
    RemoveStalePidFile(home);
    return Complain("the notification server of " + home.root().string() + " is not running",
                    kExitNotRunning);
  }
  const Status ended = EndProcess(static_cast<pid_t>(running.pid), SIGTERM, kStopPatience);
  if (ended.code() == Code::kDeadlineExceeded) {
    return Complain("cannot stop the server (pid " + std::to_string(running.pid) + ")",
                    kExitFailure);
  }
  fs::remove(home.pid_file(), error);
  std::cout << "Notification Server (pid " << running.pid << ") has stopped.\n";
  return kExitOk;
}

}  // namespace aiflow::server
