// Four tasks and one custom event: task1 and task2 run at once, task3 after both; task3 sends the
// event that starts task4 while task3 still runs.
//
//   aiflow workflow upload build/release/bin/quickstart
//   aiflow workflow-execution start quickstart_cpp --watch
#include <chrono>
#include <iostream>

#include "aiflow/main.h"

namespace {

int SendKey(aiflow::TaskContext& context) {
  aiflow::SendOptions options;
  options.execution_id = context.execution_id();
  options.event_id = context.attempt_key() + "-key";
  const auto sent = context.events().Send("key", "hello", options);
  if (!sent) return context.Fail(sent.error().message());
  std::cout << "sent event at offset " << sent->offset << std::endl;
  context.WaitFor(std::chrono::seconds(1));  // task4 does not wait for us
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  aiflow::Workflow flow("quickstart_cpp");
  aiflow::BashTask task1(flow, "task1", "echo I am task1");
  aiflow::BashTask task2(flow, "task2", "echo I am task2");
  aiflow::FunctionTask task3(flow, "task3", SendKey);
  aiflow::BashTask task4(flow, "task4", "echo I am task4, started by $AIFLOW_EVENT_KEY");

  task3.StartAfter({task1, task2});
  task4.StartOn("key");
  return aiflow::Main(argc, argv, {&flow});
}
