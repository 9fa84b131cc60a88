#include "cli/settings_commands.h"
#include "server/server_main.h"

namespace aiflow::cli {

void AddConfigCommands(CLI::App& app, CommandSlot& slot) {
  const SettingsFile settings{
      .about = "The server's configuration",
      .file = "aiflow_server.yaml",
      .owner = "AIFlow server",
      .is_there =
          [](const std::string& path) {
            return "warning: " + path + " exists already and was left as it is";
          },
      .value = [](Session& session,
                  const std::string& key) { return server::GetConfigValue(session.Home(), key); },
      .all = [](Session& session) { return server::ShowConfig(session.Home()); },
      .init = [](Session& session) { return server::InitConfig(session.Home()); },
      .text = [](Session& session) { return server::ListConfig(session.Home()); },
  };
  AddSettingsCommands(app, slot, settings);
}

}  // namespace aiflow::cli
