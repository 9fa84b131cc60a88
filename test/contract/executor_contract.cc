// What every executor promises. Each test says at its beginning what it is about.
#include "contract/executor_contract.h"

namespace aiflow {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Writes down that it was here, and waits until it may end.
constexpr char kStream[] =
    "echo x >> $DIR/runs; while [ ! -e $DIR/go ]; do sleep 0.02; done; touch $DIR/left; exit 5";

// ---- One attempt.

TEST_P(ExecutorContract, ReportsRunningAndSuccess) {
  Promise(
      "An attempt is RUNNING, then SUCCESS; its environment and its token are those it was given");
  Open();
  const AttemptSpec spec = Bash(1, "echo $AIFLOW_ATTEMPT_KEY > $DIR/out");
  executor_->Start(spec);
  const AttemptReport running = log_->AwaitRunning(spec.key);
  EXPECT_EQ(running.token, spec.token);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(end.token, spec.token);
  EXPECT_EQ(File("out"), "17-2-1-1\n");
}

TEST_P(ExecutorContract, RunsInTheWorkingDirectoryWhichIsMade) {
  Promise("The command runs in working_dir, which is made when it is missing");
  Open();
  AttemptSpec spec = Bash(1, "pwd > $DIR/out");
  spec.working_dir = (world_->dir() / "new" / "work").string();
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(File("out"), spec.working_dir + "\n");
}

TEST_P(ExecutorContract, ReportsFailureWithExitCodeAndReason) {
  Promise(
      "Another exit code than 0 is FAILED; the second line of AIFLOW_RESULT_FILE is in the reason");
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.argv = {"bash", "-c", "printf '3\\nno such table\\n' > $AIFLOW_RESULT_FILE; exit 3"};
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_EQ(end.reason, "exit code 3: no such table");
}

TEST_P(ExecutorContract, ExitCodeOfAFinalFailureIsTold) {
  Promise("The exit code is told as it is, for some mean that another try is of no use");
  Open();
  AttemptSpec spec = Bash(1, "exit 100");
  spec.final_exit_code = 100;
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.exit_code, 100);
  EXPECT_TRUE(end.final_failure);
}

TEST_P(ExecutorContract, ReportsDeathBySignal) {
  Promise("A command that is killed by a signal is FAILED, with a reason");
  Open();
  const AttemptSpec spec = Bash(1, "kill -9 $$");
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  ExpectReason(end, "killed by signal 9 (SIGKILL)");
}

// T1: a task that fails before it runs is not QUEUED for ever.
TEST_P(ExecutorContract, CommandThatCannotBeExecutedIsFailed) {
  Promise("What cannot be started is FAILED with a reason, and not left alone");
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.argv = {"no-such-program-anywhere"};
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  ExpectReason(end, "cannot run no-such-program-anywhere: No such file or directory");
}

TEST_P(ExecutorContract, WorkingDirectoryThatCannotBeMadeIsFailed) {
  Promise("An attempt whose working directory cannot be made is FAILED with a reason");
  Open();
  Touch("file");
  AttemptSpec spec = Bash(1, "touch $DIR/ran");
  spec.working_dir = (world_->dir() / "file" / "below").string();
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_NE(end.reason, "");
  EXPECT_FALSE(HasFile("ran"));
}

TEST_P(ExecutorContract, RefusedAttemptIsClaimedAndFailed) {
  Promise("An attempt with a refusal is claimed and FAILED with that reason, and never runs");
  Open();
  AttemptSpec spec = Bash(1, "touch $DIR/ran");
  spec.refusal = "cannot start: the file is missing";
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "cannot start: the file is missing");
  spec.refusal.clear();
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  EXPECT_FALSE(HasFile("ran"));
}

TEST_P(ExecutorContract, LargeCommandWithinTheSystemsLimitsRuns) {
  Promise("Two variables of 100,000 bytes each arrive");
  Open();
  AttemptSpec spec = Bash(1, "test ${#BIG1} = 100000 -a ${#BIG2} = 100000");
  spec.env["BIG1"] = std::string(100'000, 'x');
  spec.env["BIG2"] = std::string(100'000, 'y');
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
}

TEST_P(ExecutorContract, WordsAndVariablesArriveAsTheyAre) {
  Promise("No shell has its way with the words of the command and the values of variables");
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.env["ODD"] = "a 'b' \"c\" $HOME `id` \\ ; & \xc3\xa4\nsecond line";
  spec.argv = {"bash", "-c",      "printf '%s|' \"$ODD\" \"$@\" > $DIR/out",
               "bash", "one two", "",
               "*",    "$HOME",   "it's \"quoted\"\nhere"};
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_EQ(File("out"), spec.env["ODD"] + "|one two||*|$HOME|it's \"quoted\"\nhere|");
}

TEST_P(ExecutorContract, FilesArePutWhereTheirVariablesSay) {
  Promise("Contents of `files` are in files whose paths their variables hold");
  Open();
  AttemptSpec spec = Bash(1, "cp $AIFLOW_EVENT_CONTEXT_FILE $DIR/copy");
  const std::string contents =
      "{\"hour\": 7}" + std::string("\0\xff\n", 3) + std::string(200'000, 'z');
  spec.files["AIFLOW_EVENT_CONTEXT_FILE"] = contents;
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_TRUE(File("copy") == contents);
}

TEST_P(ExecutorContract, OutputComesWithSuccess) {
  Promise("What the command writes to AIFLOW_OUTPUT comes with SUCCESS; 64 KiB of UTF-8 at most");
  Open();
  const AttemptSpec good = Bash(1, "printf 'gr\\xc3\\xbc\\xc3\\x9fe\\n' > $AIFLOW_OUTPUT");
  const AttemptSpec large = Bash(2, "head -c 65537 /dev/zero | tr '\\0' x > $AIFLOW_OUTPUT");
  const AttemptSpec none = Bash(3, "printf '\\xff' > $AIFLOW_OUTPUT");
  for (const AttemptSpec& spec : {good, large, none}) executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(good.key).output,
            "gr\xc3\xbc\xc3\x9f"
            "e\n");
  for (const AttemptSpec& spec : {large, none}) {
    const AttemptReport end = log_->AwaitEnd(spec.key);
    EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
    EXPECT_EQ(end.output, "");
    EXPECT_THAT(end.reason, HasSubstr("output does not count"));
  }
}

TEST_P(ExecutorContract, AttemptDirectoryCanBeWritten) {
  Promise("AIFLOW_ATTEMPT_DIR is a directory in which the command can write");
  Open();
  const AttemptSpec spec =
      Bash(1, "touch $AIFLOW_ATTEMPT_DIR/scratch && test -d $AIFLOW_ATTEMPT_DIR");
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
}

// T9: everything that is written arrives, and undecodable bytes block nobody.
TEST_P(ExecutorContract, LogHoldsAllOutputByteForByte) {
  Promise("stdout and stderr are in the log, byte for byte, when the end is told");
  Open();
  AttemptSpec spec = Bash(1,
                          "echo out; echo err >&2; printf '\\xff\\xfe\\x00\\n'; "
                          "head -c 300000 /dev/zero; printf end");
  spec.log_link = (world_->dir() / "logs" / "flow" / "17" / "task" / "1.log").string();
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  const std::string log = FileContents(executor_->LogPath(spec.key));
  EXPECT_THAT(log, StartsWith("out\nerr\n" + std::string("\xff\xfe\0\n", 4)));
  EXPECT_EQ(log.size(), 12U + 300'000 + 3);
  EXPECT_TRUE(Eventually([&] { return FileContents(spec.log_link) == log; }));
}

TEST_P(ExecutorContract, SecretsAreInNoLogReasonAndOutput) {
  Promise("Values of `secrets` are in no log, reason and output; or such attempts are FAILED");
  Open();
  AttemptSpec spec =
      Bash(1,
           "echo \"password $PASSWORD\"; printf 'it is '; printf '%s' \"$PASSWORD\"; "
           "printf '%s' \"$PASSWORD\" > $AIFLOW_OUTPUT; trap - EXIT; "
           "printf '4\\nwrong: %s\\n' \"$PASSWORD\" > $AIFLOW_RESULT_FILE; exit 4");
  spec.env["PASSWORD"] = "hunter22-of-the-test";
  spec.secrets = {"hunter22-of-the-test"};
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_THAT(end.reason, testing::Not(HasSubstr("hunter22")));
  EXPECT_THAT(end.output, testing::Not(HasSubstr("hunter22")));
  const std::string log = executor_->LogPath(spec.key);
  EXPECT_THAT(log.empty() ? std::string() : FileContents(log), testing::Not(HasSubstr("hunter22")));
}

// Rule 14: an attempt has ended only when no process of it exists.
TEST_P(ExecutorContract, EndIsToldWhenNothingOfItRunsAnyMore) {
  Promise("When the end is told, no process of the attempt runs any more, also in the background");
  Open();
  const AttemptSpec spec =
      Bash(1, "(" + BeatTo("beat") + ") & while [ ! -s $DIR/beat ]; do sleep 0.01; done");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  const size_t at_the_end = File("beat").size();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(File("beat").size(), at_the_end);
}

// ---- Starting.

// E7: a repeated start command starts nothing.
TEST_P(ExecutorContract, StartsOnceEvenIfAskedTwice) {
  Promise(
      "A repeated Start starts nothing, whether the attempt runs, has ended, or a new server asks");
  Open();
  const AttemptSpec spec =
      Bash(1, "echo run >> $DIR/runs; while [ ! -e $DIR/go ]; do sleep 0.01; done");
  executor_->Start(spec);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  executor_->Start(spec);
  Touch("go");
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  executor_->Start(spec);
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(File("runs"), "run\n");
}

TEST_P(ExecutorContract, ManyQuickTasksAllRunOnceInAnyOrder) {
  Promise("Of many attempts that come at once, each runs once");
  Open();
  const int64_t tasks = world_->exact() ? 200 : 40;
  for (int64_t i = 1; i <= tasks; ++i) executor_->Start(Bash(i, "echo x >> $DIR/all"));
  for (int64_t i = 1; i <= tasks; ++i) {
    EXPECT_EQ(log_->AwaitEnd(Bash(i, "").key).status, TaskStatus::kSuccess);
  }
  EXPECT_EQ(File("all").size(), 2U * static_cast<size_t>(tasks));
  EXPECT_TRUE(Eventually([&] { return executor_->running() == 0; }));
}

TEST_P(ExecutorContract, UnclaimedQueuedAttemptIsStartedByTheNextServer) {
  Promise("What was never claimed is started by the next server; or stopped, without having run");
  Open();
  const AttemptSpec queued = Bash(1, "true");
  const AttemptSpec stopped = Bash(2, "touch $DIR/ran");
  NewServer({{.spec = queued, .status = TaskStatus::kQueued},
             {.spec = stopped, .status = TaskStatus::kQueued, .stop = true}});
  EXPECT_EQ(log_->AwaitEnd(queued.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(log_->AwaitEnd(stopped.key).status, TaskStatus::kStopped);
  EXPECT_FALSE(HasFile("ran"));
}

// ---- Stopping.

// Rule 10 and T7: a stopped attempt that never ran can never run later.
TEST_P(ExecutorContract, StopBeforeTheClaimPreventsTheRunForEver) {
  Promise("An attempt that is stopped before it was started is STOPPED, and never runs");
  Open();
  const AttemptSpec spec = Bash(1, "touch $DIR/ran");
  executor_->Stop(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kStopped);
  ExpectReason(end, "stopped before it ran");
  executor_->Start(spec);
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_FALSE(HasFile("ran"));
}

TEST_P(ExecutorContract, StopRightAfterStartEndsStopped) {
  Promise("However soon a stop comes after the start, it ends STOPPED");
  Open();
  for (int64_t i = 1; i <= 10; ++i) {
    const AttemptSpec spec = Bash(i, "sleep 60");
    executor_->Start(spec);
    executor_->Stop(spec);
    EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  }
}

// T6: stopping bash takes no grace period when the command obeys.
TEST_P(ExecutorContract, StopSignalsTheWholeGroup) {
  Promise(
      "With signal_group SIGTERM reaches all processes of the command, so that it ends at once");
  Open();
  const AttemptSpec spec = Bash(1, "touch $DIR/ready; sleep 60; echo survived > $DIR/after");
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  const auto begin = std::chrono::steady_clock::now();
  executor_->Stop(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kStopped);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_FALSE(HasFile("after"));
}

TEST_P(ExecutorContract, StopOfTheLeaderOnlyLeavesItsChildrenToItsHook) {
  Promise("Without signal_group SIGTERM is for the command alone, whose hook can use its children");
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.signal_group = false;
  spec.argv = {"bash", "-c",
               "trap 'touch $DIR/hook; wait; exit 0' TERM; "
               "(trap 'echo signalled > $DIR/child' TERM; touch $DIR/ready; "
               "while [ ! -e $DIR/hook ]; do sleep 0.01; done; echo used > $DIR/used) & wait"};
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  executor_->Stop(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(File("used"), "used\n");
  EXPECT_FALSE(HasFile("child"));
}

// Rule 10: what ignores the signal is killed after the grace period, with all its descendants.
TEST_P(ExecutorContract, StopKillsWhatIgnoresTheSignalAfterTheGrace) {
  Promise("What ignores SIGTERM is killed after the grace, with its children; then it is STOPPED");
  Open();
  AttemptSpec spec = Bash(
      1, "trap '' TERM; (trap '' TERM; " + BeatTo("beat") + ") & while :; do sleep 0.05; done");
  spec.stop_grace = Millis(500);
  executor_->Start(spec);
  ASSERT_TRUE(Beats("beat"));
  executor_->Stop(spec);
  executor_->Stop(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kStopped);
  ExpectReason(end, "killed by signal 9 (SIGKILL)");
  const size_t at_the_end = File("beat").size();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(File("beat").size(), at_the_end);
}

// E16: the real outcome wins.
TEST_P(ExecutorContract, SuccessAfterAStopIsSuccess) {
  Promise("A command that ends with exit code 0 after SIGTERM is SUCCESS: the real outcome counts");
  Open();
  const AttemptSpec spec =
      Bash(1, "trap 'exit 0' TERM; touch $DIR/ready; while :; do sleep 0.02; done");
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  executor_->Stop(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
}

TEST_P(ExecutorContract, EndBeforeTheStopIsNotStopped) {
  Promise("A stop that comes after the end changes nothing");
  Open();
  const AttemptSpec spec = Bash(1, "exit 4");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  executor_->Stop(spec);
  EXPECT_TRUE(Eventually([&] { return log_->Count(spec.key, TaskStatus::kFailed) >= 2; }));
  EXPECT_EQ(log_->Count(spec.key, TaskStatus::kStopped), 0U);
}

TEST_P(ExecutorContract, ForgottenAttemptKeepsItsLog) {
  Promise("A forgotten attempt keeps its log, and the rest of its directory goes");
  Open();
  const AttemptSpec spec = Bash(1, "echo run");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  const auto scratch =
      std::filesystem::path(executor_->LogPath(spec.key)).parent_path() / "scratch";
  std::ofstream(scratch) << "x";
  executor_->Forget(spec.key);
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(scratch); }));
  EXPECT_EQ(FileContents(executor_->LogPath(spec.key)), "run\n");
}

// ---- Deaths, in every combination. The streaming task keeps its process.

TEST_P(ExecutorContract, AttemptOutlivesTheServerAndIsAdopted) {
  Promise("An attempt outlives the server; the next one hears of it, and how it ends");
  Open();
  const AttemptSpec spec = Bash(1, kStream);
  executor_->Start(spec);
  const int64_t pid = log_->AwaitRunning(spec.key).pid;
  ASSERT_TRUE(Eventually([&] { return HasFile("runs"); }));
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  EXPECT_EQ(log_->AwaitRunning(spec.key).pid, pid);
  EXPECT_EQ(executor_->running(), 1);
  Touch("go");
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.exit_code, 5);
  EXPECT_EQ(File("runs"), "x\n");
}

TEST_P(ExecutorContract, EndWhileTheServerIsAwayIsReportedWhenItComesBack) {
  Promise("An end that comes while no server is there is told to the next one");
  Open();
  const AttemptSpec spec = Bash(1, kStream);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  executor_->Close();
  Touch("go");
  ASSERT_TRUE(Eventually([&] { return HasFile("left"); }));
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).exit_code, 5);
}

TEST_P(ExecutorContract, AttemptOutlivesItsSupervisorAndItsResultIsNotLost) {
  Promise("An attempt outlives kill -9 of what supervises it: it runs on, and its end is told");
  Open();
  const AttemptSpec spec = Bash(1, "(" + BeatTo("beat") + ") & " + kStream);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  ASSERT_TRUE(Beats("beat"));
  world_->KillSupervisor();
  // The executor finds that out by itself, and another supervisor takes over.
  ASSERT_TRUE(Eventually([&] { return log_->Count(spec.key, TaskStatus::kRunning) >= 2; }));
  EXPECT_TRUE(Beats("beat"));
  Touch("go");
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.exit_code, 5);
  EXPECT_EQ(File("runs"), "x\n");
}

TEST_P(ExecutorContract, ResultOfATaskThatEndsWithNobodyThereIsNotLost) {
  Promise(
      "The result of an attempt that ends while neither server nor supervisor lives is not lost");
  Open();
  const AttemptSpec good = Bash(
      1,
      "while [ ! -e $DIR/go ]; do sleep 0.01; done; printf out > $AIFLOW_OUTPUT; touch $DIR/good");
  const AttemptSpec bad = Bash(2, kStream);
  executor_->Start(good);
  executor_->Start(bad);
  log_->AwaitRunning(good.key);
  log_->AwaitRunning(bad.key);
  executor_->Close();
  world_->KillSupervisorForGood();
  Touch("go");
  ASSERT_TRUE(Eventually([&] { return HasFile("good") && HasFile("left"); }));
  NewServer({{.spec = good, .status = TaskStatus::kRunning},
             {.spec = bad, .status = TaskStatus::kRunning}});
  const AttemptReport success = log_->AwaitEnd(good.key);
  EXPECT_EQ(success.status, TaskStatus::kSuccess) << success.reason;
  EXPECT_EQ(success.output, "out");
  const AttemptReport end = log_->AwaitEnd(bad.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.exit_code, 5);
}

// Rule 14: what a dead leader leaves behind is ended before anything is reported.
TEST_P(ExecutorContract, LeaderKilledWithNobodyThereIsFailedAndItsProcessesAreEnded) {
  Promise(
      "A command that was killed while nobody was there is FAILED; what it left behind is ended "
      "first");
  Open();
  const AttemptSpec spec = Bash(1, "(" + BeatTo("beat") +
                                       ") & while [ ! -e $DIR/die ]; do sleep 0.02; done; "
                                       "touch $DIR/dying; kill -9 $$");
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  ASSERT_TRUE(Beats("beat"));
  executor_->Close();
  world_->KillSupervisorForGood();
  Touch("die");
  ASSERT_TRUE(Eventually([&] { return HasFile("dying"); }));
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_NE(end.reason, "");
  EXPECT_TRUE(IsSilent("beat"));
}

TEST_P(ExecutorContract, AdoptedAttemptCanBeStopped) {
  Promise(
      "What an earlier server started, under another supervisor, can be stopped: grace, then kill");
  Open();
  AttemptSpec spec = Bash(
      1, "trap '' TERM; (trap '' TERM; " + BeatTo("beat") + ") & while :; do sleep 0.05; done");
  spec.stop_grace = Millis(500);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  ASSERT_TRUE(Beats("beat"));
  executor_->Close();
  world_->KillSupervisorForGood();
  NewServer({{.spec = spec, .status = TaskStatus::kStopping, .stop = true}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_TRUE(IsSilent("beat"));
}

TEST_P(ExecutorContract, StopIsNotLostWhenTheSupervisorDies) {
  Promise("A stop goes on when what supervises the attempt is killed in the middle of the grace");
  Open();
  AttemptSpec spec = Bash(1, "trap 'touch $DIR/asked' TERM; " + BeatTo("beat"));
  spec.stop_grace = Millis(2'000);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  ASSERT_TRUE(Beats("beat"));
  executor_->Stop(spec);
  ASSERT_TRUE(Eventually([&] { return HasFile("asked"); }));
  world_->KillSupervisor();
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_TRUE(IsSilent("beat"));
}

TEST_P(ExecutorContract, RunningAttemptWithoutAClaimIsLostAndNeverStarted) {
  Promise("An attempt that should run, and that nobody knows, is FAILED, and never started");
  Open();
  const AttemptSpec spec = Bash(1, "touch $DIR/ran");
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  ExpectReason(end, "attempt directory lost");
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  EXPECT_FALSE(HasFile("ran"));
}

// Rule 12: fencing.
TEST_P(ExecutorContract, ServerOfAnOldEpochIsRefused) {
  Promise("A server that was replaced by one of a higher epoch is refused, also after a restart");
  Open();
  const auto old = std::move(executor_);
  executor_ = world_->NewExecutor();
  epoch_ = 2;
  Open();
  AttemptSpec stale = Bash(1, "touch $DIR/ran");
  stale.epoch = 1;
  old->Start(stale);
  executor_->Start(stale);
  const auto another = world_->NewExecutor();
  EXPECT_EQ(another->Open(1, {}, log_->Sink()).code(), Code::kAborted);
  world_->KillSupervisor();
  EXPECT_EQ(another->Open(1, {}, log_->Sink()).code(), Code::kAborted);
  // The epoch in force still works, and by then the stale start would have run.
  const AttemptSpec fresh = Bash(2, "true");
  executor_->Start(fresh);
  EXPECT_EQ(log_->AwaitEnd(fresh.key).status, TaskStatus::kSuccess);
  EXPECT_FALSE(HasFile("ran"));
}

TEST_P(ExecutorContract, AttemptStaysValidAcrossEpochs) {
  Promise("A new epoch never ends an attempt");
  Open();
  const AttemptSpec spec = Bash(1, kStream);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  for (int i = 0; i < 3; ++i) {
    NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
    log_->AwaitRunning(spec.key);
  }
  Touch("go");
  EXPECT_EQ(log_->AwaitEnd(spec.key).exit_code, 5);
  EXPECT_EQ(File("runs"), "x\n");
}

}  // namespace
}  // namespace aiflow
