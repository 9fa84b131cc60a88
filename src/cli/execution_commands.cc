#include <chrono>
#include <optional>

#include "cli/command.h"
#include "cli/text.h"
#include "cli/watch.h"
#include "cli/workflow_request.h"

namespace aiflow::cli {
namespace {

constexpr double kMaxTimeoutSeconds = 366.0 * 24 * 3600;

struct NameArgs {
  std::string name;
  std::string ns;
  std::vector<std::string> params;
  bool watch = false;
  bool yes = false;
  std::string format;
};
struct RerunArgs {
  int64_t id = 0;
  std::vector<std::string> tasks;
};
struct WaitArgs {
  int64_t id = 0;
  std::optional<double> timeout_seconds;
};
struct IdArgs {
  int64_t id = 0;
  bool yes = false;
  std::string format;
};

Table ToTable(const std::vector<v1::WorkflowExecution>& executions) {
  Table table{.columns = {"id",
                          "workflow_id",
                          "begin_date",
                          "end_date",
                          "status",
                          "run_type",
                          "snapshot_id",
                          "event_offset",
                          {"namespace", true},
                          {"workflow_name", true},
                          {"reason", true},
                          {"waits_for", true},
                          {"params", true},
                          {"due_time", true},
                          {"source_id", true}},
              .rows = {}};
  for (const v1::WorkflowExecution& e : executions) {
    table.rows.push_back(
        {std::to_string(e.id()), std::to_string(e.workflow_id()), TimeOrNone(e.begin_time()),
         TimeOrNone(e.end_time()), e.status(), e.run_type(), std::to_string(e.snapshot_id()),
         std::to_string(e.event_offset()), e.namespace_(), e.workflow_name(),
         TextOrNone(e.reason()), TextOrNone(e.waits_for()), TextOrNone(e.params_json()),
         TimeOrNone(e.due_time()),
         e.source_id() > 0 ? std::optional(std::to_string(e.source_id())) : std::nullopt});
  }
  return table;
}

v1::WorkflowExecutionRequest ToRequest(const IdArgs& args) {
  v1::WorkflowExecutionRequest request;
  request.set_execution_id(args.id);
  request.set_request_id(Session::NewId());
  return request;
}

int RunStart(Session& session, const NameArgs& args) {
  std::optional<Interrupts> interrupts;
  if (args.watch) interrupts.emplace();
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto params = ParamsFor(**client, args.ns, args.name, args.params);
  if (!params) return FailForWorkflow(session, **client, args.ns, args.name, params.error());
  v1::StartWorkflowExecutionRequest request;
  request.set_params_json(*params);
  request.set_namespace_(args.ns);
  request.set_name(args.name);
  request.set_request_id(Session::NewId());
  const Result<int64_t> id = (*client)->StartWorkflowExecution(request);
  if (!id) return FailForWorkflow(session, **client, args.ns, args.name, id.error());
  session.output().Line("Workflow execution: " + std::to_string(*id) + " submitted.");
  if (!args.watch) return kExitOk;
  return WatchExecution(session, **client, *id, {.interrupt_fd = interrupts->fd()});
}

int Watch(Session& session, int64_t id, WatchOptions options) {
  const Interrupts interrupts;
  options.interrupt_fd = interrupts.fd();
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  // Asked first, so that a server that is not there is an error and not awaited.
  const auto found = (*client)->GetWorkflowExecution(id);
  if (!found) return session.Fail(found.error());
  return WatchExecution(session, **client, id, options);
}

int RunWatch(Session& session, const IdArgs& args) { return Watch(session, args.id, {}); }

int RunWait(Session& session, const WaitArgs& args) {
  WatchOptions options;
  options.quiet = true;
  if (args.timeout_seconds) {
    options.timeout = std::chrono::milliseconds(static_cast<int64_t>(*args.timeout_seconds * 1000));
  }
  return Watch(session, args.id, options);
}

int RunStop(Session& session, const IdArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  if (const Status status = (*client)->StopWorkflowExecution(ToRequest(args)); !status.ok()) {
    return session.Fail(status);
  }
  session.output().Line("Stopping workflow execution: " + std::to_string(args.id));
  return kExitOk;
}

int RunRerun(Session& session, const RerunArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::RerunTasksRequest request;
  request.set_execution_id(args.id);
  for (const std::string& task : args.tasks) request.add_task_names(task);
  request.set_request_id(Session::NewId());
  const Result<int64_t> started = (*client)->RerunTasks(request);
  if (!started) return session.Fail(started.error());
  session.output().Line("Workflow execution: " + std::to_string(args.id) + ", " +
                        std::to_string(*started) + (*started == 1 ? " task" : " tasks") +
                        " started again.");
  return kExitOk;
}

int RunStopAll(Session& session, const NameArgs& args) {
  const std::string full_name = args.ns + "." + args.name;
  if (!session.Confirm("Stop all executions of the workflow " + full_name + "?", args.yes)) {
    return kExitError;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const Result<int64_t> stopping =
      (*client)->StopWorkflowExecutions(WorkflowRequestFor(args.ns, args.name));
  if (!stopping) return FailForWorkflow(session, **client, args.ns, args.name, stopping.error());
  session.output().Line("Stopping all workflow executions of workflow: " + full_name);
  session.output().Note(std::to_string(*stopping) + " stopping.");
  return kExitOk;
}

int RunList(Session& session, const NameArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto executions = (*client)->ListWorkflowExecutions(args.ns, args.name);
  if (!executions)
    return FailForWorkflow(session, **client, args.ns, args.name, executions.error());
  session.output().Print(ToTable(*executions), *ParseFormat(args.format));
  return kExitOk;
}

int RunShow(Session& session, const IdArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto found = (*client)->GetWorkflowExecution(args.id);
  if (!found && found.error().code() == Code::kNotFound) {
    return session.Fail(Status(Code::kNotFound, "No such workflow execution."));
  }
  if (!found) return session.Fail(found.error());
  session.output().Print(ToTable({*found}), *ParseFormat(args.format));
  return kExitOk;
}

int RunDelete(Session& session, const IdArgs& args) {
  const std::string id = std::to_string(args.id);
  if (!session.Confirm("Delete the workflow execution " + id + " and its files?", args.yes)) {
    return kExitError;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  if (const Status status = (*client)->DeleteWorkflowExecution(ToRequest(args)); !status.ok()) {
    return session.Fail(status);
  }
  session.output().Line("Workflow execution: " + id + " deleted.");
  return kExitOk;
}

void DeclareId(CLI::App& command, IdArgs& args) {
  command.add_option("ID", args.id, "Id of the workflow execution")->required();
}

void DeclareName(CLI::App& command, NameArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow")->required();
  AddNamespaceOption(command, args.ns);
}

}  // namespace

void AddExecutionCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "workflow-execution", "Runs of workflows");
  AddCommand<IdArgs>(
      group, slot, "delete", "Delete a finished workflow execution and its files",
      [](CLI::App& command, IdArgs& args) {
        DeclareId(command, args);
        AddYesOption(command, args.yes);
      },
      RunDelete);
  AddCommand<NameArgs>(
      group, slot, "list", "List the executions of a workflow",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddFormatOption(command, args.format);
      },
      RunList);
  AddCommand<RerunArgs>(
      group, slot, "rerun", "Start tasks of an execution again, also of a finished one",
      [](CLI::App& command, RerunArgs& args) {
        command.add_option("ID", args.id, "Id of the workflow execution")->required();
        command.add_option("TASK", args.tasks,
                           "Names of the tasks; none: every task whose latest run FAILED. Their "
                           "downstream follows by its rules");
      },
      RunRerun);
  AddCommand<IdArgs>(
      group, slot, "show", "Show a workflow execution",
      [](CLI::App& command, IdArgs& args) {
        DeclareId(command, args);
        AddFormatOption(command, args.format);
      },
      RunShow);
  AddCommand<NameArgs>(
      group, slot, "start", "Start an execution of a workflow",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddParamOption(command, args.params);
        command.add_flag("-w,--watch", args.watch,
                         "Show its tasks until it is finished; the exit code is its outcome");
      },
      RunStart);
  AddCommand<IdArgs>(group, slot, "stop", "Stop a workflow execution", DeclareId, RunStop);
  AddCommand<NameArgs>(
      group, slot, "stop-all", "Stop all executions of a workflow",
      [](CLI::App& command, NameArgs& args) {
        DeclareName(command, args);
        AddYesOption(command, args.yes);
      },
      RunStopAll);
  AddCommand<WaitArgs>(
      group, slot, "wait", "Wait until an execution is finished; the exit code is its outcome",
      [](CLI::App& command, WaitArgs& args) {
        command.add_option("ID", args.id, "Id of the workflow execution")->required();
        command
            .add_option("--timeout", args.timeout_seconds,
                        "Seconds to wait; the execution runs on after them. None: for ever")
            ->check(CLI::Range(0.0, kMaxTimeoutSeconds));
      },
      RunWait);
  AddCommand<IdArgs>(group, slot, "watch", "Show the tasks of an execution until it is finished",
                     DeclareId, RunWatch);
}

}  // namespace aiflow::cli
