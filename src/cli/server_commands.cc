#include "cli/command.h"
#include "server/server_main.h"

namespace aiflow::cli {
namespace {

struct StartArgs {
  server::StandaloneOptions options;
  bool daemon = false;
};
struct StopArgs {
  bool stop_tasks = false;
};

void DeclareServer(CLI::App& command, StartArgs& args) {
  server::StandaloneOptions& options = args.options;
  command.add_option("--port-offset", options.port_offset,
                     "Added to every port that is not given, to run several servers");
  command.add_option("--rpc-port", options.rpc_port, "Port of the scheduler (50051); 0: any");
  command.add_option("--notification-port", options.notification_port,
                     "Port of the notification server (50052); 0: any");
  command.add_option("--http-port", options.http_port,
                     "Port of REST, health and metrics (8000); 0: any");
  command.add_option("--internal-rpc-port", options.internal_rpc_port,
                     "Port for heartbeats (50000); 0: any, -1: none");
  command.add_option("--host", options.host, "Address to listen on")->capture_default_str();
  command.add_flag("--insecure", options.insecure,
                   "Listen on addresses that other machines reach, without protection");
  command.add_flag("--stop-tasks", options.stop_tasks,
                   "Stop the running tasks when the server ends; without it they run on");
  command
      .add_option("--abandon-executor", options.abandoned_executors,
                  "An executor that is configured no more: its unfinished runs end FAILED")
      ->type_name("NAME");
  command.add_flag("--verbose", options.verbose, "Log more");
}

int RunStandalone(Session& session, const StartArgs& args) {
  server::StandaloneOptions options = args.options;
  options.home = session.Home().string();
  return server::RunStandalone(options);
}

int RunStart(Session& session, const StartArgs& args) {
  server::ServerOptions options = args.options;
  options.home = session.Home().string();
  if (args.daemon) return server::StartServerDaemon(options, session.world().executable);
  return server::RunServer(options);
}

int RunStop(Session& session, const StopArgs& args) {
  return server::StopServer(session.Home(), args.stop_tasks);
}

}  // namespace

void AddServerCommands(CLI::App& app, CommandSlot& slot) {
  AddCommand<StartArgs>(app, slot, "standalone",
                        "Run everything in this process; sets up the home on first start",
                        DeclareServer, RunStandalone);
  CLI::App& group = AddGroup(app, "server", "The server of a home");
  AddCommand<StartArgs>(
      group, slot, "start", "Run the server of a home that was set up",
      [](CLI::App& command, StartArgs& args) {
        DeclareServer(command, args);
        command.add_flag("-d,--daemon", args.daemon, "In the background");
        // Of the server that runs in the background.
        command.add_flag("--log-to-file", args.options.log_to_file)->group("");
      },
      RunStart);
  AddCommand<StopArgs>(
      group, slot, "stop", "Stop the server; its tasks run on",
      [](CLI::App& command, StopArgs& args) {
        command.add_flag("--stop-tasks", args.stop_tasks, "Stop the running tasks first");
      },
      RunStop);
}

}  // namespace aiflow::cli
