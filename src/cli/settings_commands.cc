#include "cli/settings_commands.h"

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

int GetValue(Session& session, const SettingsFile& settings, const KeyArgs& args) {
  const Result<std::string> value = settings.value(session, args.key);
  if (!value) return session.Fail(value.error());
  session.output().Line(*value);
  return kExitOk;
}

int Init(Session& session, const SettingsFile& settings) {
  const auto path = settings.init(session);
  if (!path && path.error().code() == Code::kAlreadyExists) {
    session.output().Note(settings.is_there(path.error().message()));
    return kExitOk;
  }
  if (!path) return session.Fail(path.error());
  session.output().Line(settings.owner + " config generated at " + path->string() + ".");
  return kExitOk;
}

int Show(Session& session, const SettingsFile& settings, const ShowArgs& args) {
  const auto all = settings.all(session);
  if (!all) return session.Fail(all.error());
  Table table{.columns = {{"key", false, true}, "value", {"origin", !args.origin}}, .rows = {}};
  for (const server::Setting& setting : *all) {
    table.rows.push_back({setting.key, setting.value, setting.origin});
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int List(Session& session, const SettingsFile& settings) {
  const Result<std::string> text = settings.text(session);
  if (!text) return session.Fail(text.error());
  session.output().Raw(*text);
  return kExitOk;
}

}  // namespace

void AddSettingsCommands(CLI::App& app, CommandSlot& slot, const SettingsFile& settings) {
  CLI::App& group = AddGroup(app, "config", settings.about);
  AddCommand<KeyArgs>(
      group, slot, "get-value", "Print the value of a setting, defaults included",
      [](CLI::App& command, KeyArgs& args) {
        command.add_option("OPTION", args.key, "Name of the setting")->required();
      },
      [settings](Session& session, const KeyArgs& args) {
        return GetValue(session, settings, args);
      });
  AddCommand<NoArgs>(
      group, slot, "init", "Write " + settings.file + " with the defaults",
      [](CLI::App&, NoArgs&) {},
      [settings](Session& session, const NoArgs&) { return Init(session, settings); });
  AddCommand<ListArgs>(
      group, slot, "list", "Print the configuration file",
      [](CLI::App& command, ListArgs& args) {
        command.add_option("--color", args.color, "Accepted for older scripts; never coloured")
            ->check(CLI::IsMember({"on", "off", "auto"}));
      },
      [settings](Session& session, const ListArgs&) { return List(session, settings); });
  AddCommand<ShowArgs>(
      group, slot, "show", "Print every setting in force, defaults included",
      [](CLI::App& command, ShowArgs& args) {
        command.add_flag("--origin", args.origin,
                         "Also where each is from: default, the file, or an environment variable");
        AddFormatOption(command, args.format);
      },
      [settings](Session& session, const ShowArgs& args) { return Show(session, settings, args); });
}

}  // namespace aiflow::cli
