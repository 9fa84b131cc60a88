#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <ios>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "server/detached.h"
#include "server/home.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

constexpr std::chrono::seconds kStartPatience{60};
constexpr std::chrono::seconds kStopPatience{60};

int Complain(const std::string& message, int exit_code) {
  std::cerr << "aiflow: " << message << "\n";
  return exit_code;
}

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
  if (options.verbose) words.emplace_back("--verbose");
  words.emplace_back("--log-to-file");
  return words;
}

}  // namespace

Endpoints LastEndpoints(const std::filesystem::path& home) {
  const Result<std::string> text = ReadTextFile(Home(home).endpoints());
  if (!text.has_value()) return {};
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("pid") || !json["pid"].is_number_integer()) return {};
  const auto member = [&json](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  return {member("server_uri"),       member("notification_uri"), member("http_url"),
          json["pid"].get<int64_t>(), member("version"),          member("log")};
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
  if (Home(home).Lock().has_value()) {
    return Error(Code::kUnavailable, "the server of the home " + home.string() +
                                         " is not running; start it with `aiflow standalone` or "
                                         "`aiflow server start`");
  }
  return endpoints;
}

int StartServerDaemon(const ServerOptions& options, const std::filesystem::path& executable) {
  const Home home(ResolveHome(options.home));
  if (const auto running = ReadEndpoints(home.root()); running.has_value()) {
    return Complain("AIFlow Server is running, stop it first with 'aiflow server stop'. (pid " +
                        std::to_string(running->pid) + ")",
                    kExitHomeInUse);
  }
  std::error_code error;
  if (!std::filesystem::exists(home.root(), error)) {
    return Complain("the home " + home.root().string() +
                        " does not exist; make it with `aiflow db init`, or use "
                        "`aiflow standalone`",
                    kExitConfig);
  }
  {
    const PrivateFiles private_files;  // the server itself takes the user's umask along
    std::filesystem::create_directories(home.logs(), error);
  }
  const std::string output = (home.logs() / "aiflow_server.out").string();
  const auto size = std::filesystem::file_size(output, error);
  const std::streamoff begin = error ? 0 : static_cast<std::streamoff>(size);
  const Result<pid_t> pid = SpawnDetached(CommandOf(options, home, executable), output);
  if (!pid.has_value()) return Complain(pid.error().message(), kExitFailure);

  // The endpoint file appears when it is ready.
  const auto end = std::chrono::steady_clock::now() + kStartPatience;
  while (std::chrono::steady_clock::now() < end) {
    int status = 0;
    if (waitpid(*pid, &status, WNOHANG) == *pid) {
      return Complain(
          "the server ended at once; its output is in " + output + LastLines(output, begin),
          WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : kExitFailure);
    }
    const auto endpoints = ReadEndpoints(home.root());
    if (endpoints.has_value() && endpoints->pid == *pid) {
      std::cout << "AIFlow Server runs in the background (pid " << *pid << ").\n"
                << "  scheduler     " << endpoints->server_uri << "\n"
                << "  notification  " << endpoints->notification_uri << "\n"
                << "  log           " << (endpoints->log.empty() ? output : endpoints->log) << "\n"
                << "  pid file      " << home.pid_file().string() << "\n";
      return kExitOk;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Complain(
      "the server is not ready after 60 s; its output is in " + output + LastLines(output, begin),
      kExitFailure);
}

int StopServer(const std::filesystem::path& root, bool stop_tasks) {
  const Home home(ResolveHome(root.string()));
  const auto running = ReadEndpoints(home.root());
  if (!running.has_value()) {
    std::error_code ignored;
    std::filesystem::remove(home.pid_file(), ignored);
    return Complain(running.error().message(), kExitNotRunning);
  }
  // With tasks to stop, it takes as long as they may take.
  const auto patience = stop_tasks ? kStopPatience * 2 : kStopPatience;
  const Status ended =
      EndProcess(static_cast<pid_t>(running->pid), stop_tasks ? SIGUSR1 : SIGTERM, patience);
  if (ended.code() == Code::kNotFound) {
    return Complain("the server of the home " + home.root().string() + " has just ended",
                    kExitNotRunning);
  }
  if (!ended.ok()) {
    return Complain("cannot stop the server (pid " + std::to_string(running->pid) + ")",
                    kExitFailure);
  }
  std::cout << "AIFlow Server (pid " << running->pid << ") has stopped.\n";
  return kExitOk;
}

}  // namespace aiflow::server
