#include "cli/command.h"
#include "cli/text.h"
#include "cli/time_text.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

struct BackfillArgs {
  std::string name;
  std::string ns;
  int64_t schedule = 0;
  std::string expression;
  std::string timezone;
  std::string from;
  std::string to;
  bool dry_run = false;
  std::vector<std::string> params;
};

void Print(Session& session, const BackfillArgs& args, const v1::BackfillWorkflowResponse& done) {
  session.output().Line("Backfill of workflow: " + args.ns + "." + args.name + ", " +
                        done.message() + ".");
  for (int i = 0; i < done.due_times_size(); ++i) {
    std::string line = "  " + FormatTime(done.due_times(i));
    if (i < done.execution_ids_size()) {
      line += "  execution " + std::to_string(done.execution_ids(i));
    }
    session.output().Line(line);
  }
}

int RunBackfill(Session& session, const BackfillArgs& args) {
  if (args.schedule == 0 && args.expression.empty()) {
    session.output().Error("Due times of what? Give --schedule ID or --expression TEXT.");
    return kExitUsage;
  }
  const Result<int64_t> from = ParseTime(args.from);
  const Result<int64_t> to = ParseTime(args.to);
  for (const auto* time : {&from, &to}) {
    if (*time) continue;
    session.Fail(time->error());
    return kExitUsage;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto params = ParamsFor(**client, args.ns, args.name, args.params);
  if (!params) return FailForWorkflow(session, **client, args.ns, args.name, params.error());
  v1::BackfillWorkflowRequest request;
  request.set_namespace_(args.ns);
  request.set_name(args.name);
  request.set_schedule_id(args.schedule);
  request.set_expression(args.expression);
  request.set_timezone(args.timezone);
  request.set_from_time(*from);
  request.set_to_time(*to);
  request.set_params_json(*params);
  request.set_dry_run(args.dry_run);
  request.set_request_id(Session::NewId());
  const auto done = (*client)->BackfillWorkflow(request);
  if (!done) return FailForWorkflow(session, **client, args.ns, args.name, done.error());
  Print(session, args, *done);
  return kExitOk;
}

void Declare(CLI::App& command, BackfillArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  AddNamespaceOption(command, args.ns);
  CLI::Option* schedule =
      command.add_option("--schedule", args.schedule, "Due times of this schedule of the workflow");
  command
      .add_option("--expression", args.expression,
                  "Or of an expression, as of 'workflow-schedule add'")
      ->excludes(schedule);
  command.add_option("--timezone", args.timezone, "Of a cron expression that names none");
  command.add_option("--from", args.from, "First time, e.g. 2026-01-31 or 2026-01-31T08:00Z")
      ->required();
  command.add_option("--to", args.to, "Time to end before")->required();
  command.add_flag("--dry-run", args.dry_run, "Start nothing, say what would be started");
  AddParamOption(command, args.params);
}

}  // namespace

void AddBackfillCommand(CLI::App& group, CommandSlot& slot) {
  AddCommand<BackfillArgs>(group, slot, "backfill",
                           "Start an execution for each due time of a range that has none yet",
                           Declare, RunBackfill);
}

}  // namespace aiflow::cli
