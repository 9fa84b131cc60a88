// A workflow program for main_test: one task per way in which a function can end.
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "aiflow/main.h"

namespace {

int Succeed(aiflow::TaskContext& context) {
  std::cout << "trigger " << context.trigger().key << "=" << context.trigger().value << "\n";
  return 0;
}

int FailWithReason(aiflow::TaskContext& context) { return context.Fail("not enough data"); }

int Throw(aiflow::TaskContext&) { throw std::runtime_error("boom"); }

int UntilStopped(aiflow::TaskContext& context) {
  std::cout << "waiting" << std::endl;
  context.WaitForStop();
  std::cout << "stopped" << std::endl;
  return 3;
}

}  // namespace

int main(int argc, char** argv) {
  aiflow::Workflow flow("sample");
  aiflow::FunctionTask succeed(flow, "succeed", Succeed);
  aiflow::FunctionTask fail(flow, "fail", FailWithReason);
  aiflow::FunctionTask thrower(flow, "throw", Throw);
  aiflow::FunctionTask forever(flow, "forever", UntilStopped);
  thrower.StartAfter({succeed});
  return aiflow::Main(argc, argv, {&flow});
}
