#include "cli/command.h"
#include "cli/spec_text.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

struct NameArgs {
  std::string name;
  std::string ns;
  bool yes = false;
  std::string format;
};
struct IdArgs {
  int64_t id = 0;
  bool yes = false;
  std::string format;
};

Table ToTable(const std::vector<v1::WorkflowSnapshot>& snapshots) {
  Table table{.columns = {"id",
                          "workflow_id",
                          "create_time",
                          "uri",
                          "signature",
                          "is_latest",
                          {"bundle_name", true},
                          {"bundle_sha256", true}},
              .rows = {}};
  for (const v1::WorkflowSnapshot& s : snapshots) {
    table.rows.push_back({std::to_string(s.id()), std::to_string(s.workflow_id()),
                          TimeOrNone(s.create_time()), TextOrNone(s.uri()),
                          TextOrNone(s.signature()), s.latest() ? "True" : "False",
                          TextOrNone(s.bundle_name()), TextOrNone(s.bundle_sha256())});
  }
  return table;
}

int RunList(Session& session, const NameArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto snapshots = (*client)->ListWorkflowSnapshots(args.ns, args.name);
  if (!snapshots) return FailForWorkflow(session, **client, args.ns, args.name, snapshots.error());
  session.output().Print(ToTable(*snapshots), *ParseFormat(args.format));
  return kExitOk;
}

int RunShow(Session& session, const IdArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto found = (*client)->GetWorkflowSnapshot(args.id);
  if (!found && found.error().code() == Code::kNotFound) {
    return session.Fail(Status(Code::kNotFound, "No such workflow snapshot."));
  }
  if (!found) return session.Fail(found.error());
  Table table = ToTable({*found});
  const SpecText spec = DescribeSpec(found->spec_json());
  for (const char* column : {"config", "tasks", "rules"}) table.columns.emplace_back(column);
  for (const std::string& text : {spec.config, spec.tasks, spec.rules}) {
    table.rows[0].push_back(TextOrNone(text));
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunDelete(Session& session, const IdArgs& args) {
  const std::string id = std::to_string(args.id);
  if (!session.Confirm("Delete the workflow snapshot " + id + "?", args.yes)) return kExitError;
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::WorkflowSnapshotRequest request;
  request.set_snapshot_id(args.id);
  request.set_request_id(Session::NewId());
  if (const Status status = (*client)->DeleteWorkflowSnapshot(request); !status.ok()) {
    return session.Fail(status);
  }
  session.output().Line("Workflow snapshot: " + id + " deleted.");
  return kExitOk;
}

int RunDeleteAll(Session& session, const NameArgs& args) {
  const std::string full_name = args.ns + "." + args.name;
  if (!session.Confirm("Delete all unused snapshots of the workflow " + full_name + "?",
                       args.yes)) {
    return kExitError;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto deleted = (*client)->DeleteWorkflowSnapshots(WorkflowRequestFor(args.ns, args.name));
  if (!deleted) return FailForWorkflow(session, **client, args.ns, args.name, deleted.error());
  session.output().Line("Unused snapshots of workflow: " + full_name + " deleted.");
  if (!deleted->message().empty()) session.output().Note(deleted->message());
  return kExitOk;
}

void DeclareId(CLI::App& command, IdArgs& args) {
  command.add_option("ID", args.id, "Id of the snapshot")->required();
}

void DeclareName(CLI::App& command, NameArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  AddNamespaceOption(command, args.ns);
}

}  // namespace

void AddSnapshotCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "workflow-snapshot", "Uploaded versions of workflows");
  AddCommand<IdArgs>(
      group, slot, "delete", "Delete a snapshot that no execution uses",
      [](CLI::App& command, IdArgs& args) {
        DeclareId(command, args);
        AddYesOption(command, args.yes);
      },
      RunDelete);
  AddCommand<NameArgs>(
      group, slot, "delete-all", "Delete the snapshots of a workflow that no execution uses",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddYesOption(command, args.yes);
      },
      RunDeleteAll);
  AddCommand<NameArgs>(
      group, slot, "list", "List the snapshots of a workflow",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddFormatOption(command, args.format);
      },
      RunList);
  AddCommand<IdArgs>(
      group, slot, "show", "Show a snapshot with its tasks and rules",
      [](CLI::App& command, IdArgs& args) {
        DeclareId(command, args);
        AddFormatOption(command, args.format);
      },
      RunShow);
}

}  // namespace aiflow::cli
