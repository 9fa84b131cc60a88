// The program `notification`, which is also `aiflow notification`.
#include "cli/command.h"
#include "cli/event_use.h"
#include "cli/settings_commands.h"
#include "cli/token_group.h"
#include "server/notification_main.h"

namespace aiflow::cli {
namespace {

struct NoArgs {};
struct StartArgs {
  server::NotificationOptions options;
  bool daemon = false;
};
struct DbArgs {
  std::string version;
  bool yes = false;
};
std::filesystem::path HomeOf(Session& session) {
  return server::ResolveNotificationHome(session.address_options().home);
}

int Finish(Session& session, const Result<std::string>& done) {
  if (!done) return session.Fail(done.error());
  session.output().Line(*done);
  return kExitOk;
}

Result<EventClient*> ConnectOfHome(Session& session, const std::string& server_uri) {
  const std::filesystem::path home = HomeOf(session);
  if (!server_uri.empty()) return ConnectNotification(session, server_uri);
  const Result<std::string> running = server::RunningNotificationServer(home);
  if (!running) return Error(running.error());
  return ConnectNotification(session, *running);
}

void AddServer(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "server", "The notification server of a home");
  AddCommand<StartArgs>(
      group, slot, "start", "Run the server; sets up the home on first start",
      [](CLI::App& command, StartArgs& args) {
        command.add_flag("-d,--daemon", args.daemon, "In the background");
        command.add_option("--port", args.options.port,
                           "Instead of server_port of the configuration; 0: any");
        command.add_option("--http-port", args.options.http_port,
                           "Instead of http_port of the configuration; 0: any, -1: none");
        command.add_option("--host", args.options.host, "Address to listen on")
            ->capture_default_str();
        command.add_flag("--insecure", args.options.insecure,
                         "Listen on addresses that other machines reach, without protection");
        command.add_flag("--verbose", args.options.verbose, "Log more");
        // Of the server that runs in the background.
        command.add_flag("--log-to-file", args.options.log_to_file)->group("");
      },
      [](Session& session, const StartArgs& args) {
        server::NotificationOptions options = args.options;
        options.home = HomeOf(session).string();
        options.program = session.program();
        if (!args.daemon) return server::RunNotificationServer(options);
        return server::StartNotificationDaemon(options, session.world().executable);
      });
  AddCommand<NoArgs>(
      group, slot, "stop", "Stop the server", [](CLI::App&, NoArgs&) {},
      [](Session& session, const NoArgs&) {
        return server::StopNotificationServer(HomeOf(session), session.program());
      });
}

void AddDb(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "db", "The event log of the server");
  const auto declare_version = [](CLI::App& command, DbArgs& args) {
    command.add_option("-v,--version", args.version, "Accepted for older scripts: heads");
  };
  const auto init = [](Session& session, const DbArgs& args) {
    if (!args.version.empty() && args.version != "heads") {
      session.output().Error("db upgrade goes to the newest version only; leave --version away.");
      return int{kExitUsage};
    }
    return Finish(session, server::NotificationDbInit(HomeOf(session)));
  };
  AddCommand<DbArgs>(group, slot, "downgrade", "Refused: says why, and what to do instead",
                     declare_version, [](Session& session, const DbArgs&) {
                       session.output().Error(
                           "an event log cannot be downgraded: newer versions store what older "
                           "ones do not know. Restore a backup that the older version made, or "
                           "start afresh with 'notification db reset'.");
                       return int{kExitError};
                     });
  AddCommand<DbArgs>(
      group, slot, "init", "Make the event log", [](CLI::App&, DbArgs&) {}, init);
  AddCommand<DbArgs>(
      group, slot, "reset", "Remove all events and make an empty log",
      [](CLI::App& command, DbArgs& args) { AddYesOption(command, args.yes); },
      [](Session& session, const DbArgs& args) {
        if (!session.ConfirmAlways("This will drop existing tables if they exist. Proceed?",
                                   args.yes)) {
          return int{kExitError};
        }
        return Finish(session, server::NotificationDbReset(HomeOf(session)));
      });
  AddCommand<DbArgs>(group, slot, "upgrade", "Bring the event log to this version", declare_version,
                     init);
}

Result<std::string> ValueOf(Session& session, const std::string& key) {
  auto value = server::GetNotificationConfigValue(HomeOf(session), key);
  if (value || value.error().code() != Code::kNotFound) return value;
  // As the forerunner said it, with its exit code.
  return Error(Code::kInvalidArgument, "The option [" + key + "] is not found in config.");
}

void AddConfig(CLI::App& app, CommandSlot& slot) {
  const SettingsFile settings{
      .about = "The notification server's configuration",
      .file = "notification_server.yaml",
      .owner = "Notification server",
      .is_there =
          [](const std::string& path) {
            return "Notification server config has already initialized at " + path + ".";
          },
      .value = ValueOf,
      .all = [](Session& session) { return server::ShowNotificationConfig(HomeOf(session)); },
      .init = [](Session& session) { return server::InitNotificationConfig(HomeOf(session)); },
      .text = [](Session& session) { return server::ListNotificationConfig(HomeOf(session)); },
  };
  AddSettingsCommands(app, slot, settings);
}

void AddTokens(CLI::App& app, CommandSlot& slot) {
  const TokenKeeper keeper{
      .for_servers = true,
      .add =
          [](Session& session, const std::string& name, bool server) {
            return server::AddNotificationToken(HomeOf(session), name, server);
          },
      .list = [](Session& session) { return server::NotificationTokens(HomeOf(session)); },
      .remove =
          [](Session& session, const std::string& name) {
            return server::RemoveNotificationToken(HomeOf(session), name);
          },
  };
  AddTokenGroup(app, slot, keeper);
}

}  // namespace

void AddNotificationCommands(CLI::App& app, CommandSlot& slot) {
  AddConfig(app, slot);
  AddDb(app, slot);
  AddServer(app, slot);
  AddTokens(app, slot);
  AddNotificationEventCommands(app, slot);
  CLI::App& consumers = AddGroup(app, "consumer", "Durable consumers of the event log");
  AddConsumerCommands(consumers, slot, ConnectOfHome, /*with_uri=*/true);
  AddVersionCommand(app, slot);
}

}  // namespace aiflow::cli
