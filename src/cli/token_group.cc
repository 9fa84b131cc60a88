#include "cli/token_group.h"

namespace aiflow::cli {
namespace {

struct NameArgs {
  std::string name;
  bool server = false;
};
struct ListArgs {
  std::string format;
};

int RunAdd(Session& session, const TokenKeeper& keeper, const NameArgs& args) {
  const Result<std::string> token = keeper.add(session, args.name, args.server);
  if (!token) return session.Fail(token.error());
  session.output().Line(*token);
  session.output().Note(args.server
                            ? "Keep it: it is not shown again. The AIFlow server takes it from the "
                              "file that its setting notification_token_file names."
                            : "Keep it: it is not shown again. Clients take it from "
                              "AIFLOW_TOKEN_FILE, AIFLOW_TOKEN or --token-file.");
  return kExitOk;
}

int RunList(Session& session, const TokenKeeper& keeper, const ListArgs& args) {
  const auto tokens = keeper.list(session);
  if (!tokens) return session.Fail(tokens.error());
  Table table{.columns = {"name", {"for", !keeper.for_servers}}, .rows = {}};
  for (const server::NamedToken& token : *tokens) {
    table.rows.push_back({token.name, token.server ? "server" : "clients"});
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunRemove(Session& session, const TokenKeeper& keeper, const NameArgs& args) {
  const Status removed = keeper.remove(session, args.name);
  if (!removed.ok()) return session.Fail(removed);
  session.output().Line("Token: " + args.name + ", removed; its next call is refused.");
  return kExitOk;
}

void DeclareName(CLI::App& command, NameArgs& args) {
  command.add_option("NAME", args.name, "Whose it is: letters, digits, `_`, `-`, `.`")->required();
}

}  // namespace

void AddTokenGroup(CLI::App& app, CommandSlot& slot, const TokenKeeper& keeper) {
  CLI::App& group = AddGroup(app, "token", "Who may use the server, beside its own user");
  AddCommand<NameArgs>(
      group, slot, "add", "Make a token and print it, once",
      [&keeper](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        if (!keeper.for_servers) return;
        command.add_flag("--server", args.server,
                         "For an AIFlow server that keeps its events here");
      },
      [keeper](Session& session, const NameArgs& args) { return RunAdd(session, keeper, args); });
  AddCommand<ListArgs>(
      group, slot, "list", "Print the names of the tokens",
      [](CLI::App& command, ListArgs& args) { AddFormatOption(command, args.format); },
      [keeper](Session& session, const ListArgs& args) { return RunList(session, keeper, args); });
  AddCommand<NameArgs>(group, slot, "remove", "Remove a token; a running server knows it at once",
                       DeclareName, [keeper](Session& session, const NameArgs& args) {
                         return RunRemove(session, keeper, args);
                       });
}

}  // namespace aiflow::cli
