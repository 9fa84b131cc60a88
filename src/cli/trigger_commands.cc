#include "cli/command.h"
#include "cli/owned_commands.h"
#include "cli/param_text.h"
#include "cli/spec_text.h"
#include "cli/trigger_text.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

struct AddArgs {
  std::string name;
  std::string ns;
  TriggerWords words;
  std::vector<std::string> params;
};

// The forerunner's column `rule` showed bytes; here it says what they mean.
std::string RuleText(const v1::WorkflowTrigger& trigger) {
  if (!trigger.condition_json().empty()) return DescribeCondition(trigger.condition_json());
  return "not compiled, " + std::to_string(trigger.pickled_rule().size()) + " bytes";
}

Table ToTable(const std::vector<v1::WorkflowTrigger>& triggers) {
  Table table{.columns = {"id",
                          "workflow_id",
                          "rule",
                          "create_time",
                          "is_paused",
                          {"params", true},
                          {"condition", true},
                          {"reason", true}},
              .rows = {}};
  for (const v1::WorkflowTrigger& t : triggers) {
    table.rows.push_back({std::to_string(t.id()), std::to_string(t.workflow_id()), RuleText(t),
                          TimeOrNone(t.create_time()), t.paused() ? "True" : "False",
                          TextOrNone(t.params_json()), TextOrNone(t.condition_json()),
                          TextOrNone(t.reason())});
  }
  return table;
}

int RunAdd(Session& session, const AddArgs& args) {
  if (args.words.event.empty() && args.words.condition.empty()) {
    session.output().Error("What starts the workflow? Give --event KEY or --condition JSON.");
    return kExitUsage;
  }
  const Result<std::string> condition = TriggerCondition(args.words);
  if (!condition) {
    const int code = session.Fail(condition.error());
    return condition.error().code() == Code::kInvalidArgument ? int{kExitUsage} : code;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::AddWorkflowTriggerRequest request;
  if (!args.params.empty()) {
    const auto declared = DeclaredParams(**client, args.ns, args.name);
    if (!declared) return FailForWorkflow(session, **client, args.ns, args.name, declared.error());
    const auto params = TriggerParamsJson(*declared, args.params);
    if (!params) {
      session.Fail(params.error());
      return kExitUsage;
    }
    request.set_params_json(*params);
  }
  request.set_namespace_(args.ns);
  request.set_name(args.name);
  request.set_condition_json(*condition);
  request.set_request_id(Session::NewId());
  const auto added = (*client)->AddWorkflowTrigger(request);
  if (!added) return FailForWorkflow(session, **client, args.ns, args.name, added.error());
  session.output().Line("Workflow trigger: " + std::to_string(added->id()) + " created.");
  return kExitOk;
}

void DeclareAdd(CLI::App& command, AddArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  AddNamespaceOption(command, args.ns);
  CLI::Option* event =
      command.add_option("--event", args.words.event, "An event with this key starts the workflow");
  command
      .add_option("--condition", args.words.condition,
                  "Or a condition as JSON, or a file that holds one "
                  "(docs/formats/workflow-spec.md)")
      ->excludes(event);
  command.add_option("--value", args.words.value, "Only when the event's value is this text")
      ->needs(event)
      ->expected(1);
  command
      .add_option("--value-member", args.words.value_members,
                  "Only when the value is JSON and has this: /POINTER=JSON; may be repeated")
      ->needs(event)
      ->allow_extra_args(false);
  command
      .add_option("--context", args.words.context,
                  "Only when the context is JSON and has this: /POINTER=JSON; may be repeated")
      ->needs(event)
      ->allow_extra_args(false);
  command
      .add_option("--param", args.params,
                  "NAME=value:TEXT, or NAME=FIELD[/POINTER] with a FIELD of the event: key, value, "
                  "context, sender, offset, create_time; may be repeated")
      ->allow_extra_args(false);
}

}  // namespace

void AddTriggerCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "workflow-trigger", "Conditions that start workflows");
  AddCommand<AddArgs>(group, slot, "add", "Start a workflow when a condition is met", DeclareAdd,
                      RunAdd);
  const OwnedKind<v1::WorkflowTrigger, v1::WorkflowTriggerRequest> kind{
      "trigger",
      &ToTable,
      [](v1::WorkflowTriggerRequest& request, int64_t id) { request.set_trigger_id(id); },
      &Client::GetWorkflowTrigger,
      &Client::ListWorkflowTriggers,
      &Client::DeleteWorkflowTrigger,
      &Client::DeleteWorkflowTriggers,
      &Client::PauseWorkflowTrigger,
      &Client::ResumeWorkflowTrigger};
  AddOwnedCommands(group, slot, kind);
}

}  // namespace aiflow::cli
