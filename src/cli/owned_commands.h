#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/workflow_request.h"

/// The commands that schedules and triggers of workflows have in common: delete, delete-all, list,
/// pause, resume, show.
namespace aiflow::cli {

/// How one kind of them is called and reached.
template <typename Item, typename Request>
struct OwnedKind {
  std::string noun;  // "schedule"
  Table (*to_table)(const std::vector<Item>&);
  void (*set_id)(Request&, int64_t);
  Result<Item> (Client::*get)(int64_t);
  Result<std::vector<Item>> (Client::*list)(const std::string&, const std::string&);
  Status (Client::*remove)(const Request&);
  Result<v1::DeletedResponse> (Client::*remove_all)(const v1::WorkflowRequest&);
  Status (Client::*pause)(const Request&);
  Status (Client::*resume)(const Request&);
};

/// Why the last occasion of each started nothing, where the table does not show it.
template <typename Item>
void NoteReasons(Session& session, const std::string& noun, const std::vector<Item>& items,
                 Format format) {
  if (format != Format::kTable && format != Format::kPlain) return;
  for (const Item& item : items) {
    if (item.reason().empty()) continue;
    session.output().Note(noun + " " + std::to_string(item.id()) +
                          " started nothing when it last could: " + item.reason());
  }
}

struct OwnerArgs {
  std::string name;
  std::string ns;
  bool yes = false;
  std::string format;
};
struct OwnedArgs {
  int64_t id = 0;
  bool yes = false;
  std::string format;
};

template <typename Item, typename Request>
int ListOwned(Session& session, const OwnedKind<Item, Request>& kind, const OwnerArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto items = ((*client)->*kind.list)(args.ns, args.name);
  if (!items) return FailForWorkflow(session, **client, args.ns, args.name, items.error());
  session.output().Print(kind.to_table(*items), *ParseFormat(args.format));
  NoteReasons(session, kind.noun, *items, *ParseFormat(args.format));
  return kExitOk;
}

template <typename Item, typename Request>
int ShowOwned(Session& session, const OwnedKind<Item, Request>& kind, const OwnedArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto found = ((*client)->*kind.get)(args.id);
  if (!found && found.error().code() == Code::kNotFound) {
    return session.Fail(Status(Code::kNotFound, "No such workflow " + kind.noun + "."));
  }
  if (!found) return session.Fail(found.error());
  session.output().Print(kind.to_table({*found}), *ParseFormat(args.format));
  NoteReasons<Item>(session, kind.noun, {*found}, *ParseFormat(args.format));
  return kExitOk;
}

/// delete, pause and resume: one call, one line.
template <typename Item, typename Request>
int ChangeOwned(Session& session, const OwnedKind<Item, Request>& kind, const OwnedArgs& args,
                Status (Client::*method)(const Request&), const std::string& done) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  Request request;
  kind.set_id(request, args.id);
  request.set_request_id(Session::NewId());
  if (const Status status = ((*client)->*method)(request); !status.ok()) {
    return session.Fail(status);
  }
  session.output().Line("Workflow " + kind.noun + ": " + std::to_string(args.id) + " " + done +
                        ".");
  return kExitOk;
}

template <typename Item, typename Request>
int DeleteAllOwned(Session& session, const OwnedKind<Item, Request>& kind, const OwnerArgs& args) {
  const std::string all = kind.noun + "s of the workflow " + args.ns + "." + args.name;
  if (!session.Confirm("Delete all " + all + "?", args.yes)) return kExitError;
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto deleted = [&] {
    const Progress progress(session.output().terminal(), "Deleting");
    return ((*client)->*kind.remove_all)(WorkflowRequestFor(args.ns, args.name));
  }();
  if (!deleted) return FailForWorkflow(session, **client, args.ns, args.name, deleted.error());
  session.output().Line("All " + kind.noun + "s of workflow: " + args.ns + "." + args.name +
                        " deleted.");
  return kExitOk;
}

inline void DeclareOwner(CLI::App& command, OwnerArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  AddNamespaceOption(command, args.ns);
}

/// `kind` is kept.
template <typename Item, typename Request>
void AddOwnedCommands(CLI::App& group, CommandSlot& slot, const OwnedKind<Item, Request>& kind) {
  const auto declare_id = [noun = kind.noun](CLI::App& command, OwnedArgs& args) {
    command.add_option("ID", args.id, "Id of the " + noun)->required();
  };
  AddCommand<OwnedArgs>(
      group, slot, "delete", "Delete a " + kind.noun,
      [declare_id](CLI::App& command, OwnedArgs& args) {
        declare_id(command, args);
        AddYesOption(command, args.yes);
      },
      [kind](Session& session, const OwnedArgs& args) {
        const std::string what = kind.noun + " " + std::to_string(args.id);
        if (!session.Confirm("Delete the workflow " + what + "?", args.yes)) return int{kExitError};
        return ChangeOwned(session, kind, args, kind.remove, "deleted");
      });
  AddCommand<OwnerArgs>(
      group, slot, "delete-all", "Delete all " + kind.noun + "s of a workflow",
      [](CLI::App& command, OwnerArgs& args) {
        DeclareOwner(command, args);
        AddYesOption(command, args.yes);
      },
      [kind](Session& session, const OwnerArgs& args) {
        return DeleteAllOwned(session, kind, args);
      });
  AddCommand<OwnerArgs>(
      group, slot, "list", "List the " + kind.noun + "s of a workflow",
      [](CLI::App& command, OwnerArgs& args) {
        DeclareOwner(command, args);
        AddFormatOption(command, args.format);
      },
      [kind](Session& session, const OwnerArgs& args) { return ListOwned(session, kind, args); });
  AddCommand<OwnedArgs>(group, slot, "pause", "Let a " + kind.noun + " start nothing for now",
                        declare_id, [kind](Session& session, const OwnedArgs& args) {
                          return ChangeOwned(session, kind, args, kind.pause, "paused");
                        });
  AddCommand<OwnedArgs>(group, slot, "resume", "Let a " + kind.noun + " start executions again",
                        declare_id, [kind](Session& session, const OwnedArgs& args) {
                          return ChangeOwned(session, kind, args, kind.resume, "resumed");
                        });
  AddCommand<OwnedArgs>(
      group, slot, "show", "Show a " + kind.noun,
      [declare_id](CLI::App& command, OwnedArgs& args) {
        declare_id(command, args);
        AddFormatOption(command, args.format);
      },
      [kind](Session& session, const OwnedArgs& args) { return ShowOwned(session, kind, args); });
}

}  // namespace aiflow::cli
