// The program `notification`, which is also `aiflow notification`.
#include "cli/command.h"
#include "cli/event_use.h"
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
struct ConfigArgs {
  std::string key;
  std::string color;
  bool origin = false;
  std::string format;
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
        command.add_option("--host", args.options.host, "Address to listen on")
            ->capture_default_str();
        command.add_flag("--insecure", args.options.insecure,
                         "Listen on addresses that other machines reach, without protection");
        command.add_flag("--verbose", args.options.verbose, "Log more");
      },
      [](Session& session, const StartArgs& args) {
        server::NotificationOptions options = args.options;
        options.home = HomeOf(session).string();
        if (!args.daemon) return server::RunNotificationServer(options);
        return server::StartNotificationDaemon(options, session.world().executable);
      });
  AddCommand<NoArgs>(
      group, slot, "stop", "Stop the server", [](CLI::App&, NoArgs&) {},
      [](Session& session, const NoArgs&) {
        return server::StopNotificationServer(HomeOf(session));
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

int RunGetValue(Session& session, const ConfigArgs& args) {
  const auto value = server::GetNotificationConfigValue(HomeOf(session), args.key);
  if (!value && value.error().code() == Code::kNotFound) {
    session.output().Error("The option [" + args.key + "] is not found in config.");
    return kExitError;
  }
  return Finish(session, value);
}

int RunInit(Session& session, const ConfigArgs&) {
  const auto path = server::InitNotificationConfig(HomeOf(session));
  if (!path && path.error().code() == Code::kAlreadyExists) {
    session.output().Note("Notification server config has already initialized at " +
                          path.error().message() + ".");
    return kExitOk;
  }
  if (!path) return session.Fail(path.error());
  session.output().Line("Notification server config generated at " + path->string() + ".");
  return kExitOk;
}

int RunShow(Session& session, const ConfigArgs& args) {
  const auto settings = server::ShowNotificationConfig(HomeOf(session));
  if (!settings) return session.Fail(settings.error());
  Table table{.columns = {{"key", false, true}, "value", {"origin", !args.origin}}, .rows = {}};
  for (const server::Setting& setting : *settings) {
    table.rows.push_back({setting.key, setting.value, setting.origin});
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunList(Session& session, const ConfigArgs&) {
  const Result<std::string> text = server::ListNotificationConfig(HomeOf(session));
  if (!text) return session.Fail(text.error());
  session.output().Raw(*text);
  return kExitOk;
}

void AddConfig(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "config", "The notification server's configuration");
  AddCommand<ConfigArgs>(
      group, slot, "get-value", "Print the value of a setting, defaults included",
      [](CLI::App& command, ConfigArgs& args) {
        command.add_option("OPTION", args.key, "Name of the setting")->required();
      },
      RunGetValue);
  AddCommand<ConfigArgs>(
      group, slot, "init", "Write notification_server.yaml with the defaults",
      [](CLI::App&, ConfigArgs&) {}, RunInit);
  AddCommand<ConfigArgs>(
      group, slot, "list", "Print the configuration file",
      [](CLI::App& command, ConfigArgs& args) {
        command.add_option("--color", args.color, "Accepted for older scripts; never coloured")
            ->check(CLI::IsMember({"on", "off", "auto"}));
      },
      RunList);
  AddCommand<ConfigArgs>(
      group, slot, "show", "Print every setting in force, defaults included",
      [](CLI::App& command, ConfigArgs& args) {
        command.add_flag("--origin", args.origin,
                         "Also where each is from: default, the file, or an environment variable");
        AddFormatOption(command, args.format);
      },
      RunShow);
}

}  // namespace

void AddNotificationCommands(CLI::App& app, CommandSlot& slot) {
  AddConfig(app, slot);
  AddDb(app, slot);
  AddServer(app, slot);
  AddNotificationEventCommands(app, slot);
  CLI::App& consumers = AddGroup(app, "consumer", "Durable consumers of the event log");
  AddConsumerCommands(consumers, slot, ConnectOfHome, /*with_uri=*/true);
  AddVersionCommand(app, slot);
}

}  // namespace aiflow::cli
