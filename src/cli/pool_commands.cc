#include <optional>

#include "cli/command.h"

namespace aiflow::cli {
namespace {

struct SetArgs {
  std::string name;
  int64_t slots = 0;
  std::string description;
  std::optional<std::string> executor;
};
struct DeleteArgs {
  std::string name;
  bool yes = false;
};
struct ListArgs {
  std::string format;
};

int RunSet(Session& session, const SetArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::SetPoolRequest request;
  request.set_name(args.name);
  request.set_slots(args.slots);
  request.set_description(args.description);
  if (args.executor.has_value()) request.set_executor(*args.executor);
  request.set_request_id(Session::NewId());
  const auto pool = (*client)->SetPool(request);
  if (!pool) return session.Fail(pool.error());
  session.output().Line("Pool: " + pool->name() + ", " + std::to_string(pool->slots()) + " slots.");
  return kExitOk;
}

int RunDelete(Session& session, const DeleteArgs& args) {
  if (!session.Confirm("Delete the pool " + args.name + "?", args.yes)) return kExitError;
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::DeletePoolRequest request;
  request.set_name(args.name);
  request.set_request_id(Session::NewId());
  if (const Status status = (*client)->DeletePool(request); !status.ok()) {
    return session.Fail(status);
  }
  session.output().Line("Pool: " + args.name + " deleted.");
  return kExitOk;
}

int RunList(Session& session, const ListArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto pools = (*client)->ListPools();
  if (!pools) return session.Fail(pools.error());
  Table table{.columns = {"name", "slots", "slots_in_use", "waiting", "executor", "description"},
              .rows = {}};
  for (const v1::Pool& pool : *pools) {
    table.rows.push_back({pool.name(), std::to_string(pool.slots()),
                          std::to_string(pool.slots_in_use()), std::to_string(pool.waiting()),
                          TextOrNone(pool.executor()), TextOrNone(pool.description())});
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

}  // namespace

void AddPoolCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "pool", "Slots that tasks of all workflows share");
  AddCommand<DeleteArgs>(
      group, slot, "delete", "Delete a pool: its tasks are limited no more",
      [](CLI::App& command, DeleteArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        AddYesOption(command, args.yes);
      },
      RunDelete);
  AddCommand<ListArgs>(
      group, slot, "list", "List the pools, their slots in use and the runs that wait",
      [](CLI::App& command, ListArgs& args) { AddFormatOption(command, args.format); }, RunList);
  AddCommand<SetArgs>(
      group, slot, "set", "Create a pool, or change its slots",
      [](CLI::App& command, SetArgs& args) {
        command.add_option("NAME", args.name, "Its name; `local` is the server's parallelism")
            ->required();
        command.add_option("SLOTS", args.slots, "How many slots it has")->required();
        command.add_option("--description", args.description, "What it is for");
        command.add_option("--executor", args.executor,
                           "Where its tasks run that name no executor; empty: at the default one");
      },
      RunSet);
}

}  // namespace aiflow::cli
