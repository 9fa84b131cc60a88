#include <gmock/gmock.h>

#include "model/hook_call.h"
#include "model/limits.h"
#include "scheduler/scenario.h"
#include "scheduler/state_rep.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using E = ExecutionStatus;
using S = TaskStatus;

class HooksTest : public SchedulerTest {
 protected:
  /// One task, `a`; hook 1 hears of failures, hook 2 of successes, hook 3 of both.
  void SetUp() override {
    WorkflowSpec spec = Workflow({Task("a")});
    spec.hooks.push_back({.on_failure = true, .on_success = false, .command = "mail ops"});
    spec.hooks.push_back({.on_failure = false, .on_success = true, .url = "http://host/ok"});
    spec.hooks.push_back({.on_failure = true, .on_success = true, .command = "log"});
    ASSERT_EQ(Upload(spec).code, 0);
    StartExecution();
  }
  [[nodiscard]] std::vector<OutboxRow> Hooks() const {
    std::vector<OutboxRow> hooks;
    for (const auto& [id, row] : rows_.outbox) {
      if (row.kind == OutboxKind::kHook) hooks.push_back(row);
    }
    return hooks;
  }
  [[nodiscard]] static HookCall CallOf(const OutboxRow& row) {
    const auto call = ParseHookCall(row.publish.context);
    EXPECT_TRUE(call.has_value()) << call.error();
    return call.value_or(HookCall{});
  }
  void Answer(const OutboxRow& row, const std::string& error = "") {
    Request(HookResult{.outbox_id = row.id.value(), .tries = row.tries, .error = error});
  }
  [[nodiscard]] std::vector<std::string> Texts(CauseKind kind) const {
    std::vector<std::string> texts;
    for (const auto& [key, cause] : rows_.causes) {
      if (cause.kind == kind && cause.task == -1) texts.push_back(cause.text);
    }
    return texts;
  }
};

TEST_F(HooksTest, AFailureIsToldToThoseThatWantToHearOfIt) {
  Report("a", S::kFailed);
  const std::vector<OutboxRow> hooks = Hooks();
  ASSERT_THAT(hooks, SizeIs(2));
  EXPECT_EQ(hooks[0].question, 0);
  EXPECT_EQ(hooks[1].question, 2);
  const HookCall call = CallOf(hooks[0]);
  EXPECT_EQ(call.execution_id, ExecutionId(1));
  EXPECT_EQ(call.workflow_id, WorkflowId(1));
  EXPECT_EQ(call.ns, "default");
  EXPECT_EQ(call.workflow, "w");
  EXPECT_EQ(call.status, E::kFailed);
  EXPECT_EQ(call.reason, "task 'a' failed: exit code 1");
  EXPECT_EQ(call.command, "mail ops");
  EXPECT_EQ(call.end_ms, now_.count());
}

TEST_F(HooksTest, ASuccessIsToldToThoseThatWantToHearOfIt) {
  Succeed("a");
  const std::vector<OutboxRow> hooks = Hooks();
  ASSERT_THAT(hooks, SizeIs(2));
  EXPECT_EQ(CallOf(hooks[0]).url, "http://host/ok");
  EXPECT_EQ(CallOf(hooks[1]).command, "log");
}

TEST_F(HooksTest, AStopIsToldToNobody) {
  Request(StopWorkflowExecution{1});
  Report("a", S::kStopped);
  EXPECT_EQ(Status(), E::kStopped);
  EXPECT_THAT(Hooks(), IsEmpty());
}

TEST_F(HooksTest, ADeliveredHookIsDoneWith) {
  Succeed("a");
  const OutboxRow hook = Hooks()[0];
  Answer(hook);
  EXPECT_THAT(Hooks(), SizeIs(1));
  EXPECT_THAT(Texts(CauseKind::kHook), ElementsAre("hook 2 was delivered at try 1"));
  Answer(hook);  // told twice
  EXPECT_THAT(Texts(CauseKind::kHook), SizeIs(1));
  ASSERT_THAT(decision_.changes, SizeIs(1)) << "the reply alone";
}

TEST_F(HooksTest, AFailedTryIsRepeatedLaterAndLater) {
  Succeed("a");
  Answer(Hooks()[1]);
  for (const int64_t seconds : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600}) {
    OutboxRow hook = Hooks()[0];
    EXPECT_EQ(hook.due, Millis(0));
    Answer(hook, "no route to host");
    hook = Hooks()[0];
    EXPECT_EQ(hook.due, now_ + Millis(seconds * 1000));
    Answer(hook, "nobody has tried it yet");
    EXPECT_EQ(Pass(Millis(seconds * 1000 - 1)), 1) << "due again";
  }
  EXPECT_EQ(Hooks()[0].tries, 12);
}

TEST_F(HooksTest, AnAnswerOfAnEarlierTryChangesNothing) {
  Succeed("a");
  const OutboxRow first = Hooks()[0];
  Answer(first, "refused");
  Answer(first, "refused, told twice");
  Answer(first);
  EXPECT_EQ(Hooks()[0].tries, 1);
  EXPECT_EQ(Pass(Millis(1000)), 1);
  EXPECT_EQ(Hooks()[0].due, Millis(0));
  EXPECT_EQ(Hooks()[0].tries, 1);
}

TEST_F(HooksTest, AHookThatIsGivenUpRaisesAnAlarm) {
  Succeed("a");
  Answer(Hooks()[1]);
  for (int64_t i = 1; i <= limits::kMaxHookTries; ++i) {
    ASSERT_THAT(Hooks(), SizeIs(1));
    Answer(Hooks()[0], "refused");
    Pass(Millis(limits::kMaxHookDelayMs));
  }
  EXPECT_THAT(Hooks(), IsEmpty());
  EXPECT_TRUE(state_.rep().timers.empty());
  EXPECT_THAT(Texts(CauseKind::kAlarm),
              ElementsAre(HasSubstr("hook 2 failed at try 20: refused; given up")));
}

TEST_F(HooksTest, AReopenedExecutionTellsItsNewEndToo) {
  Report("a", S::kFailed);
  Request(RerunTasks{1, {}});
  EXPECT_EQ(CallOf(Hooks()[0]).status, E::kFailed) << "it had failed, whatever comes";
  Answer(Hooks()[0]);
  Succeed("a");
  ASSERT_THAT(Hooks(), SizeIs(3));
  EXPECT_EQ(CallOf(Hooks()[1]).status, E::kSuccess);
}

TEST_F(HooksTest, DeletingWhatItIsAboutDropsAHook) {
  Report("a", S::kFailed);
  StartExecution();
  Report("a", S::kFailed);
  const OutboxRow dropped = Hooks()[0];
  EXPECT_EQ(Request(DeleteWorkflowExecution{1}).code, 0);
  EXPECT_THAT(Hooks(), SizeIs(2));
  Answer(dropped, "refused");
  EXPECT_THAT(Texts(CauseKind::kHook), IsEmpty()) << "nothing is written for what is gone";
  EXPECT_EQ(Request(DeleteWorkflow{"default", "w"}).code, 0);
  EXPECT_THAT(Hooks(), IsEmpty());
}

TEST_F(HooksTest, ALongReasonIsCutAtACharacter) {
  TaskStatusReport report;
  report.attempt = {ExecutionId(1), 0, 1, 1};
  report.status = S::kFailed;
  for (int i = 0; i < 6000; ++i) report.reason += "ä";
  Deliver(FormatRequest(report));
  const std::string reason = CallOf(Hooks()[0]).reason;
  EXPECT_LE(reason.size(), limits::kMaxHookReasonBytes);
  EXPECT_GT(reason.size(), limits::kMaxHookReasonBytes - 2);
  EXPECT_TRUE(reason.ends_with("ä"));
}

}  // namespace
}  // namespace aiflow::test
