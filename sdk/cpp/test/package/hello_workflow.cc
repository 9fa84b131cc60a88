#include <aiflow/main.h>

int main(int argc, char** argv) {
  aiflow::Workflow flow("hello");
  aiflow::BashTask prepare(flow, "prepare", "echo preparing");
  aiflow::FunctionTask consume(flow, "consume", [](aiflow::TaskContext& context) {
    return context.trigger().value.empty() ? context.Fail("no value") : 0;
  });
  consume.StartOn(aiflow::OnEvent("data_ready").Context("/rows", aiflow::AtLeast(1)))
      .Retries(2, std::chrono::seconds(1));
  prepare.RestartOn(aiflow::Condition::Custom(
      "twice", {"again"}, [](const aiflow::ReceivedEvent&, aiflow::ConditionContext& context) {
        aiflow::ValueState count = context.State("count");
        count.UpdateInteger(count.Integer() + 1);
        return count.Integer() == 2;
      }));
  return aiflow::Main(argc, argv, {&flow});
}
