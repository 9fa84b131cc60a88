#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "server/named_token.h"

namespace aiflow::cli {

/// The tokens of a server, as the commands of a group `token` see them.
struct TokenKeeper {
  bool for_servers = false;  // whether there are tokens for AIFlow servers
  std::function<Result<std::string>(Session&, const std::string& name, bool server)> add;
  std::function<Result<std::vector<server::NamedToken>>(Session&)> list;
  std::function<Status(Session&, const std::string& name)> remove;
};

/// add, list and remove. `keeper` is kept.
void AddTokenGroup(CLI::App& app, CommandSlot& slot, const TokenKeeper& keeper);

}  // namespace aiflow::cli
