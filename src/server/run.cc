#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "api/grpc/grpc_server.h"
#include "server/config.h"
#include "server/home.h"
#include "server/server.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

// Longer than the default grace of a stopping task.
constexpr Millis kStopTasksPatience{90'000};

int Complain(const Status& status, int exit_code) {
  std::cerr << "aiflow: " << status.message() << "\n";
  return exit_code;
}

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk: return kExitOk;
    case Code::kAlreadyExists: return kExitPortInUse;
    case Code::kUnavailable: return kExitHomeInUse;
    case Code::kFailedPrecondition:
    case Code::kDataLoss: return kExitHomeMismatch;
    case Code::kInvalidArgument: return kExitUsage;
    default: return kExitFailure;
  }
}

/// Takes the signals that end a server, in every thread made from now on.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&wanted_);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&wanted_, signal);
    pthread_sigmask(SIG_BLOCK, &wanted_, &before_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;  // NOLINT: a macro of the system
    sigaction(SIGPIPE, &ignore, &pipe_before_);
  }
  ~StopSignals() {
    sigaction(SIGPIPE, &pipe_before_, nullptr);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int Wait() const {
    int signal = 0;
    while (sigwait(&wanted_, &signal) == EINTR) {
    }
    return signal;
  }

 private:
  sigset_t wanted_{};
  sigset_t before_{};
  struct sigaction pipe_before_ {};
};

Result<Listeners> ListenersOf(const ServerOptions& options, const Config& config) {
  if (!api::IsLoopback(options.host) && !options.insecure) {
    return Error(Code::kInvalidArgument,
                 "--host " + options.host +
                     " can be reached from other machines, and this version protects its ports "
                     "neither by TLS nor by tokens: anybody who reaches them can run programs "
                     "here; listen on 127.0.0.1, or add --insecure on a network that you trust");
  }
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

std::string TimeForFileName() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &local);
  return text;
}

/// Where the log goes is known once the home is ours.
struct Log {
  std::shared_ptr<spdlog::sinks::dist_sink_mt> sinks =
      std::make_shared<spdlog::sinks::dist_sink_mt>();
  std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>("aiflow", sinks);
};

/// Opens a file of its own in logs/, or stderr. The one place where spdlog may throw.
Status OpenLog(const Home& home, bool to_file, Log* log, std::string* path) {
  try {
    if (to_file) {
      *path = (home.logs() / ("aiflow_server-" + TimeForFileName() + ".log")).string();
      log->sinks->add_sink(std::make_shared<spdlog::sinks::basic_file_sink_mt>(*path));
    } else {
      log->sinks->add_sink(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
  } catch (const spdlog::spdlog_ex& error) {
    return {Code::kPermissionDenied, std::string("cannot write the log: ") + error.what()};
  }
  return Status::Ok();
}

Status WriteEndpoints(const Home& home, const Server& server) {
  const nlohmann::ordered_json json = {
      {"server_uri", server.server_uri()},
      {"notification_uri", server.notification_uri()},
      {"http_url", server.http_url()},
      {"pid", getpid()},
      {"version", Version()},
  };
  AIFLOW_RETURN_IF_ERROR(WriteFileAtomically(home.pid_file(), std::to_string(getpid()) + "\n"));
  return WriteFileAtomically(home.endpoints(), json.dump(2) + "\n");
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

int Run(const ServerOptions& options, bool standalone) {
  const Home home(ResolveHome(options.home));
  const Result<Config> config = LoadConfig(home.root());
  if (!config.has_value()) return Complain(config.error(), kExitConfig);
  const Result<Listeners> listeners = ListenersOf(options, *config);
  if (!listeners.has_value()) return Complain(listeners.error(), kExitUsage);
  std::error_code none;
  if (!standalone && !fs::exists(home.root(), none)) {
    return Complain(Status(Code::kNotFound, "the home " + home.root().string() +
                                                " does not exist; make it with `aiflow db init`, "
                                                "or use `aiflow standalone`"),
                    kExitConfig);
  }

  const StopSignals signals;
  std::string log_path;
  Log log;
  log.logger->set_level(spdlog::level::from_str(options.verbose ? "debug" : config->log_level));
  log.logger->flush_on(spdlog::level::info);

  std::atomic<bool> lost = false;
  Server::Options server_options{home, *config, *listeners, "", log.logger, nullptr, nullptr};
  server_options.runner_binary =
      (fs::read_symlink("/proc/self/exe", none).parent_path() / "aiflow-runner").string();
  server_options.failed = [&lost, logger = log.logger](const Status& status) {
    logger->critical("{}", status.message());
    lost = true;
    kill(getpid(), SIGTERM);
  };
  server_options.home_taken = [&] { return OpenLog(home, standalone, &log, &log_path); };
  auto server = Server::Start(std::move(server_options));
  if (!server.has_value()) return Complain(server.error(), ExitCodeOf(server.error()));
  if (Status written = WriteEndpoints(home, **server); !written.ok()) {
    return Complain(written, kExitFailure);
  }
  log.logger->info("ready: scheduler {}, notification {}, http {}", (*server)->server_uri(),
                   (*server)->notification_uri(), (*server)->http_url());
  PrintReady(home, **server, log_path);

  const int signal = signals.Wait();
  log.logger->info("stopping on signal {}", signal);
  Shutdown(home, **server, options.stop_tasks || signal == SIGUSR1);
  return lost ? kExitFailure : kExitOk;
}

}  // namespace

int RunStandalone(const StandaloneOptions& options) { return Run(options, /*standalone=*/true); }
int RunServer(const ServerOptions& options) { return Run(options, /*standalone=*/false); }

}  // namespace aiflow::server
