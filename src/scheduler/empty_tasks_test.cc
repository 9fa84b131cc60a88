#include <gmock/gmock.h>

#include <deque>

#include "model/limits.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using S = TaskStatus;

TaskSpec Empty(std::string name, std::vector<RuleSpec> rules = {}) {
  TaskSpec task = Task(std::move(name), std::move(rules));
  task.op = OperatorKind::kEmpty;
  task.command.clear();
  return task;
}

class EmptyTasksTest : public SchedulerTest {
 protected:
  /// Delivers what the engine published until nothing is left. How many rounds it took.
  int Settle(int limit = 10'000) {
    int rounds = 0;
    const auto publishes = [this] {
      return std::ranges::any_of(rows_.outbox, [](const auto& entry) {
        return entry.second.kind == OutboxKind::kPublish;
      });
    };
    while (publishes() && rounds < limit) {
      DeliverAnnouncements();
      ++rounds;
    }
    return rounds;
  }
};

TEST_F(EmptyTasksTest, Rule24ItSucceedsWithoutAProcessAtAnOffsetOfItsOwn) {
  Run({Empty("a")});
  EXPECT_EQ(Latest("a"), S::kQueued);
  EXPECT_EQ(Commands(OutboxKind::kStartAttempt, "a"), 0);
  const Offset start = offset_;
  Settle();
  EXPECT_EQ(Latest("a"), S::kSuccess);
  EXPECT_GT(offset_, start);
  EXPECT_EQ(Status(), ExecutionStatus::kSuccess);
}

TEST_F(EmptyTasksTest, RunningAndSuccessAreAnnouncedAsOfAnyTask) {
  Run({Empty("a"), Task("b", {Start(OnStatus("a", S::kRunning))})});
  const std::vector<OutboxRow> rows = [this] {
    std::vector<OutboxRow> out;
    for (const auto& [id, row] : rows_.outbox) out.push_back(row);
    return out;
  }();
  ASSERT_EQ(rows.size(), 1U);
  Deliver(rows[0].publish);
  EXPECT_THAT(Announced(), ElementsAre("a RUNNING", "a SUCCESS"));
  EXPECT_EQ(Latest("b"), S::kQueued);
}

TEST_F(EmptyTasksTest, ItTakesNoSlot) {
  Request(SetPool{.name = kExecutorPool, .slots = 0});
  Run({Empty("a"), Empty("b", {Start(After({"a"}))})});
  Settle();
  EXPECT_EQ(Status(), ExecutionStatus::kSuccess);
}

TEST_F(EmptyTasksTest, ADiamondOfEmptyTasksJoinsOnce) {
  Run({Empty("a"), Empty("b", {Start(After({"a"}))}), Empty("c", {Start(After({"a"}))}),
       Empty("d", {Start(After({"b", "c"}))})});
  Settle();
  EXPECT_EQ(Runs("d"), 1);
  EXPECT_EQ(Status(), ExecutionStatus::kSuccess);
}

TEST_F(EmptyTasksTest, TheRealOutcomeWinsOverAStop) {
  const int64_t id = Run({Empty("a"), Task("stream")});
  Request(StopTaskExecution{.execution_id = id, .task = "a"});
  EXPECT_EQ(Latest("a"), S::kStopping);
  Settle();
  EXPECT_EQ(Latest("a"), S::kSuccess);
}

TEST_F(EmptyTasksTest, AReportThatComesAgainChangesNothing) {
  Run({Empty("a"), Task("stream")});
  const Event report = rows_.outbox.begin()->second.publish;
  Settle();
  const int64_t announced = rows_.counters.outbox;
  Deliver(report);
  EXPECT_EQ(rows_.counters.outbox, announced);
}

TEST_F(EmptyTasksTest, Rule24ALoopOfRulesFailsTheExecutionAndNamesItsTasks) {
  Run({Empty("ping", {Start(OnEvent("go")), Start(OnStatus("pong"))}),
       Empty("pong", {Start(OnStatus("ping"))})});
  Send("go");
  const int rounds = Settle(3'000);
  EXPECT_LT(rounds, 3'000);
  EXPECT_EQ(Status(), ExecutionStatus::kFailed);
  EXPECT_THAT(Execution().reason, HasSubstr("rule loop"));
  EXPECT_THAT(Execution().reason, HasSubstr("'ping', 'pong'"));
  EXPECT_GE(Runs("ping") + Runs("pong"), limits::kMaxCascade);
  EXPECT_LE(Runs("ping") + Runs("pong"), limits::kMaxCascade + 4);
}

TEST(EmptyTasksChainTest, Rule24ALongChainIsNoLoop) {
  // Without the fixture, which compares the whole state after each event.
  std::vector<TaskSpec> tasks = {Empty("t0")};
  for (int64_t i = 1; i < limits::kMaxCascade + 50; ++i) {
    tasks.push_back(Empty("t" + std::to_string(i), {Start(OnStatus("t" + std::to_string(i - 1)))}));
  }
  State state;
  std::deque<Event> log;
  Offset offset = 0;
  ExecutionRow execution;
  const auto spec = std::make_shared<const WorkflowSpec>(Workflow(tasks));
  log.push_back(FormatRequest(UploadWorkflow{.ns = "default", .name = "w", .spec_digest = "d"}));
  log.push_back(FormatRequest(StartWorkflowExecution{.ns = "default", .name = "w"}));
  while (!log.empty()) {
    Event event = std::move(log.front());
    log.pop_front();
    event.offset = ++offset;
    event.create_time = Millis(offset);
    const Decision decision = Decide(state, {event, offset == 1 ? spec : nullptr, {}});
    state.Apply(decision.changes);
    for (const Change& change : decision.changes) {
      if (const auto* row = std::get_if<OutboxRow>(&change)) log.push_back(row->publish);
      if (const auto* row = std::get_if<ExecutionRow>(&change)) execution = *row;
    }
  }
  EXPECT_EQ(execution.status, ExecutionStatus::kSuccess) << execution.reason;
}

}  // namespace
}  // namespace aiflow::test
