#include "plugin/attempt_book.h"

#include <gmock/gmock.h>

namespace aiflow::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Outcome = AttemptBook::Outcome;
using Verb = AttemptBook::Verb;

class AttemptBookTest : public testing::Test {
 protected:
  static AttemptSpec Spec(int64_t sequence) {
    AttemptSpec spec;
    spec.key = {.execution = ExecutionId(3), .task = 0, .sequence = sequence, .try_number = 1};
    spec.token = "t" + std::to_string(sequence);
    spec.argv = {"true"};
    spec.final_exit_code = 100;
    return spec;
  }
  static PluginReport Said(int64_t sequence, TaskStatus status, int exit_code = 0) {
    const AttemptSpec spec = Spec(sequence);
    PluginReport report{.key = spec.key, .token = spec.token};
    report.stage = IsFinished(status) ? Stage::kEnded : Stage::kRunning;
    report.report = {
        .key = spec.key, .token = spec.token, .status = status, .exit_code = exit_code};
    return report;
  }
  static PluginReport Accepted(int64_t sequence) {
    const AttemptSpec spec = Spec(sequence);
    return {.key = spec.key, .token = spec.token};
  }
  /// The next command as "start 3-0-1-1"; empty: none.
  std::string Next() {
    const auto command = book_.Next(now_);
    if (!command.has_value()) return "";
    return (command->verb == Verb::kStart ? "start " : "stop ") + command->key;
  }
  void Answer(int64_t sequence, Verb verb, Outcome outcome = Outcome::kDone) {
    book_.Answered(Spec(sequence).key.ToString(), verb, outcome, now_);
  }
  void List(const std::vector<PluginReport>& reports) {
    book_.BeginList();
    for (const PluginReport& report : reports) book_.Report(report, true, now_);
    book_.EndList(now_);
  }
  void Pass(std::chrono::milliseconds time) { now_ += time; }

  AttemptBook book_{"far"};
  AttemptBook::Instant now_{std::chrono::seconds(1'000)};
};

TEST_F(AttemptBookTest, StartsInTheOrderInWhichTheyWereAskedFor) {
  for (const int64_t i : {2, 1, 3}) book_.Start(Spec(i), now_);
  EXPECT_EQ(Next(), "start 3-0-2-1");
  EXPECT_EQ(Next(), "start 3-0-1-1");
  EXPECT_EQ(Next(), "start 3-0-3-1");
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(book_.under_way(), 3U);
  Answer(1, Verb::kStart);
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(book_.under_way(), 2U);
}

TEST_F(AttemptBookTest, StopOfWhatWasNotSentIsSentInItsPlace) {
  book_.Start(Spec(1), now_);
  book_.Stop(Spec(1), now_);
  EXPECT_EQ(Next(), "stop 3-0-1-1");
  EXPECT_EQ(Next(), "");
}

TEST_F(AttemptBookTest, StopWaitsForTheAnswerToTheStart) {
  book_.Start(Spec(1), now_);
  EXPECT_EQ(Next(), "start 3-0-1-1");
  book_.Stop(Spec(1), now_);
  EXPECT_EQ(Next(), "");
  Answer(1, Verb::kStart);
  EXPECT_EQ(Next(), "stop 3-0-1-1");
  Answer(1, Verb::kStop);
  EXPECT_EQ(Next(), "");
}

TEST_F(AttemptBookTest, UnansweredCommandsAndStopsAreSaidAgainOverANewConnection) {
  book_.Start(Spec(1), now_);
  book_.Start(Spec(2), now_);
  Next();
  Next();
  Answer(2, Verb::kStart);
  book_.Stop(Spec(2), now_);
  EXPECT_EQ(Next(), "stop 3-0-2-1");
  Answer(2, Verb::kStop);
  book_.Disconnected(now_);
  EXPECT_EQ(book_.under_way(), 0U);
  EXPECT_EQ(Next(), "stop 3-0-2-1");
  EXPECT_EQ(Next(), "start 3-0-1-1");
  EXPECT_EQ(book_.counts().starts, 2);
  EXPECT_EQ(book_.counts().replayed, 1);
}

TEST_F(AttemptBookTest, WhatFailsIsSaidAgainAfterAPauseAndHoldsUpNobody) {
  book_.Start(Spec(1), now_);
  book_.Start(Spec(2), now_);
  EXPECT_EQ(Next(), "start 3-0-1-1");
  Answer(1, Verb::kStart, Outcome::kRetry);
  EXPECT_EQ(Next(), "start 3-0-2-1");
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(book_.NextDue().has_value());
  EXPECT_GT(*book_.NextDue(), now_);
  Pass(Backoff::kFirst);
  EXPECT_EQ(Next(), "start 3-0-1-1");
}

TEST_F(AttemptBookTest, AFullPlugInIsGivenNoStartsForAWhileButStops) {
  for (int64_t i = 1; i <= 3; ++i) book_.Start(Spec(i), now_);
  EXPECT_EQ(Next(), "start 3-0-1-1");
  Answer(1, Verb::kStart, Outcome::kFull);
  EXPECT_EQ(Next(), "");
  book_.Stop(Spec(2), now_);
  EXPECT_EQ(Next(), "stop 3-0-2-1");
  EXPECT_EQ(Next(), "");
  Pass(Backoff::kFirst);
  EXPECT_EQ(Next(), "start 3-0-1-1");
  EXPECT_EQ(Next(), "start 3-0-3-1");
}

TEST_F(AttemptBookTest, ReportsGoForwardOnlyAndOnceEach) {
  book_.Start(Spec(1), now_);
  Next();
  book_.Report(Said(1, TaskStatus::kRunning), false, now_);
  book_.Report(Said(1, TaskStatus::kRunning), false, now_);
  book_.Report(Accepted(1), false, now_);
  EXPECT_THAT(book_.Take().reports, SizeIs(1));
  EXPECT_EQ(book_.running(), 1);
  book_.Report(Said(1, TaskStatus::kFailed, 3), false, now_);
  book_.Report(Said(1, TaskStatus::kRunning), false, now_);
  book_.Report(Said(1, TaskStatus::kFailed, 3), false, now_);
  const auto told = book_.Take();
  ASSERT_THAT(told.reports, SizeIs(1));
  EXPECT_EQ(told.reports[0].status, TaskStatus::kFailed);
  EXPECT_FALSE(told.reports[0].final_failure);
  EXPECT_EQ(book_.running(), 0);
  EXPECT_EQ(book_.counts().refused, 0);
}

TEST_F(AttemptBookTest, AnotherEndThanTheOneToldIsRefused) {
  book_.Start(Spec(1), now_);
  book_.Report(Said(1, TaskStatus::kFailed, 3), false, now_);
  book_.Take();
  book_.Report(Said(1, TaskStatus::kSuccess), false, now_);
  const auto told = book_.Take();
  EXPECT_THAT(told.reports, IsEmpty());
  EXPECT_THAT(told.complaints, ElementsAre(HasSubstr("is SUCCESS, after it has said FAILED")));
  EXPECT_EQ(book_.counts().refused, 1);
}

TEST_F(AttemptBookTest, ReportWithAnotherTokenIsRefused) {
  book_.Start(Spec(1), now_);
  PluginReport report = Said(1, TaskStatus::kSuccess);
  report.token = "guessed";
  book_.Report(report, false, now_);
  const auto told = book_.Take();
  EXPECT_THAT(told.reports, IsEmpty());
  EXPECT_THAT(told.complaints, ElementsAre(HasSubstr("another token")));
}

TEST_F(AttemptBookTest, ExitCodeOfAFinalFailureIsKnownHere) {
  book_.Start(Spec(1), now_);
  book_.Report(Said(1, TaskStatus::kFailed, 100), false, now_);
  EXPECT_TRUE(book_.Take().reports.at(0).final_failure);
}

TEST_F(AttemptBookTest, ListAdoptsStartsAndFindsTheLost) {
  book_.Expect({.spec = Spec(1), .status = TaskStatus::kRunning}, now_);
  book_.Expect({.spec = Spec(2), .status = TaskStatus::kQueued}, now_);
  book_.Expect({.spec = Spec(3), .status = TaskStatus::kQueued}, now_);
  book_.Expect({.spec = Spec(4), .status = TaskStatus::kRunning}, now_);
  book_.Expect({.spec = Spec(5), .status = TaskStatus::kStopping, .stop = true}, now_);
  book_.Expect({.spec = Spec(6), .status = TaskStatus::kSuccess}, now_);
  List({Said(1, TaskStatus::kRunning), Said(2, TaskStatus::kFailed, 1)});
  const auto told = book_.Take();
  ASSERT_THAT(told.reports, SizeIs(2));
  EXPECT_EQ(told.reports[0].status, TaskStatus::kRunning);
  EXPECT_EQ(told.reports[1].status, TaskStatus::kFailed);
  // Started is what was never claimed; what is lost is claimed first, and then said to have failed.
  std::map<std::string, std::string> refusals;
  while (const auto command = book_.Next(now_)) {
    EXPECT_EQ(command->verb, Verb::kStart);
    refusals[command->key] = command->spec.refusal;
  }
  EXPECT_THAT(refusals,
              ElementsAre(testing::Pair("3-0-3-1", ""),
                          testing::Pair("3-0-4-1", "executor far no longer knows the attempt"),
                          testing::Pair("3-0-5-1", "executor far no longer knows the attempt")));
  EXPECT_EQ(book_.counts().lost, 2);
}

TEST_F(AttemptBookTest, WhatIsClaimedDuringAListIsNotLost) {
  book_.Start(Spec(1), now_);
  book_.Start(Spec(2), now_);
  Next();
  Answer(1, Verb::kStart);
  Next();
  book_.BeginList();
  Answer(2, Verb::kStart);
  book_.EndList(now_);
  EXPECT_EQ(Next(), "start 3-0-1-1");  // refused: it was claimed before, and is not there
  EXPECT_EQ(Next(), "");
  Answer(1, Verb::kStart);
  book_.Report(Said(1, TaskStatus::kFailed), false, now_);
  List({Accepted(2)});
  EXPECT_EQ(Next(), "");
}

TEST_F(AttemptBookTest, ForgetWaitsForTheEndAndForTheAnswer) {
  book_.Start(Spec(1), now_);
  Next();
  Answer(1, Verb::kStart);
  book_.Forget(Spec(1).key);
  EXPECT_THAT(book_.NextForgets(10, now_), IsEmpty());
  book_.Report(Said(1, TaskStatus::kSuccess), false, now_);
  EXPECT_EQ(book_.size(), 0);
  EXPECT_THAT(book_.NextForgets(10, now_), ElementsAre("3-0-1-1"));
  EXPECT_THAT(book_.Forgotten(false, now_), IsEmpty());
  EXPECT_THAT(book_.NextForgets(10, now_), IsEmpty());
  Pass(Backoff::kFirst);
  EXPECT_THAT(book_.NextForgets(10, now_), ElementsAre("3-0-1-1"));
  EXPECT_THAT(book_.Forgotten(true, now_), ElementsAre(Spec(1).key));
  EXPECT_FALSE(book_.NextDue().has_value());
}

TEST_F(AttemptBookTest, EndedAttemptsOfNobodyAreForgottenAndRunningOnesAreLeftAlone) {
  List({Said(1, TaskStatus::kSuccess), Said(2, TaskStatus::kRunning)});
  List({Said(1, TaskStatus::kSuccess)});
  EXPECT_THAT(book_.NextForgets(10, now_), ElementsAre("3-0-1-1"));
  const auto told = book_.Take();
  EXPECT_THAT(told.reports, IsEmpty());
  EXPECT_THAT(told.complaints, ElementsAre(HasSubstr("3-0-2-1, which is nobody's")));
  EXPECT_EQ(book_.counts().unknown, 1);
}

TEST_F(AttemptBookTest, AskedAgainItSaysAgainWhatItKnows) {
  book_.Start(Spec(1), now_);
  book_.Start(Spec(1), now_);
  EXPECT_THAT(book_.Take().reports, IsEmpty());
  book_.Report(Said(1, TaskStatus::kFailed, 2), false, now_);
  book_.Take();
  book_.Start(Spec(1), now_);
  book_.Stop(Spec(1), now_);
  const auto told = book_.Take();
  ASSERT_THAT(told.reports, SizeIs(2));
  EXPECT_EQ(told.reports[0].exit_code, 2);
  EXPECT_EQ(told.reports[1].exit_code, 2);
  EXPECT_EQ(Next(), "");
}

}  // namespace
}  // namespace aiflow::plugin
