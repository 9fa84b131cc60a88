#include "cli/command.h"
#include "cli/why_text.h"

namespace aiflow::cli {
namespace {

struct WhyArgs {
  int64_t execution = 0;
  std::string task;
};

int RunWhy(Session& session, const WhyArgs& args) {
  v1::ExplainRequest request;
  request.set_execution_id(args.execution);
  request.set_task_name(args.task);
  const Result<Client*> client = session.GetClient();
  if (!client) return session.Fail(client.error());
  const auto explained = (*client)->Explain(request);
  if (!explained) return session.Fail(explained.error());
  session.output().Raw(WhyText(*explained));
  return kExitOk;
}

}  // namespace

void AddWhyCommand(CLI::App& app, CommandSlot& slot) {
  AddCommand<WhyArgs>(
      app, slot, "why",
      "Say which event caused each start, which starts were ignored, and what is missing",
      [](CLI::App& command, WhyArgs& args) {
        command.add_option("EXECUTION", args.execution, "Id of the workflow execution")->required();
        command.add_option("TASK", args.task, "Only this task");
      },
      RunWhy);
}

}  // namespace aiflow::cli
