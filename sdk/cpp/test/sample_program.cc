// A workflow program for the tests: one task per way in which the code of a task can end, and
// custom conditions.
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "aiflow/main.h"

namespace {

using aiflow::Condition;
using aiflow::ConditionContext;
using aiflow::ReceivedEvent;
using aiflow::TaskContext;

int Succeed(TaskContext& context) {
  std::cout << "trigger " << context.trigger().key << "=" << context.trigger().value << "\n";
  return 0;
}

int FailWithReason(TaskContext& context) { return context.Fail("not enough data"); }

int Throw(TaskContext&) { throw std::runtime_error("boom"); }

int GiveUp(TaskContext&) { throw aiflow::NonRetriableError("bad input"); }

int UntilStopped(TaskContext& context) {
  std::cout << "waiting" << std::endl;
  context.WaitForStop();
  std::cout << "stopped" << std::endl;
  return 3;
}

int Inputs(TaskContext& context) {
  const char* separator = "";
  for (const char* name : {"day", "rows", "deep", "none"}) {
    std::cout << separator << name << "=" << context.param(name).value_or("-");
    separator = " ";
  }
  std::cout << "\n";
  if (const auto due = context.due_time()) {
    std::cout << "due="
              << std::chrono::duration_cast<std::chrono::seconds>(due->time_since_epoch()).count()
              << "\n";
  }
  std::cout << "extract=" << context.output_of("extract").value_or("-") << "\n";
  const aiflow::Status status = context.SetOutput("done");
  return status.ok() ? 0 : context.Fail(status.message());
}

/// A job somewhere else, which is started, awaited and cancelled.
class Job : public aiflow::Operator {
 public:
  enum class Kind { kShort, kLong, kStubborn, kBroken };
  Job(std::string name, Kind kind) : name_(std::move(name)), kind_(kind) {}

  int Start(TaskContext& context) override {
    std::cout << "job " << name_ << " started" << std::endl;
    if (kind_ != Kind::kBroken) return 0;
    context.Fail("no cluster");
    return 7;
  }

  int AwaitTermination(TaskContext&) override {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [this] { return kind_ == Kind::kShort || (cancelled_ && kind_ != Kind::kStubborn); });
    std::cout << "job " << name_ << " ended" << std::endl;
    return 0;
  }

  void Stop(TaskContext& context) override {
    if (!context.stop_requested()) std::abort();
    std::cout << "job " << name_ << " cancelled" << std::endl;
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  const std::string name_;
  const Kind kind_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
};

/// Met by every third event.
bool EveryThird(const ReceivedEvent& event, ConditionContext& context) {
  std::cout << "asked about " << event.key << " at " << event.offset << std::endl;
  aiflow::ValueState count = context.State("count");
  count.UpdateInteger(count.Integer() + 1);
  if (count.Integer() < 3) return false;
  count.Clear();
  return true;
}

/// Says with its error what it sees.
class Describe : public aiflow::CustomCondition {
 public:
  bool IsMet(const ReceivedEvent& event, ConditionContext& context) override {
    throw std::runtime_error(
        event.value + "|" + event.context + "|" + event.ns + "|" + event.sender + "|" +
        context.ns() + "." + context.workflow() + "|" + std::to_string(context.execution_id()) +
        "|" + std::to_string(context.snapshot_id()) + "|" +
        (context.task_status("a") == aiflow::TaskStatus::kFailed ? "a failed" : "") + "|" +
        (context.task_status("b").has_value() ? "b ran" : "b never ran") + "|" +
        context.param("day").value_or("-") + "|" + context.param("rows").value_or("-") + "|" +
        context.State("kept").Value().value_or("-"));
  }
};

bool TooLarge(const ReceivedEvent&, ConditionContext& context) {
  context.State("large").Update(std::string((1 << 20) + 1, 'x'));
  return true;
}

bool Hang(const ReceivedEvent&, ConditionContext&) {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace

int main(int argc, char** argv) {
  aiflow::Workflow flow("sample");
  aiflow::FunctionTask succeed(flow, "succeed", Succeed);
  aiflow::FunctionTask fail(flow, "fail", FailWithReason);
  aiflow::FunctionTask thrower(flow, "throw", Throw);
  aiflow::FunctionTask give_up(flow, "give_up", GiveUp);
  aiflow::FunctionTask fail_for_good(flow, "fail_for_good", [](TaskContext& context) {
    return context.FailForGood("no such table");
  });
  aiflow::FunctionTask forever(flow, "forever", UntilStopped);
  aiflow::FunctionTask inputs(flow, "inputs", Inputs);
  aiflow::OperatorTask short_job(flow, "short_job",
                                 std::make_shared<Job>("short", Job::Kind::kShort));
  aiflow::OperatorTask long_job(flow, "long_job", std::make_shared<Job>("long", Job::Kind::kLong));
  aiflow::OperatorTask stubborn_job(flow, "stubborn_job",
                                    std::make_shared<Job>("stubborn", Job::Kind::kStubborn));
  aiflow::OperatorTask broken_job(flow, "broken_job",
                                  std::make_shared<Job>("broken", Job::Kind::kBroken));
  thrower.StartAfter({succeed});

  aiflow::Workflow asking("asking", "team");
  aiflow::BashTask asked(asking, "asked", "true");
  asked.StartOn("plain");
  asked.StopOn(Condition::AnyOf(
      {Condition::Event("x"), Condition::Custom("every third", {"k"}, EveryThird),
       Condition::AllOf("both", {Condition::Custom("describe", {"k"}, std::make_shared<Describe>()),
                                 Condition::Custom("too large", {"k"}, TooLarge)}),
       Condition::Custom("hang", {"k"}, Hang)}));
  return aiflow::Main(argc, argv, {&flow, &asking});
}
