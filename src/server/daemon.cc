#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "server/background.h"
#include "server/complain.h"
#include "server/endpoint_file.h"
#include "server/home.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

constexpr std::chrono::seconds kStartPatience{60};
constexpr std::chrono::seconds kStopPatience{60};
constexpr const char* kProgram = "aiflow";

std::vector<std::string> CommandOf(const ServerOptions& options, const Home& home,
                                   const std::filesystem::path& executable) {
  std::vector<std::string> words = {executable.string(), "--home", home.root().string(), "server",
                                    "start"};
  const auto add = [&words](const std::string& option, const std::string& value) {
    words.push_back(option);
    words.push_back(value);
  };
  if (options.port_offset != 0) add("--port-offset", std::to_string(options.port_offset));
  if (options.rpc_port) add("--rpc-port", std::to_string(*options.rpc_port));
  if (options.notification_port) {
    add("--notification-port", std::to_string(*options.notification_port));
  }
  if (options.http_port) add("--http-port", std::to_string(*options.http_port));
  if (options.internal_rpc_port) {
    add("--internal-rpc-port", std::to_string(*options.internal_rpc_port));
  }
  add("--host", options.host);
  if (options.insecure) words.emplace_back("--insecure");
  if (options.stop_tasks) words.emplace_back("--stop-tasks");
  for (const std::string& name : options.abandoned_executors) {
    words.push_back("--abandon-executor=" + name);
  }
  if (options.verbose) words.emplace_back("--verbose");
  words.emplace_back("--log-to-file");
  return words;
}

}  // namespace

Endpoints LastEndpoints(const std::filesystem::path& home) {
  const EndpointFile file = ReadEndpointFile(Home(home).endpoints());
  if (file.pid == 0) return {};
  return {file.Text("server_uri"), file.Text("notification_uri"),
          file.Text("http_url"),   file.pid,
          file.Text("version"),    file.Text("log")};
}

Result<Endpoints> ReadEndpoints(const std::filesystem::path& home) {
  const std::filesystem::path path = Home(home).endpoints();
  std::error_code none;
  if (!std::filesystem::exists(path, none)) {
    return Error(Code::kNotFound, "no server has run on the home " + home.string());
  }
  Endpoints endpoints = LastEndpoints(home);
  if (endpoints.pid == 0) {
    return Error(Code::kDataLoss, path.string() + " is damaged; start the server again");
  }
  // The lock tells more surely than the pid, which another process may have by now.
  if (!Home(home).IsInUse()) {
    return Error(Code::kUnavailable, "the server of the home " + home.string() +
                                         " is not running; start it with `aiflow standalone` or "
                                         "`aiflow server start`");
  }
  return endpoints;
}

int StartServerDaemon(const ServerOptions& options, const std::filesystem::path& executable) {
  const Home home(ResolveHome(options.home));
  if (const auto running = ReadEndpoints(home.root()); running.has_value()) {
    return Complain(kProgram,
                    "AIFlow Server is running, stop it first with 'aiflow server stop'. (pid " +
                        std::to_string(running->pid) + ")",
                    kExitHomeInUse);
  }
  std::error_code error;
  if (!std::filesystem::exists(home.root(), error)) {
    return Complain(kProgram,
                    "the home " + home.root().string() +
                        " does not exist; make it with `aiflow db init`, or use "
                        "`aiflow standalone`",
                    kExitConfig);
  }
  Endpoints endpoints;
  BackgroundStart start{.program = kProgram,
                        .words = CommandOf(options, home, executable),
                        .output = home.logs() / "aiflow_server.out",
                        .patience = kStartPatience,
                        .patience_text = "60 s"};
  // The endpoint file appears when it is ready.
  start.ready = [&](pid_t pid) {
    const auto read = ReadEndpoints(home.root());
    if (read.has_value()) endpoints = *read;
    return read.has_value() && read->pid == pid;
  };
  pid_t pid = 0;
  if (const int code = StartInBackground(start, &pid); code != kExitOk) return code;
  std::cout << "AIFlow Server runs in the background (pid " << pid << ").\n"
            << "  scheduler     " << endpoints.server_uri << "\n"
            << "  notification  " << endpoints.notification_uri << "\n"
            << "  log           " << (endpoints.log.empty() ? start.output.string() : endpoints.log)
            << "\n"
            << "  pid file      " << home.pid_file().string() << "\n";
  return kExitOk;
}

int StopServer(const std::filesystem::path& root, bool stop_tasks) {
  const Home home(ResolveHome(root.string()));
  const auto running = ReadEndpoints(home.root());
  if (!running.has_value()) {
    std::error_code ignored;
    std::filesystem::remove(home.pid_file(), ignored);
    return Complain(kProgram, running.error().message(), kExitNotRunning);
  }
  // With tasks to stop, it takes as long as they may take.
  const auto patience = stop_tasks ? kStopPatience * 2 : kStopPatience;
  return EndInBackground(kProgram, "AIFlow Server", static_cast<pid_t>(running->pid),
                         stop_tasks ? SIGUSR1 : SIGTERM, patience);
}

}  // namespace aiflow::server
