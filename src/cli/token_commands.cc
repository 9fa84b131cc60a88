#include "cli/command.h"
#include "server/server_main.h"

namespace aiflow::cli {
namespace {

struct NameArgs {
  std::string name;
};
struct ListArgs {
  std::string format;
};

int RunAdd(Session& session, const NameArgs& args) {
  const Result<std::string> token = server::AddToken(session.Home(), args.name);
  if (!token) return session.Fail(token.error());
  session.output().Line(*token);
  session.output().Note(
      "Keep it: it is not shown again. Clients take it from AIFLOW_TOKEN_FILE, "
      "AIFLOW_TOKEN or --token-file.");
  return kExitOk;
}

int RunList(Session& session, const ListArgs& args) {
  const auto names = server::TokenNames(session.Home());
  if (!names) return session.Fail(names.error());
  Table table{.columns = {"name"}, .rows = {}};
  for (const std::string& name : *names) table.rows.push_back({name});
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunRemove(Session& session, const NameArgs& args) {
  const Status removed = server::RemoveToken(session.Home(), args.name);
  if (!removed.ok()) return session.Fail(removed);
  session.output().Line("Token: " + args.name + ", removed; its next call is refused.");
  return kExitOk;
}

void DeclareName(CLI::App& command, NameArgs& args) {
  command.add_option("NAME", args.name, "Whose it is: letters, digits, `_`, `-`, `.`")->required();
}

}  // namespace

void AddTokenCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "token", "Who may use the server, beside its own user");
  AddCommand<NameArgs>(group, slot, "add", "Make a token and print it, once", DeclareName, RunAdd);
  AddCommand<ListArgs>(
      group, slot, "list", "Print the names of the tokens",
      [](CLI::App& command, ListArgs& args) { AddFormatOption(command, args.format); }, RunList);
  AddCommand<NameArgs>(group, slot, "remove", "Remove a token; a running server knows it at once",
                       DeclareName, RunRemove);
}

}  // namespace aiflow::cli
