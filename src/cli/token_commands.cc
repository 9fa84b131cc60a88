#include "cli/token_group.h"
#include "server/server_main.h"

namespace aiflow::cli {

void AddTokenCommands(CLI::App& app, CommandSlot& slot) {
  const TokenKeeper keeper{
      .for_servers = false,
      .add = [](Session& session, const std::string& name,
                bool) { return server::AddToken(session.Home(), name); },
      .list = [](Session& session) { return server::ListTokens(session.Home()); },
      .remove = [](Session& session,
                   const std::string& name) { return server::RemoveToken(session.Home(), name); },
  };
  AddTokenGroup(app, slot, keeper);
}

}  // namespace aiflow::cli
