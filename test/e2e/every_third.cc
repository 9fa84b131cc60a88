// A workflow whose condition counts events: its task runs at every third one.
#include "aiflow/main.h"

namespace {

bool EveryThird(const aiflow::ReceivedEvent&, aiflow::ConditionContext& context) {
  aiflow::ValueState seen = context.State("seen");
  seen.UpdateInteger(seen.Integer() + 1);
  return seen.Integer() % 3 == 0;
}

}  // namespace

int main(int argc, char** argv) {
  aiflow::Workflow flow("w");
  aiflow::BashTask stream(flow, "stream", "sleep 1000");
  aiflow::BashTask third(flow, "third", "echo $AIFLOW_EVENT_VALUE >> \"$THIRDS\"");
  third.StartOn(aiflow::Condition::Custom("every third", {"k"}, EveryThird))
      .OnAlive(aiflow::OnAlive::kQueue);
  return aiflow::Main(argc, argv, {&flow});
}
