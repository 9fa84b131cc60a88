#include "cli/command.h"
#include "server/server_main.h"

namespace aiflow::cli {
namespace {

struct DbArgs {
  std::string version;
  bool yes = false;
};

int Finish(Session& session, const Result<std::string>& done) {
  if (!done) return session.Fail(done.error());
  session.output().Line(*done);
  return kExitOk;
}

int RunInit(Session& session, const DbArgs&) {
  return Finish(session, server::DbInit(session.Home()));
}

int RunUpgrade(Session& session, const DbArgs& args) {
  if (!args.version.empty() && args.version != "heads") {
    session.output().Error("db upgrade goes to the newest version only; leave --version away.");
    return kExitUsage;
  }
  return Finish(session, server::DbUpgrade(session.Home()));
}

int RunReset(Session& session, const DbArgs& args) {
  if (!session.ConfirmAlways("This will drop existing tables if they exist. Proceed?", args.yes)) {
    return kExitError;
  }
  return Finish(session, server::DbReset(session.Home()));
}

int RunDowngrade(Session& session, const DbArgs&) {
  session.output().Error(
      "a database cannot be downgraded: newer versions store what older ones do not know. Restore "
      "a backup of the home that the older version made, or start afresh with 'aiflow db reset'.");
  return kExitError;
}

void DeclareVersion(CLI::App& command, DbArgs& args) {
  command.add_option("-v,--version", args.version, "Accepted for older scripts: heads");
}

}  // namespace

void AddDbCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "db", "The database of the server");
  AddCommand<DbArgs>(group, slot, "downgrade", "Refused: says why, and what to do instead",
                     DeclareVersion, RunDowngrade);
  AddCommand<DbArgs>(
      group, slot, "init", "Make the database", [](CLI::App&, DbArgs&) {}, RunInit);
  AddCommand<DbArgs>(
      group, slot, "reset", "Remove all data and make an empty database",
      [](CLI::App& command, DbArgs& args) { AddYesOption(command, args.yes); }, RunReset);
  AddCommand<DbArgs>(group, slot, "upgrade", "Bring the database to this version", DeclareVersion,
                     RunUpgrade);
}

}  // namespace aiflow::cli
