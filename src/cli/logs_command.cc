#include "cli/command.h"
#include "cli/reconnect.h"

namespace aiflow::cli {
namespace {

struct LogsArgs {
  int64_t execution = 0;
  std::string task;
  int64_t sequence = 0;
  int64_t try_number = 0;
  bool follow = false;
};

int RunLogs(Session& session, const LogsArgs& args) {
  v1::ReadTaskLogRequest request;
  request.set_execution_id(args.execution);
  request.set_task_name(args.task);
  request.set_sequence_number(args.sequence);
  request.set_try_number(args.try_number);
  request.set_follow(args.follow);
  Reconnect reconnect(session, "server");
  bool begun = false;
  for (;;) {
    const Result<Client*> client = session.GetClient();
    if (!client) return session.Fail(client.error());
    const Status status = (*client)->ReadTaskLog(request, [&](const v1::LogChunk& chunk) {
      begun = true;
      reconnect.Alive();
      session.output().Raw(chunk.data());
      request.set_begin_byte(chunk.next_byte());
    });
    if (status.ok()) return kExitOk;
    // A restart of the server does not end the log of a task that runs on.
    const bool again = args.follow && begun && status.code() == Code::kUnavailable;
    if (!again || !reconnect.Wait()) return session.Fail(status);
  }
}

}  // namespace

void AddLogsCommand(CLI::App& app, CommandSlot& slot) {
  AddCommand<LogsArgs>(
      app, slot, "logs", "Print what a task wrote to stdout and stderr",
      [](CLI::App& command, LogsArgs& args) {
        command.add_option("EXECUTION", args.execution, "Id of the workflow execution")->required();
        command.add_option("TASK", args.task, "Name of the task")->required();
        command.add_flag("-f,--follow", args.follow, "Go on until the run ends");
        command.add_option("--sequence", args.sequence,
                           "Which run of the task; the latest by default");
        command.add_option("--try", args.try_number, "Which try of the run; the latest by default");
      },
      RunLogs);
}

}  // namespace aiflow::cli
