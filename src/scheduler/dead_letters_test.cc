#include "scheduler/dead_letters.h"

#include <gmock/gmock.h>

#include "model/limits.h"
#include "scheduler/scenario.h"

namespace aiflow::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using S = TaskStatus;

class DeadLettersTest : public SchedulerTest {
 protected:
  int64_t RunX(std::vector<RuleSpec> rules, std::vector<TaskSpec> others = {}) {
    std::vector<TaskSpec> tasks = std::move(others);
    tasks.push_back(Task("x", std::move(rules), OnAlive::kQueue));
    tasks.push_back(Task("stream"));
    return Run(std::move(tasks));
  }
  int64_t Starts() const {
    return static_cast<int64_t>(Causes("x", CauseKind::kStarted).size() +
                                Causes("x", CauseKind::kQueued).size());
  }
};

TEST_F(DeadLettersTest, AQuestionThatNobodyCanAnswerCountsAsNotMet) {
  RunX({Start(Custom({"k"}, "Broken")), Start(OnEvent("k"))});
  const Offset event = Send("k");
  FailToAnswer("ZeroDivisionError: division by zero");
  EXPECT_EQ(RunOf("x", 1).cause_rule, 1) << "the rest goes on";
  ASSERT_EQ(rows_.dead_letters.size(), 1U);
  const DeadLetterRow& letter = rows_.dead_letters.at(1);
  EXPECT_EQ(letter.execution_id, ExecutionId(last_));
  EXPECT_EQ(letter.workflow_id, Execution().workflow_id);
  EXPECT_EQ(letter.task, Index("x"));
  EXPECT_EQ(letter.rule, 0);
  EXPECT_EQ(letter.question, 0);
  EXPECT_EQ(letter.event.key, "k");
  EXPECT_EQ(letter.event.offset, event);
  EXPECT_EQ(letter.time, now_);
  EXPECT_EQ(letter.error, "ZeroDivisionError: division by zero");
  EXPECT_EQ(Causes("x", CauseKind::kEvaluated).at(0).text,
            "'Broken' of rule 1: counts as not met, kept as failed event 1: ZeroDivisionError: "
            "division by zero, event 'k' at offset " +
                std::to_string(event));
}

TEST_F(DeadLettersTest, AnErrorClearsTheSlotOfItsLeaf) {
  RunX({Start(AllOf({Custom({"k"}), OnEvent("p")}))});
  Send("k");
  Answer(true);
  Send("k");
  FailToAnswer();
  Send("p");
  EXPECT_EQ(Starts(), 0);
}

TEST_F(DeadLettersTest, RetryAsksTheLeafAgain) {
  RunX({Start(Custom({"k"}))});
  const Offset event = Send("k");
  FailToAnswer();
  const ReplyRow reply = Request(RetryDeadLetter{1});
  EXPECT_EQ(reply.code, 0) << reply.message;
  EXPECT_THAT(rows_.dead_letters, IsEmpty());
  EXPECT_EQ(Asked(), "x 0 0: k");
  Answer(true);
  EXPECT_EQ(Starts(), 1);
  EXPECT_EQ(RunOf("x", 1).cause_offset, event);
}

TEST_F(DeadLettersTest, OnlyThatLeafSeesTheEventAgain) {
  RunX({Start(OnEvent("k")), Start(AnyOf({OnEvent("k"), Custom({"k"})})),
        Start(AllOf({OnEvent("k"), OnEvent("p")})), Start(Custom({"k"}))});
  Send("k");
  FailToAnswer();
  Answer(false);
  ASSERT_EQ(Starts(), 1);
  Send("p");
  ASSERT_EQ(Starts(), 2);
  Request(RetryDeadLetter{1});
  EXPECT_EQ(Asked(), "x 1 0: k");
  Answer(false);
  EXPECT_EQ(Asked(), "") << "the last rule has its answer";
  EXPECT_EQ(Starts(), 2) << "the plain leaf beside it has seen k";
  Send("p");
  EXPECT_EQ(Starts(), 2) << "k was used up";
}

TEST_F(DeadLettersTest, TheRuleIsMetAgainstTheStatusesAtTheRetry) {
  RunX({Start(AllOf({Custom({"k"}), OnStatus("a")}))}, {Task("a")});
  Send("k");
  FailToAnswer();
  Succeed("a");
  Request(RetryDeadLetter{1});
  Answer(true);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(DeadLettersTest, ARetryWaitsItsTurnAndLaterEventsWaitBehindIt) {
  RunX({Start(Custom({"k"})), Start(OnEvent("p"))});
  Send("k");
  FailToAnswer();
  Send("k");
  Request(RetryDeadLetter{1});
  Send("p");
  Answer(false);
  EXPECT_EQ(Starts(), 0);
  Answer(false);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(DeadLettersTest, ARetryThatFailsIsADeadLetterAgain) {
  RunX({Start(Custom({"k"}))});
  const Offset event = Send("k");
  FailToAnswer("first");
  Request(RetryDeadLetter{1});
  FailToAnswer("second");
  ASSERT_EQ(rows_.dead_letters.size(), 1U);
  EXPECT_EQ(rows_.dead_letters.at(2).error, "second");
  EXPECT_EQ(rows_.dead_letters.at(2).event.offset, event);
}

TEST_F(DeadLettersTest, AStatusOfAnOwnTaskIsAskedAboutAgain) {
  RunX({Start(AnyOf({OnStatus("a"), Custom({StatusChangedKey("default", "w", "a")})}))},
       {Task("a")});
  Report("a", S::kRunning);
  FailToAnswer();
  Request(RetryDeadLetter{1});
  EXPECT_EQ(Asked(), "x 0 0: [task_status_change].default.w.a");
  Answer(true);
  EXPECT_EQ(Starts(), 1);
}

TEST_F(DeadLettersTest, RetryOfAnExecutionThatIsOverIsRefused) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  FailToAnswer();
  Request(StopWorkflowExecution{last_});
  ReplyRow reply = Request(RetryDeadLetter{1});
  EXPECT_EQ(reply.code, static_cast<int>(Code::kFailedPrecondition));
  EXPECT_EQ(reply.message, "failed event 1 cannot be asked again: workflow execution " +
                               std::to_string(last_) + " is stopping");
  Report("stream", S::kStopped);
  reply = Request(RetryDeadLetter{1});
  EXPECT_THAT(reply.message, HasSubstr("is finished"));
  EXPECT_TRUE(rows_.dead_letters.contains(1)) << "until somebody drops it";
  Request(DeleteWorkflowExecution{last_});
  EXPECT_THAT(rows_.dead_letters, IsEmpty());
}

TEST_F(DeadLettersTest, DropRemovesIt) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  FailToAnswer();
  EXPECT_EQ(Request(DropDeadLetter{1}).message, "failed event 1 dropped");
  EXPECT_THAT(rows_.dead_letters, IsEmpty());
  EXPECT_EQ(Request(DropDeadLetter{1}).code, static_cast<int>(Code::kNotFound));
  EXPECT_EQ(Request(RetryDeadLetter{1}).message, "failed event 1 does not exist");
}

TEST_F(DeadLettersTest, OverTheLimitNoMoreAreKept) {
  RunX({Start(Custom({"k"}))});
  Send("k");
  FailToAnswer();
  std::vector<Change> rows;
  DeadLetterRow letter = rows_.dead_letters.at(1);
  for (size_t i = 1; i < limits::kMaxDeadLetters; ++i) {
    letter.id = DeadLetterId(static_cast<int64_t>(i) + 1);
    rows.emplace_back(letter);
  }
  CountersRow counters = rows_.counters;
  counters.dead_letter = letter.id.value();
  rows.emplace_back(counters);
  state_.Apply(rows);
  rows_.Apply(rows);
  Send("k");
  FailToAnswer();
  EXPECT_EQ(rows_.dead_letters.size(), limits::kMaxDeadLetters);
  EXPECT_THAT(Causes("x", CauseKind::kEvaluated).back().text,
              HasSubstr("counts as not met, not kept: as many failed events are"));
  StartExecution();
  Send("k");
  FailToAnswer();
  EXPECT_EQ(rows_.dead_letters.size(), limits::kMaxDeadLetters + 1)
      << "another execution has a limit of its own";
}

TEST_F(DeadLettersTest, LongErrorsAreCutBetweenCharacters) {
  std::string error;
  while (error.size() < 2 * limits::kMaxErrorBytes) error += "\xc3\xa4";
  const std::string shortened = ShortError(error);
  EXPECT_LE(shortened.size(), limits::kMaxErrorBytes);
  EXPECT_TRUE(shortened.ends_with("\xa4..."));
  EXPECT_EQ(ShortError("short"), "short");
}

}  // namespace
}  // namespace aiflow::test
