#include <algorithm>
#include <cctype>

#include "cli/command.h"
#include "cli/list_printer.h"
#include "cli/text.h"
#include "cli/why_text.h"

namespace aiflow::cli {
namespace {

struct TaskArgs {
  int64_t execution = 0;
  std::string task;
};
struct MarkArgs {
  int64_t execution = 0;
  std::string task;
  std::string status;
  std::string note;
};
struct ShowArgs {
  int64_t id = 0;
  std::string format;
};
struct ListArgs {
  int64_t execution = 0;
  std::string task;
  std::vector<std::string> statuses;
  ListOptions list;
};

Table TaskTable() {
  return {.columns = {"id",
                      {"workflow_execution_id", kOffScreen},
                      "task_name",
                      {"sequence_number", kOffScreen},
                      {"try_number", kOffScreen},
                      {"run", kOnScreen},
                      {"try", kOnScreen},
                      "begin_date",
                      {"end_date", kOffScreen},
                      {"took", kOnScreen},
                      "status",
                      {"executor", kDetail},
                      {"pid", kDetail},
                      {"cause", kDetail},
                      {"reason", kDetail},
                      {"waits_for", kDetail},
                      {"deadline", kDetail},
                      {"output", kDetail}},
          .rows = {}};
}

Table::Row ToRow(const v1::TaskExecution& e) {
  const v1::Cause& cause = e.cause();
  const std::string why =
      CauseText(cause.event_key(), cause.event_value(), cause.offset(), cause.text());
  return {std::to_string(e.id()),
          std::to_string(e.execution_id()),
          e.task_name(),
          std::to_string(e.sequence_number()),
          std::to_string(e.try_number()),
          std::to_string(e.sequence_number()),
          std::to_string(e.try_number()),
          TimeOrNone(e.begin_time()),
          TimeOrNone(e.end_time()),
          SpanOrNone(e.begin_time(), e.end_time()),
          e.status(),
          TextOrNone(e.executor()),
          e.pid() > 0 ? std::optional(std::to_string(e.pid())) : std::nullopt,
          TextOrNone(why),
          TextOrNone(e.reason()),
          TextOrNone(e.waits_for()),
          TimeOrNone(e.deadline()),
          TextOrNone(e.output())};
}

v1::TaskRequest ToRequest(const TaskArgs& args) {
  v1::TaskRequest request;
  request.set_execution_id(args.execution);
  request.set_task_name(args.task);
  request.set_request_id(Session::NewId());
  return request;
}

int RunStart(Session& session, const TaskArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto started = (*client)->StartTaskExecution(ToRequest(args));
  if (!started) return session.Fail(started.error());
  session.output().Line("Task execution: " + std::to_string(args.execution) + "_" + args.task +
                        "_" + std::to_string(started->sequence_number()) + " submitted.");
  return kExitOk;
}

int RunStop(Session& session, const TaskArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto stopped = (*client)->StopTaskExecution(ToRequest(args));
  if (!stopped) return session.Fail(stopped.error());
  session.output().Line("Stopping execution of task: " + args.task +
                        " of workflow execution: " + std::to_string(args.execution) + ".");
  if (!stopped->message().empty()) session.output().Note(stopped->message());
  return kExitOk;
}

int RunMark(Session& session, const MarkArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  std::string status = args.status;  // success or failed, in any case
  std::transform(status.begin(), status.end(), status.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  v1::MarkTaskRequest request;
  request.set_execution_id(args.execution);
  request.set_task_name(args.task);
  request.set_status(status);
  request.set_note(args.note);
  request.set_request_id(Session::NewId());
  const Result<int64_t> marked = (*client)->MarkTask(request);
  if (!marked) return session.Fail(marked.error());
  session.output().Line("Task execution: " + std::to_string(*marked) + ", " + args.task +
                        " of workflow execution: " + std::to_string(args.execution) + " marked " +
                        status + ".");
  return kExitOk;
}

int RunShow(Session& session, const ShowArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto found = (*client)->GetTaskExecution(args.id);
  if (!found && found.error().code() == Code::kNotFound) {
    return session.Fail(Status(Code::kNotFound, "No such task execution."));
  }
  if (!found) return session.Fail(found.error());
  Table table = TaskTable();
  table.rows.push_back(ToRow(*found));
  session.output().Print(table, *ParseFormat(args.format));
  return kExitOk;
}

int RunList(Session& session, const ListArgs& args) {
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  v1::ListTaskExecutionsRequest request;
  request.set_execution_id(args.execution);
  request.set_task_name(args.task);
  request.mutable_statuses()->Assign(args.statuses.begin(), args.statuses.end());
  SetOrder(args.list, "id", request);
  const Status status = PrintPages<v1::TaskExecution>(
      session, TaskTable(), args.list, ToRow,
      [&](const auto& sink) { return (*client)->ListTaskExecutions(request, sink); });
  return status.ok() ? int{kExitOk} : session.Fail(status);
}

void DeclareTask(CLI::App& command, TaskArgs& args) {
  command.add_option("EXECUTION", args.execution, "Id of the workflow execution")->required();
  command.add_option("TASK", args.task, "Name of the task")->required();
}

}  // namespace

void AddTaskCommands(CLI::App& app, CommandSlot& slot) {
  CLI::App& group = AddGroup(app, "task-execution", "Runs of single tasks");
  AddCommand<ListArgs>(
      group, slot, "list", "List the task executions of a workflow execution",
      [](CLI::App& command, ListArgs& args) {
        command.add_option("EXECUTION", args.execution, "Id of the workflow execution")->required();
        command.add_option("TASK", args.task, "Only this task");
        AddFilterOption(
            command, "status", args.statuses,
            {"INIT", "QUEUED", "RUNNING", "SUCCESS", "FAILED", "STOPPING", "STOPPED", "RETRYING"},
            "Only in this status");
        AddListOptions(command, args.list);
      },
      RunList);
  AddCommand<MarkArgs>(
      group, slot, "mark", "Record by hand that a task succeeded or failed",
      [](CLI::App& command, MarkArgs& args) {
        command.add_option("EXECUTION", args.execution, "Id of the workflow execution")->required();
        command.add_option("TASK", args.task, "Name of the task; it must not be running")
            ->required();
        command.add_option("STATUS", args.status, "success or failed")
            ->required()
            ->check(CLI::IsMember({"success", "failed"}, CLI::ignore_case));
        command.add_option("--note", args.note, "Why; kept with the record");
      },
      RunMark);
  AddCommand<ShowArgs>(
      group, slot, "show", "Show a task execution",
      [](CLI::App& command, ShowArgs& args) {
        command.add_option("ID", args.id, "Id of the task execution")->required();
        AddFormatOption(command, args.format);
      },
      RunShow);
  AddCommand<TaskArgs>(group, slot, "start", "Start a task by hand", DeclareTask, RunStart);
  AddCommand<TaskArgs>(group, slot, "stop", "Stop the running execution of a task", DeclareTask,
                       RunStop);
}

}  // namespace aiflow::cli
