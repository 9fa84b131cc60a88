#include <aiflow/main.h>

int main(int argc, char** argv) {
  aiflow::Workflow flow("hello");
  aiflow::BashTask prepare(flow, "prepare", "echo preparing");
  aiflow::FunctionTask consume(flow, "consume", [](aiflow::TaskContext& context) {
    return context.trigger().value.empty() ? context.Fail("no value") : 0;
  });
  consume.StartOn("data_ready");
  return aiflow::Main(argc, argv, {&flow});
}
