#include <chrono>
#include <optional>

#include "cli/command.h"
#include "cli/list_printer.h"
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
};
struct ListArgs {
  std::string name;
  std::string ns;
  bool all = false;
  std::vector<std::string> statuses;
  std::vector<std::string> run_types;
  ListOptions list;
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

// `of_several`: the workflow does not go without saying.
// `of_all`: nor does the namespace.
Table ExecutionTable(bool of_several, bool of_all) {
  const Shown name = of_several ? kAlways : kDetail;
  return {.columns = {"id",
                      {"workflow_id", of_several ? kOffScreen : kAlways},
                      "begin_date",
                      {"end_date", kOffScreen},
                      {"took", kOnScreen},
                      "status",
                      {"run_type", of_all ? kOffScreen : kAlways},
                      {"snapshot_id", kOffScreen},
                      {"event_offset", kOffScreen},
                      {"namespace", of_all       ? kAlways
                                    : of_several ? kOffScreen
                                                 : kDetail},
                      {"workflow_name", name},
                      {"reason", kDetail},
                      {"waits_for", kDetail},
                      {"params", kDetail},
                      {"due_time", kDetail},
                      {"source_id", kDetail}},
          .rows = {}};
}

Table::Row ToRow(const v1::WorkflowExecution& e) {
  return {std::to_string(e.id()),
          std::to_string(e.workflow_id()),
          TimeOrNone(e.begin_time()),
          TimeOrNone(e.end_time()),
          SpanOrNone(e.begin_time(), e.end_time()),
          e.status(),
          e.run_type(),
          std::to_string(e.snapshot_id()),
          std::to_string(e.event_offset()),
          e.namespace_(),
          e.workflow_name(),
          TextOrNone(e.reason()),
          TextOrNone(e.waits_for()),
          TextOrNone(e.params_json()),
          TimeOrNone(e.due_time()),
          e.source_id() > 0 ? std::optional(std::to_string(e.source_id())) : std::nullopt};
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

int RunList(Session& session, const ListArgs& args) {
  if (args.all && !args.name.empty()) {
    session.output().Error("--all-namespaces does not go with the NAME of one workflow.");
    return kExitUsage;
  }
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::ListWorkflowExecutionsRequest request;
  if (!args.all) request.set_namespace_(args.ns);
  request.set_name(args.name);
  request.mutable_statuses()->Assign(args.statuses.begin(), args.statuses.end());
  request.mutable_run_types()->Assign(args.run_types.begin(), args.run_types.end());
  SetOrder(args.list, "id", request);
  const Status status = PrintPages<v1::WorkflowExecution>(
      session, ExecutionTable(args.name.empty(), args.all), args.list, ToRow,
      [&](const auto& sink) { return (*client)->ListWorkflowExecutions(request, sink); });
  if (status.ok()) return kExitOk;
  if (args.name.empty()) return session.Fail(status);
  return FailForWorkflow(session, **client, args.ns, args.name, status);
}

int RunShow(Session& session, const IdArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto found = (*client)->GetWorkflowExecution(args.id);
  if (!found && found.error().code() == Code::kNotFound) {
    return session.Fail(Status(Code::kNotFound, "No such workflow execution."));
  }
  if (!found) return session.Fail(found.error());
  Table table = ExecutionTable(false, false);
  table.rows.push_back(ToRow(*found));
  session.output().Print(table, *ParseFormat(args.format));
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

void DeclareList(CLI::App& command, ListArgs& args) {
  command.add_option("NAME", args.name, "Name of the workflow; none: of all");
  AddNamespaceOption(command, args.ns);
  command.add_flag("-A,--all-namespaces", args.all, "Of the workflows of every namespace");
  AddFilterOption(command, "status", args.statuses,
                  {"INIT", "RUNNING", "STOPPING", "SUCCESS", "FAILED", "STOPPED"},
                  "Only in this status");
  AddFilterOption(command, "run-type", args.run_types, {"MANUAL", "PERIODIC", "EVENT"},
                  "Only started like this");
  AddListOptions(command, args.list);
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
  AddCommand<ListArgs>(group, slot, "list", "List the executions of a workflow, or of all",
                       DeclareList, RunList);
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
