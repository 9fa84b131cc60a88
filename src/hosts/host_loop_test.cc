#include "hosts/host_loop.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <thread>

#include "base/program_log.h"

namespace aiflow::hosts {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

/// Longer than anything here takes on a busy machine.
constexpr std::chrono::seconds kPatience{120};

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Starts fake_host.py in the way that the host's file name says.
class FakePlanner final : public HostPlanner {
 public:
  explicit FakePlanner(std::filesystem::path dir) : dir_(std::move(dir)) {}

  Result<HostCommand> Plan(const ConditionQuestion& question) override {
    if (question.host.file == "gone") {
      return Error(Code::kFailedPrecondition, "the bundle has no file gone");
    }
    HostCommand command;
    command.argv = {question.host.file == "missing" ? "/no/such/python" : "python3",
                    AIFLOW_FAKE_HOST, question.host.file};
    command.env["PATH"] = getenv("PATH");
    command.dir = dir_.string();
    command.log = log().string();
    return command;
  }
  Result<std::string> ReadPickled(const std::string& digest) override {
    if (digest == "lost") return Error(Code::kNotFound, "blob lost is not there");
    return "pickled " + digest;
  }
  [[nodiscard]] std::filesystem::path log() const { return dir_ / "logs" / "host.log"; }

 private:
  const std::filesystem::path dir_;
};

class HostLoopTest : public ::testing::Test {
 protected:
  HostLoopTest() {
    std::string path = (std::filesystem::temp_directory_path() / "aiflow-hosts-XXXXXX").string();
    dir_ = mkdtemp(path.data());
    planner_ = std::make_unique<FakePlanner>(dir_);
    options_.timeout = kPatience;
    options_.start_timeout = kPatience;
    options_.patience = milliseconds(1);
  }
  ~HostLoopTest() override {
    loop_.reset();
    std::filesystem::remove_all(dir_);
  }

  HostLoop& loop() {
    if (loop_ == nullptr) loop_ = std::make_unique<HostLoop>(*planner_, options_);
    return *loop_;
  }

  ConditionQuestion Question(const std::string& value, const std::string& start = "ready") {
    ConditionQuestion question;
    question.id = OutboxId(++last_id_);
    question.host.file = start;
    question.task = "t";
    question.rule = 0;
    question.execution = ExecutionId(1);
    question.event.key = "k";
    question.event.value = value;
    return question;
  }
  std::future<ConditionAnswer> Ask(ConditionQuestion question) {
    const auto answer = std::make_shared<std::promise<ConditionAnswer>>();
    loop().Ask(std::move(question),
               [answer](ConditionAnswer said) { answer->set_value(std::move(said)); });
    return answer->get_future();
  }
  std::future<ConditionAnswer> Ask(const std::string& value, const std::string& start = "ready") {
    return Ask(Question(value, start));
  }
  static ConditionAnswer Wait(std::future<ConditionAnswer> answer) {
    if (answer.wait_for(kPatience) == std::future_status::ready) return answer.get();
    ADD_FAILURE() << "no answer";
    return {};
  }
  ConditionAnswer AskAndWait(const std::string& value, const std::string& start = "ready") {
    return Wait(Ask(value, start));
  }
  /// Nobody called back, or ever will.
  static bool IsUnanswered(std::future<ConditionAnswer> answer) {
    if (answer.wait_for(milliseconds(0)) == std::future_status::timeout) return true;
    try {
      return answer.get().error == "never";
    } catch (const std::future_error&) {
      return true;  // the callback is gone
    }
  }
  /// The process that answers.
  std::string Pid(const std::string& start = "ready") { return AskAndWait("pid", start).error; }

  [[nodiscard]] std::string Log() const { return ReadFile(planner_->log()); }
  [[nodiscard]] int64_t Starts() const {
    const std::string log = Log();
    int64_t count = 0;
    for (size_t at = log.find("started: "); at != std::string::npos;
         at = log.find("started: ", at + 1)) {
      ++count;
    }
    return count;
  }
  static bool WaitForEnd(pid_t pid) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (kill(pid, 0) == 0 || errno != ESRCH) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::filesystem::path dir_;
  std::unique_ptr<FakePlanner> planner_;
  HostPoolOptions options_;
  int64_t last_id_ = 0;
  std::unique_ptr<HostLoop> loop_;
};

TEST_F(HostLoopTest, TheAnswerOfAHostIsGivenBack) {
  EXPECT_TRUE(AskAndWait("met").met);
  const ConditionAnswer answer = AskAndWait("not-met");
  EXPECT_FALSE(answer.met);
  EXPECT_EQ(answer.error, "");
  EXPECT_EQ(answer.states_json, "");
}

TEST_F(HostLoopTest, StatesGoAndComeBackChanged) {
  ConditionQuestion question = Question("count");
  question.states.push_back({ExecutionId(1), {}, "count", "41"});
  const ConditionAnswer answer = Wait(Ask(question));
  EXPECT_TRUE(answer.met);
  EXPECT_EQ(answer.states_json, R"({"count":"NDI=","old":null})");
}

TEST_F(HostLoopTest, AHostIsKeptForTheNextQuestion) {
  const std::string pid = Pid();
  EXPECT_EQ(Pid(), pid);
  EXPECT_EQ(Pid(), pid);
}

TEST_F(HostLoopTest, AHostOutlivesAnErrorOfItsCondition) {
  const std::string pid = Pid();
  EXPECT_EQ(AskAndWait("error").error, "ValueError: bad input");
  EXPECT_EQ(Pid(), pid);
}

TEST_F(HostLoopTest, ManyQuestionsAreAllAnswered) {
  options_.hosts = 2;
  std::vector<std::future<ConditionAnswer>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(Ask("met"));
  for (auto& answer : answers) EXPECT_TRUE(Wait(std::move(answer)).met);
}

TEST_F(HostLoopTest, QuestionsLargerThanASocketsBufferArrive) {
  ConditionQuestion question = Question("met");
  question.states.push_back({ExecutionId(1), {}, "large", std::string(size_t{4} << 20, 'x')});
  EXPECT_TRUE(Wait(Ask(question)).met);
}

TEST_F(HostLoopTest, AHangingHostIsKilledAndItsQuestionAskedAgain) {
  options_.timeout = milliseconds(2'000);
  const std::string pid = Pid();
  EXPECT_TRUE(AskAndWait("hang-once " + (dir_ / "once").string()).met);
  EXPECT_NE(Pid(), pid);
  EXPECT_TRUE(WaitForEnd(std::stoi(pid)));
  EXPECT_THAT(Log(), HasSubstr("--- killed: no answer within 2 s"));
}

TEST_F(HostLoopTest, AHangIsGivenUpAfterTheLastAttempt) {
  options_.timeout = milliseconds(100);
  options_.attempts = 2;
  EXPECT_EQ(AskAndWait("hang").error, "no answer within 100 ms; attempt 2, the last");
  EXPECT_EQ(Starts(), 2);
}

TEST_F(HostLoopTest, WhatHostsDidIsCounted) {
  options_.timeout = milliseconds(100);
  options_.attempts = 2;
  EXPECT_FALSE(AskAndWait("hang").error.empty());
  loop().Stop();  // what its thread did last is counted
  const HostPoolStats stats = loop().stats();
  EXPECT_EQ(stats.starts, 2);
  EXPECT_EQ(stats.timeouts, 2);
  EXPECT_EQ(stats.failures, 2);
  EXPECT_EQ(stats.failing, 2);
  EXPECT_EQ(stats.given_up, 1);
  EXPECT_EQ(stats.answers, 0);
}

TEST_F(HostLoopTest, AHostThatDiesIsReplaced) {
  EXPECT_TRUE(AskAndWait("die-once " + (dir_ / "once").string()).met);
  options_.attempts = 1;
  loop_.reset();
  EXPECT_EQ(AskAndWait("die").error, "its host ended with exit code 3");
}

TEST_F(HostLoopTest, WhatAHostLeavesBehindIsKilled) {
  options_.attempts = 1;
  const std::filesystem::path file = dir_ / "child";
  EXPECT_EQ(AskAndWait("child " + file.string()).error, "its host ended with exit code 4");
  EXPECT_TRUE(WaitForEnd(std::stoi(ReadFile(file))));
}

TEST_F(HostLoopTest, AHostThatTalksNonsenseIsKilled) {
  options_.attempts = 1;
  EXPECT_EQ(AskAndWait("garbage").error, R"(its host said "hello, world")");
  EXPECT_THAT(AskAndWait("wrong-id").error, StartsWith(R"(its host said "{\"id\": )"));
  EXPECT_EQ(AskAndWait("flood").error, "its host said more than 8 MiB at once");
  EXPECT_EQ(Starts(), 3);
}

TEST_F(HostLoopTest, AHostThatClosesItsSocketIsKilled) {
  options_.attempts = 1;
  EXPECT_EQ(AskAndWait("close").error, "its host closed its socket");
}

TEST_F(HostLoopTest, AHostThatSpeaksWithoutBeingAskedIsReplaced) {
  const std::string pid = Pid();
  EXPECT_TRUE(AskAndWait("twice").met) << "the first answer counts";
  EXPECT_NE(Pid(), pid);
}

TEST_F(HostLoopTest, AHostThatCannotLoadItsFileIsNotTriedAgain) {
  const ConditionAnswer answer = AskAndWait("met", "error");
  EXPECT_EQ(answer.error, "its host cannot start: flow.py:3: NameError: name 'x' is not defined");
  EXPECT_EQ(Starts(), 1);
}

TEST_F(HostLoopTest, AHostThatDiesAtItsStartIsTriedAgain) {
  options_.attempts = 2;
  EXPECT_EQ(AskAndWait("met", "dies").error,
            "its host ended with exit code 7; attempt 2, the last");
  EXPECT_EQ(Starts(), 2);
  EXPECT_THAT(Log(), AllOf(HasSubstr("cannot go on"), HasSubstr("host ended with exit code 7")));
}

TEST_F(HostLoopTest, AHostThatDoesNotGreetInTimeIsKilled) {
  options_.start_timeout = milliseconds(300);
  options_.attempts = 1;
  EXPECT_EQ(AskAndWait("met", "silent").error, "its host did not start within 300 ms");
}

TEST_F(HostLoopTest, AHostOfAnotherKindIsRefused) {
  options_.attempts = 1;
  EXPECT_EQ(AskAndWait("met", "nonsense").error, R"(its host said "Welcome!")");
  EXPECT_THAT(AskAndWait("met", "newer").error, HasSubstr("another version of the protocol"));
}

TEST_F(HostLoopTest, WhatCannotBeStartedIsAnswered) {
  EXPECT_EQ(AskAndWait("met", "gone").error,
            "its host cannot be started: the bundle has no file gone");
  EXPECT_EQ(AskAndWait("met", "missing").error,
            "its host /no/such/python cannot be started: No such file or directory");
}

TEST_F(HostLoopTest, AHangingConditionHoldsUpNoOther) {
  options_.hosts = 2;
  const std::future<ConditionAnswer> hanging = Ask("hang");
  EXPECT_TRUE(AskAndWait("met").met) << "of the same workflow";
  EXPECT_TRUE(AskAndWait("met", "another").met);
  EXPECT_EQ(hanging.wait_for(milliseconds(0)), std::future_status::timeout);
}

TEST_F(HostLoopTest, AnIdleHostEndsWhenItsPlaceIsNeeded) {
  options_.hosts = 1;
  const std::string pid = Pid("a");
  EXPECT_NE(Pid("b"), pid);
  EXPECT_TRUE(WaitForEnd(std::stoi(pid)));
  EXPECT_NE(Pid("a"), pid);
}

TEST_F(HostLoopTest, ARepeatedQuestionWaitsBehindTheOthers) {
  options_.hosts = 1;
  options_.timeout = milliseconds(1'000);
  options_.attempts = 2;
  std::future<ConditionAnswer> hanging = Ask("hang");
  EXPECT_TRUE(AskAndWait("met").met);
  EXPECT_EQ(hanging.wait_for(milliseconds(0)), std::future_status::timeout);
  EXPECT_THAT(Wait(std::move(hanging)).error, HasSubstr("attempt 2, the last"));
}

TEST_F(HostLoopTest, AWithdrawnQuestionIsNotAnswered) {
  options_.hosts = 1;
  options_.timeout = milliseconds(300);
  options_.attempts = 1;
  ConditionQuestion hanging = Question("hang");
  ConditionQuestion waiting = Question("met");
  std::future<ConditionAnswer> first = Ask(hanging);
  std::future<ConditionAnswer> second = Ask(waiting);
  loop().Withdraw(hanging.id);
  loop().Withdraw(waiting.id);
  EXPECT_EQ(AskAndWait("error").error, "ValueError: bad input");
  EXPECT_TRUE(IsUnanswered(std::move(first)));
  EXPECT_TRUE(IsUnanswered(std::move(second)));
}

TEST_F(HostLoopTest, OfAQuestionAskedAgainTheLaterCallerIsAnswered) {
  options_.hosts = 1;
  options_.timeout = milliseconds(300);
  options_.attempts = 1;
  Ask("hang");
  ConditionQuestion question = Question("met");
  std::future<ConditionAnswer> first = Ask(question);
  EXPECT_TRUE(Wait(Ask(question)).met);
  EXPECT_TRUE(IsUnanswered(std::move(first)));
}

TEST_F(HostLoopTest, StopKillsTheHosts) {
  const std::string pid = Pid();
  std::future<ConditionAnswer> hanging = Ask("hang");
  loop().Stop();
  EXPECT_TRUE(WaitForEnd(std::stoi(pid)));
  EXPECT_TRUE(IsUnanswered(std::move(hanging)));
  Ask("met");  // is ignored
}

TEST_F(HostLoopTest, TheRuleOfATriggerGoesWithTheQuestion) {
  ConditionQuestion question = Question("echo");
  question.trigger = TriggerId(3);
  question.pickled_digest = "abc";
  EXPECT_THAT(Wait(Ask(question)).error, HasSubstr(R"("pickled": "cGlja2xlZCBhYmM=")"));
  question = Question("echo");
  question.pickled_digest = "lost";
  EXPECT_EQ(Wait(Ask(question)).error, "its rule cannot be read: blob lost is not there");
}

TEST_F(HostLoopTest, ALogOverItsLimitIsMovedAside) {
  std::filesystem::create_directories(planner_->log().parent_path());
  std::ofstream(planner_->log()) << std::string(kMaxProgramLogBytes + 1, 'x');
  EXPECT_TRUE(AskAndWait("met").met);
  EXPECT_LT(std::filesystem::file_size(planner_->log()), 1'000U);
  EXPECT_GT(std::filesystem::file_size(planner_->log().string() + ".1"), kMaxProgramLogBytes);
}

}  // namespace
}  // namespace aiflow::hosts
