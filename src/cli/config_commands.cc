#include "cli/command.h"
#include "server/server_main.h"

namespace aiflow::cli {
namespace {

struct KeyArgs {
  std::string key;
};
struct NoArgs {};
struct ListArgs {
  std::string color;
};
struct ShowArgs {
  bool origin = false;
  std::string format;
};

int RunGetValue(Session& session, const KeyArgs& args) {
  const Result<std::string> value = server::GetConfigValue(session.Home(), args.key);
  if (!value) return session.Fail(value.error());
  session.output().Line(*value);
  return kExitOk;
}

int RunInit(Session& session, const NoArgs&) {
  const auto path = server::InitConfig(session.Home());
  if (!path && path.error().code() == Code::kAlreadyExists) {
    session.output().Note("warning: " + path.error().message());
    return kExitOk;
  }
  if (!path) return session.Fail(path.error());
  session.output().Line("AIFlow server config generated at " + path->string() + ".");
  return kExitOk;
}

int RunShow(Session& session, const ShowArgs& args) {
  const auto settings = server::ShowConfig(session.Home());
  if (!settings) return session.Fail(settings.error());
  Table table{.columns = {{"key", false, true}, "value", {"origin", !args.origin}}, .rows = {}};
  for (const server::Setting& setting : *settings) {
    table.rows.push_back({setting.key, setting.value, setting.origin});
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunList(Session& session, const ListArgs&) {
  const Result<std::string> text = server::ListConfig(session.Home());
  if (!text) return session.Fail(text.error());
  session.output().Raw(*text);
  return kExitOk;
}

}  // namespace

void AddConfigCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "config", "The server's configuration");
  AddCommand<KeyArgs>(
      group, slot, "get-value", "Print the value of a setting, defaults included",
      [](CLI::App& command, KeyArgs& args) {
        command.add_option("OPTION", args.key, "Name of the setting")->required();
      },
      RunGetValue);
  AddCommand<NoArgs>(
      group, slot, "init", "Write aiflow_server.yaml with the defaults", [](CLI::App&, NoArgs&) {},
      RunInit);
  AddCommand<ListArgs>(
      group, slot, "list", "Print the configuration file",
      [](CLI::App& command, ListArgs& args) {
        command.add_option("--color", args.color, "Accepted for older scripts; never coloured")
            ->check(CLI::IsMember({"on", "off", "auto"}));
      },
      RunList);
  AddCommand<ShowArgs>(
      group, slot, "show", "Print every setting in force, defaults included",
      [](CLI::App& command, ShowArgs& args) {
        command.add_flag("--origin", args.origin,
                         "Also where each is from: default, the file, or an environment variable");
        AddFormatOption(command, args.format);
      },
      RunShow);
}

}  // namespace aiflow::cli
