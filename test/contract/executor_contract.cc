#include "contract/executor_contract.h"

#include <csignal>

namespace aiflow {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

bool ProcessExists(int64_t pid) { return pid > 0 && kill(static_cast<pid_t>(pid), 0) == 0; }

TEST_P(ExecutorContract, ReportsRunningAndSuccess) {
  Open();
  const AttemptSpec spec = Bash(1, "echo $AIFLOW_ATTEMPT_KEY > $DIR/out");
  executor_->Start(spec);
  const AttemptReport running = log_->AwaitRunning(spec.key);
  EXPECT_EQ(running.token, spec.token);
  EXPECT_GT(running.pid, 0);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(File("out"), "17-2-1-1\n");
}

TEST_P(ExecutorContract, ReportsFailureWithExitCodeAndReason) {
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.argv = {"bash", "-c", "printf '3\\nno such table\\n' > $AIFLOW_RESULT_FILE; exit 3"};
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_EQ(end.reason, "exit code 3: no such table");
}

TEST_P(ExecutorContract, ReportsDeathBySignal) {
  Open();
  const AttemptSpec spec = Bash(1, "kill -9 $$");
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "killed by signal 9 (SIGKILL)");
}

// T1: a task that fails before it runs is not QUEUED for ever.
TEST_P(ExecutorContract, CommandThatCannotBeExecutedIsFailed) {
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.argv = {"no-such-program-anywhere"};
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "cannot run no-such-program-anywhere: No such file or directory");
  EXPECT_EQ(log_->Count(spec.key, TaskStatus::kRunning), 0U);
}

TEST_P(ExecutorContract, WorkingDirectoryThatCannotBeMadeIsFailed) {
  Open();
  Touch("file");
  AttemptSpec spec = Bash(1, "true");
  spec.working_dir = (world_->dir() / "file" / "below").string();
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_THAT(end.reason, StartsWith("cannot make directory"));
}

TEST_P(ExecutorContract, CommandTooLargeForTheSystemIsFailedWithTheSizes) {
  Open();
  const AttemptSpec spec = Bash(1, "true " + std::string(300'000, 'x'));
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_THAT(end.reason, HasSubstr("Argument list too long"));
  EXPECT_THAT(end.reason, HasSubstr("131071"));
}

TEST_P(ExecutorContract, LargeCommandWithinTheSystemsLimitsRuns) {
  Open();
  AttemptSpec spec = Bash(1, "test ${#BIG1} = 100000 -a ${#BIG2} = 100000");
  spec.env["BIG1"] = std::string(100'000, 'x');
  spec.env["BIG2"] = std::string(100'000, 'y');
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
}

TEST_P(ExecutorContract, FilesArePutIntoTheAttemptDirectory) {
  Open();
  AttemptSpec spec =
      Bash(1,
           "cp $AIFLOW_EVENT_CONTEXT_FILE $DIR/copy && "
           "case $AIFLOW_EVENT_CONTEXT_FILE in $AIFLOW_ATTEMPT_DIR/*) ;; *) exit 1;; esac");
  spec.files["AIFLOW_EVENT_CONTEXT_FILE"] = "{\"hour\": 7}";
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(File("copy"), "{\"hour\": 7}");
}

// E7: a repeated start command starts nothing.
TEST_P(ExecutorContract, StartsOnceEvenIfAskedTwice) {
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

// Rule 10 and T7: a stopped attempt that never ran can never run later.
TEST_P(ExecutorContract, StopBeforeTheClaimPreventsTheRunForEver) {
  Open();
  const AttemptSpec spec = Bash(1, "touch $DIR/ran");
  executor_->Stop(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kStopped);
  EXPECT_EQ(end.reason, "stopped before it ran");
  executor_->Start(spec);
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_FALSE(HasFile("ran"));
}

TEST_P(ExecutorContract, StopRightAfterStartEndsStopped) {
  Open();
  for (int64_t i = 1; i <= 20; ++i) {
    const AttemptSpec spec = Bash(i, "sleep 60");
    executor_->Start(spec);
    executor_->Stop(spec);
    EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  }
}

// T6: stopping bash takes no grace period when the command obeys.
TEST_P(ExecutorContract, StopSignalsTheWholeGroup) {
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
  Open();
  AttemptSpec spec =
      Bash(1,
           "trap '' TERM; (trap '' TERM; sleep 61 & echo $! > $DIR/grandchild; wait) & "
           "while :; do sleep 0.05; done");
  spec.stop_grace = Millis(200);
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return !File("grandchild").empty(); }));
  executor_->Stop(spec);
  executor_->Stop(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kStopped);
  EXPECT_EQ(end.reason, "killed by signal 9 (SIGKILL)");
  EXPECT_FALSE(ProcessExists(std::stoll(File("grandchild"))));
}

TEST_P(ExecutorContract, StopLeavesTheGroupItsGraceAfterTheLeaderHasGone) {
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.argv = {"bash", "-c",
               "(trap 'sleep 0.3; echo clean > $DIR/cleaned; exit' TERM; touch $DIR/ready; "
               "while :; do sleep 0.02; done) & trap 'exit 1' TERM; wait"};
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  executor_->Stop(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_EQ(File("cleaned"), "clean\n");
}

// E16: the real outcome wins.
TEST_P(ExecutorContract, SuccessAfterAStopIsSuccess) {
  Open();
  const AttemptSpec spec =
      Bash(1, "trap 'exit 0' TERM; touch $DIR/ready; while :; do sleep 0.02; done");
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  executor_->Stop(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
}

TEST_P(ExecutorContract, EndBeforeTheStopIsNotStopped) {
  Open();
  const AttemptSpec spec = Bash(1, "exit 4");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  executor_->Stop(spec);
  EXPECT_TRUE(Eventually([&] { return log_->Count(spec.key, TaskStatus::kFailed) >= 2; }));
  EXPECT_EQ(log_->Count(spec.key, TaskStatus::kStopped), 0U);
}

// Rule 14: an attempt has ended only when no process of it exists.
TEST_P(ExecutorContract, EndedAttemptLeavesNoProcess) {
  Open();
  const AttemptSpec spec = Bash(1,
                                "sleep 62 & echo $! > $DIR/a; setsid sleep 63 & "
                                "(setsid bash -c 'echo $$ > $DIR/b; exec sleep 64' &) ; "
                                "while [ ! -s $DIR/b ]; do sleep 0.01; done");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_FALSE(ProcessExists(std::stoll(File("a"))));
  EXPECT_FALSE(ProcessExists(std::stoll(File("b"))));
}

// T9: everything that is written arrives, and undecodable bytes block nobody.
TEST_P(ExecutorContract, LogHoldsAllOutputByteForByte) {
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

TEST_P(ExecutorContract, ForgottenAttemptKeepsItsLogAndNeverRunsAgain) {
  Open();
  const AttemptSpec spec =
      Bash(1, "echo run; echo run >> $DIR/runs; touch $AIFLOW_ATTEMPT_DIR/scratch");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  const std::string log = executor_->LogPath(spec.key);
  executor_->Forget(spec.key);
  const auto scratch = std::filesystem::path(log).parent_path() / "scratch";
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(scratch); }));
  EXPECT_EQ(FileContents(executor_->LogPath(spec.key)), "run\n");
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  EXPECT_EQ(File("runs"), "run\n");
}

TEST_P(ExecutorContract, ManyQuickTasksAllRunOnceInAnyOrder) {
  Open();
  constexpr int64_t kTasks = 200;
  for (int64_t i = 1; i <= kTasks; ++i) executor_->Start(Bash(i, "echo x >> $DIR/all"));
  for (int64_t i = 1; i <= kTasks; ++i) {
    EXPECT_EQ(log_->AwaitEnd(Bash(i, "").key).status, TaskStatus::kSuccess);
  }
  EXPECT_EQ(File("all").size(), 2U * kTasks);
  EXPECT_TRUE(Eventually([&] { return executor_->running() == 0; }));
}

// ---- Deaths, in every combination. The streaming task keeps its process.

constexpr char kStream[] =
    "echo $$ >> $DIR/pids; while [ ! -e $DIR/go ]; do sleep 0.01; done; exit 5";

TEST_P(ExecutorContract, AttemptOutlivesTheServerAndIsAdopted) {
  Open();
  const AttemptSpec spec = Bash(1, kStream);
  executor_->Start(spec);
  const int64_t pid = log_->AwaitRunning(spec.key).pid;
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  EXPECT_EQ(log_->AwaitRunning(spec.key).pid, pid);
  EXPECT_EQ(executor_->running(), 1);
  Touch("go");
  EXPECT_EQ(log_->AwaitEnd(spec.key).reason, "exit code 5");
  EXPECT_EQ(File("pids"), std::to_string(pid) + "\n");
}

TEST_P(ExecutorContract, EndWhileTheServerIsAwayIsReportedWhenItComesBack) {
  Open();
  const AttemptSpec spec = Bash(1, kStream);
  executor_->Start(spec);
  const int64_t pid = log_->AwaitRunning(spec.key).pid;
  executor_->Close();
  Touch("go");
  ASSERT_TRUE(Eventually([&] { return !ProcessExists(pid); }));
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).reason, "exit code 5");
}

TEST_P(ExecutorContract, AttemptOutlivesItsSupervisorAndItsResultIsNotLost) {
  Open();
  const AttemptSpec spec = Bash(1, kStream);
  executor_->Start(spec);
  const int64_t pid = log_->AwaitRunning(spec.key).pid;
  world_->KillSupervisor();
  // The executor finds that out by itself, and another supervisor takes over.
  ASSERT_TRUE(Eventually([&] { return log_->Count(spec.key, TaskStatus::kRunning) >= 2; }));
  EXPECT_TRUE(ProcessExists(pid));
  Touch("go");
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.exit_code, 5);
  EXPECT_EQ(File("pids"), std::to_string(pid) + "\n");
}

TEST_P(ExecutorContract, ResultOfATaskThatEndsWithNobodyThereIsNotLost) {
  Open();
  const AttemptSpec good = Bash(1, "while [ ! -e $DIR/go ]; do sleep 0.01; done");
  const AttemptSpec bad = Bash(2, kStream);
  executor_->Start(good);
  executor_->Start(bad);
  const int64_t good_pid = log_->AwaitRunning(good.key).pid;
  const int64_t bad_pid = log_->AwaitRunning(bad.key).pid;
  executor_->Close();
  world_->KillSupervisor();
  Touch("go");
  ASSERT_TRUE(Eventually([&] { return !ProcessExists(good_pid) && !ProcessExists(bad_pid); }));
  NewServer({{.spec = good, .status = TaskStatus::kRunning},
             {.spec = bad, .status = TaskStatus::kRunning}});
  EXPECT_EQ(log_->AwaitEnd(good.key).status, TaskStatus::kSuccess);
  const AttemptReport end = log_->AwaitEnd(bad.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "exit code 5");
}

// Rule 14: what a dead leader leaves behind is ended before anything is reported.
TEST_P(ExecutorContract, LeaderKilledWithNobodyThereIsFailedAndItsProcessesAreEnded) {
  Open();
  const AttemptSpec spec = Bash(1,
                                "sleep 65 & echo $! > $DIR/child; setsid sleep 66 & "
                                "echo $! > $DIR/stray; wait");
  executor_->Start(spec);
  const int64_t pid = log_->AwaitRunning(spec.key).pid;
  ASSERT_TRUE(Eventually([&] { return !File("stray").empty(); }));
  executor_->Close();
  world_->KillSupervisor();
  kill(static_cast<pid_t>(pid), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return !ProcessExists(pid); }));
  EXPECT_TRUE(ProcessExists(std::stoll(File("child"))));
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "ended while unobserved");
  for (const char* file : {"child", "stray"}) {
    EXPECT_TRUE(Eventually([&] { return !ProcessExists(std::stoll(File(file))); })) << file;
  }
}

TEST_P(ExecutorContract, AdoptedAttemptCanBeStopped) {
  Open();
  AttemptSpec spec = Bash(1,
                          "trap '' TERM; sleep 67 & echo $! > $DIR/child; touch $DIR/ready; "
                          "while :; do sleep 0.05; done");
  spec.stop_grace = Millis(200);
  executor_->Start(spec);
  log_->AwaitRunning(spec.key);
  ASSERT_TRUE(Eventually([&] { return HasFile("ready"); }));
  executor_->Close();
  world_->KillSupervisor();
  NewServer({{.spec = spec, .status = TaskStatus::kStopping, .stop = true}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_TRUE(Eventually([&] { return !ProcessExists(std::stoll(File("child"))); }));
}

TEST_P(ExecutorContract, UnclaimedQueuedAttemptIsStartedByTheNextServer) {
  Open();
  const AttemptSpec queued = Bash(1, "true");
  const AttemptSpec stopped = Bash(2, "touch $DIR/ran");
  NewServer({{.spec = queued, .status = TaskStatus::kQueued},
             {.spec = stopped, .status = TaskStatus::kQueued, .stop = true}});
  EXPECT_EQ(log_->AwaitEnd(queued.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(log_->AwaitEnd(stopped.key).status, TaskStatus::kStopped);
  EXPECT_FALSE(HasFile("ran"));
}

TEST_P(ExecutorContract, RunningAttemptWithoutAClaimIsLostAndNeverStarted) {
  Open();
  const AttemptSpec spec = Bash(1, "touch $DIR/ran");
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "attempt directory lost");
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  EXPECT_FALSE(HasFile("ran"));
}

// Rule 12: fencing.
TEST_P(ExecutorContract, ServerOfAnOldEpochIsRefused) {
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
}

}  // namespace
}  // namespace aiflow
