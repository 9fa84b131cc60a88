#include "cli/blob_manager.h"
#include "cli/client_yaml.h"
#include "cli/command.h"
#include "cli/compile.h"
#include "cli/list_printer.h"
#include "cli/progress.h"
#include "cli/spec_text.h"
#include "cli/upload.h"
#include "cli/workflow_request.h"
#include "model/spec_json.h"

namespace aiflow::cli {
namespace {

struct UploadArgs {
  std::string file;
  std::vector<std::string> files;
};
constexpr const char* kFileHelp =
    "Workflow file: Python, YAML, a specification (JSON), or a program linked with the C++ SDK";
struct NameArgs {
  std::string name;
  std::string ns;
  bool yes = false;
  std::string format;
};
struct ListArgs {
  std::string ns;
  bool all = false;
  std::string contains;
  ListOptions list;
};

std::string FullName(const NameArgs& args) { return args.ns + "." + args.name; }

Result<CompiledWorkflows> Compile(Session& session, const std::string& file) {
  const World& world = session.world();
  auto compiled = CompileWorkflowFile(file, PythonInterpreter(world.environment, world.executable));
  if (compiled) {
    for (const std::string& warning : compiled->warnings) {
      session.output().Note("warning: " + warning);
    }
  }
  return compiled;
}

/// Where the client's own settings say that bundles go as well; empty: nowhere.
Result<KeepBundle> OwnBlobManager(Session& session) {
  const Result<ClientYaml> settings = ReadClientYaml(session.Home());
  if (!settings) return Error(settings.error());
  if (settings->own_blob_manager.empty()) return KeepBundle();
  const World& world = session.world();
  const std::string python = PythonInterpreter(world.environment, world.executable);
  return [home = session.Home(), python](const std::string& top, const std::string& bytes) {
    return StoreInBlobManager(home, python, top, bytes);
  };
}

int RunUpload(Session& session, const UploadArgs& args) {
  const Result<CompiledWorkflows> compiled = Compile(session, args.file);
  if (!compiled) return session.Fail(compiled.error());
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const Result<KeepBundle> keep = OwnBlobManager(session);
  if (!keep) return session.Fail(keep.error());
  const std::vector<std::filesystem::path> artifacts(args.files.begin(), args.files.end());
  const auto uploaded = [&] {
    Progress progress(session.output().terminal(), "Uploading");
    return Upload(**client, *compiled, args.file, artifacts, /*request_id=*/Session::NewId(), *keep,
                  [&progress](size_t sent, size_t size) { progress.Set(sent, size); });
  }();
  if (!uploaded) return session.Fail(uploaded.error());
  for (const auto& workflow : uploaded->workflows()) {
    for (const std::string& warning : workflow.warnings()) {
      session.output().Note("warning: " + warning);
    }
    session.output().Line("Workflow: " + workflow.namespace_() + "." + workflow.name() +
                          ", submitted.");
  }
  return kExitOk;
}

// What the server checks at an upload, of every workflow of the file.
int RunValidate(Session& session, const UploadArgs& args) {
  const Result<CompiledWorkflows> compiled = Compile(session, args.file);
  if (!compiled) return session.Fail(compiled.error());
  int code = kExitOk;
  for (const v1::WorkflowUpload& workflow : compiled->workflows) {
    const Result<WorkflowSpec> spec = ParseWorkflowSpec(workflow.spec_json());
    if (!spec) {
      code = session.Fail(spec.error());
      continue;
    }
    std::vector<std::string> warnings;
    const Status status = ValidateWorkflowSpec(*spec, &warnings);
    const std::string name = spec->ns + "." + spec->name;
    for (const std::string& warning : warnings) {
      session.output().Note("warning: " + name + ": " + warning);
    }
    if (!status.ok()) {
      code = session.Fail(status);
      continue;
    }
    session.output().Line("Workflow: " + name + ", valid, " + std::to_string(spec->tasks.size()) +
                          " tasks.");
  }
  return code;
}

Table WorkflowTable() {
  return {.columns = {"id",
                      "workflow_name",
                      "namespace",
                      {"create_time", kOffScreen},
                      "update_time",
                      "is_enabled",
                      {"event_offset", kOffScreen},
                      {"latest_snapshot_id", kDetail}},
          .rows = {}};
}

Table::Row ToRow(const v1::Workflow& w) {
  return {std::to_string(w.id()),
          w.name(),
          w.namespace_(),
          TimeOrNone(w.create_time()),
          TimeOrNone(w.update_time()),
          w.enabled() ? "True" : "False",
          std::to_string(w.event_offset()),
          std::to_string(w.latest_snapshot_id())};
}

int RunList(Session& session, const ListArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::ListWorkflowsRequest request;
  if (!args.all) request.set_namespace_(args.ns);
  if (!args.all && args.ns != "default") {  // which is always there
    v1::GetNamespaceRequest asked;
    asked.set_name(args.ns);
    if (const auto found = (*client)->GetNamespace(asked); !found) {
      return FailForNamespace(session, **client, args.ns, found.error());
    }
  }
  request.set_name_contains(args.contains);
  SetOrder(args.list, "id", request);
  const Status status = PrintPages<v1::Workflow>(
      session, WorkflowTable(), args.list, ToRow,
      [&](const auto& sink) { return (*client)->ListWorkflows(request, sink); });
  return status.ok() ? int{kExitOk} : session.Fail(status);
}

int RunShow(Session& session, const NameArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::GetWorkflowRequest request;
  request.set_namespace_(args.ns);
  request.set_name(args.name);
  const auto workflow = (*client)->GetWorkflow(request);
  if (!workflow && workflow.error().code() == Code::kNotFound) {
    return FailForWorkflow(session, **client, args.ns, args.name,
                           Status(Code::kNotFound, "No such workflow."));
  }
  if (!workflow) return session.Fail(workflow.error());
  Table table = WorkflowTable();
  table.rows.push_back(ToRow(*workflow));
  const SpecText spec = DescribeSpec(workflow->spec_json());
  for (const char* column : {"content", "config", "tasks", "rules"}) {
    table.columns.emplace_back(column);
  }
  for (const std::string& text : {workflow->content(), spec.config, spec.tasks, spec.rules}) {
    table.rows[0].push_back(TextOrNone(text));
  }
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

// delete, enable and disable: one call, one line.
int Change(Session& session, const NameArgs& args,
           Status (Client::*method)(const v1::WorkflowRequest&), const std::string& done) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const Status status = [&] {
    const Progress progress(session.output().terminal(), "Workflow: " + FullName(args));
    return ((*client)->*method)(WorkflowRequestFor(args.ns, args.name));
  }();
  if (!status.ok()) {
    return FailForWorkflow(session, **client, args.ns, args.name, status);
  }
  session.output().Line("Workflow: " + FullName(args) + " " + done + ".");
  return kExitOk;
}

int RunDelete(Session& session, const NameArgs& args) {
  if (!session.Confirm("Delete the workflow " + FullName(args) + "?", args.yes)) return kExitError;
  return Change(session, args, &Client::DeleteWorkflow, "deleted");
}

int RunEnable(Session& session, const NameArgs& args) {
  return Change(session, args, &Client::EnableWorkflow, "enabled");
}

int RunDisable(Session& session, const NameArgs& args) {
  return Change(session, args, &Client::DisableWorkflow, "disabled");
}

void DeclareName(CLI::App& command, NameArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  AddNamespaceOption(command, args.ns);
}

void AddReadingCommands(CLI::App& group, CommandSlot& slot) {
  AddCommand<ListArgs>(
      group, slot, "list", "List the workflows of a namespace",
      [](CLI::App& command, ListArgs& args) {
        AddNamespaceOption(command, args.ns);
        command.add_flag("-A,--all-namespaces", args.all, "Of every namespace");
        command.add_option("--contains", args.contains, "Only names with this text");
        AddListOptions(command, args.list);
      },
      RunList);
  AddCommand<NameArgs>(
      group, slot, "show", "Show a workflow with its source, tasks and rules",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddFormatOption(command, args.format);
      },
      RunShow);
  AddCommand<UploadArgs>(
      group, slot, "validate", "Compile and check a workflow file without a server",
      [](CLI::App& command, UploadArgs& args) {
        command.add_option("FILE", args.file, kFileHelp)->required();
      },
      RunValidate);
}

}  // namespace

void AddWorkflowCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "workflow", "Workflows");
  AddCommand<NameArgs>(
      group, slot, "delete", "Delete a workflow and its finished executions",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddYesOption(command, args.yes);
      },
      RunDelete);
  AddCommand<NameArgs>(group, slot, "disable", "Start no new executions of a workflow", DeclareName,
                       RunDisable);
  AddCommand<NameArgs>(group, slot, "enable", "Start new executions of a workflow again",
                       DeclareName, RunEnable);
  AddBackfillCommand(group, slot);
  AddDiffCommand(group, slot);
  AddReadingCommands(group, slot);
  AddCommand<UploadArgs>(
      group, slot, "upload", "Compile a workflow file and upload it with its artifacts",
      [](CLI::App& command, UploadArgs& args) {
        command.add_option("FILE", args.file, kFileHelp)->required();
        command
            .add_option("-f,--files", args.files,
                        "Files and directories to upload with it, separated by commas")
            ->delimiter(',')
            ->allow_extra_args(false);
      },
      RunUpload);
}

}  // namespace aiflow::cli
