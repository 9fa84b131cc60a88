#include "cli/command.h"
#include "cli/owned_commands.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

struct AddArgs {
  std::string name;
  std::string expression;
  std::string ns;
  std::string timezone;
  std::string catchup = "one";
  bool skip_if_active = false;
  std::vector<std::string> params;
};

Table ToTable(const std::vector<v1::WorkflowSchedule>& schedules) {
  Table table{.columns = {"id",
                          "workflow_id",
                          "expression",
                          "create_time",
                          "is_paused",
                          {"timezone", true},
                          {"next_due", true},
                          {"last_due", true},
                          {"catchup", true},
                          {"skip_if_active", true},
                          {"params", true},
                          {"reason", true}},
              .rows = {}};
  for (const v1::WorkflowSchedule& s : schedules) {
    table.rows.push_back({std::to_string(s.id()), std::to_string(s.workflow_id()), s.expression(),
                          TimeOrNone(s.create_time()), s.paused() ? "True" : "False",
                          TextOrNone(s.timezone()), TimeOrNone(s.next_due()),
                          TimeOrNone(s.last_due()), s.catchup(),
                          s.skip_if_active() ? "True" : "False", TextOrNone(s.params_json()),
                          TextOrNone(s.reason())});
  }
  return table;
}

int RunAdd(Session& session, const AddArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto params = ParamsFor(**client, args.ns, args.name, args.params);
  if (!params) return FailForWorkflow(session, **client, args.ns, args.name, params.error());
  v1::AddWorkflowScheduleRequest request;
  request.set_namespace_(args.ns);
  request.set_name(args.name);
  request.set_expression(args.expression);
  request.set_timezone(args.timezone);
  request.set_catchup(args.catchup);
  request.set_skip_if_active(args.skip_if_active);
  request.set_params_json(*params);
  request.set_request_id(Session::NewId());
  const auto added = (*client)->AddWorkflowSchedule(request);
  if (!added) return FailForWorkflow(session, **client, args.ns, args.name, added.error());
  session.output().Line("Workflow schedule: " + std::to_string(added->id()) + " created.");
  if (const auto next = TimeOrNone(added->next_due())) {
    session.output().Note("It starts the workflow first at " + *next + ".");
  }
  return kExitOk;
}

void DeclareAdd(CLI::App& command, AddArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  command
      .add_option("EXPRESSION", args.expression,
                  "'cron@MINUTE HOUR DAY MONTH WEEKDAY [ZONE]' or "
                  "'interval@DAYS HOURS MINUTES SECONDS'")
      ->required();
  AddNamespaceOption(command, args.ns);
  command.add_option("--timezone", args.timezone,
                     "Of a cron expression that names none, e.g. Europe/Berlin");
  command
      .add_option("--catchup", args.catchup,
                  "Which due times that were missed are made up for: none, one, all")
      ->check(CLI::IsMember({"none", "one", "all"}))
      ->capture_default_str();
  command.add_flag("--skip-if-active", args.skip_if_active,
                   "Start none while an execution of the workflow is unfinished");
  AddParamOption(command, args.params);
}

}  // namespace

void AddScheduleCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "workflow-schedule", "Due times that start workflows");
  AddCommand<AddArgs>(group, slot, "add", "Start a workflow at due times", DeclareAdd, RunAdd);
  const OwnedKind<v1::WorkflowSchedule, v1::WorkflowScheduleRequest> kind{
      "schedule",
      &ToTable,
      [](v1::WorkflowScheduleRequest& request, int64_t id) { request.set_schedule_id(id); },
      &Client::GetWorkflowSchedule,
      &Client::ListWorkflowSchedules,
      &Client::DeleteWorkflowSchedule,
      &Client::DeleteWorkflowSchedules,
      &Client::PauseWorkflowSchedule,
      &Client::ResumeWorkflowSchedule};
  AddOwnedCommands(group, slot, kind);
}

}  // namespace aiflow::cli
