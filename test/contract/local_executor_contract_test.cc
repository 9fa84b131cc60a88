#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "contract/local_executor_world.h"
#include "executor/local/local_executor.h"
#include "runner/attempt_files.h"
#include "runner/claim.h"
#include "runner/process.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;

INSTANTIATE_TEST_SUITE_P(Local, ExecutorContract, testing::Values(ExecutorWorldFactory{[] {
                           return std::make_unique<LocalWorld>();
                         }}));

TEST_F(LocalExecutorTest, RunsNoMoreThanItsParallelismAndKeepsTheOrder) {
  Open(2);
  for (int64_t i = 1; i <= 6; ++i) {
    executor_->Start(Spec(i, "echo " + std::to_string(i) +
                                 " >> $DIR/order; while [ ! -e $DIR/go ]; do sleep 0.01; done"));
  }
  log_.AwaitRunning(Spec(1, "").key);
  log_.AwaitRunning(Spec(2, "").key);
  ASSERT_TRUE(Eventually([&] { return File("order").size() == 4; }));
  EXPECT_EQ(executor_->running(), 2);
  EXPECT_EQ(log_.Count(Spec(3, "").key, TaskStatus::kRunning), 0U);
  // T7: one that waits is stopped without ever running.
  executor_->Stop(Spec(4, ""));
  EXPECT_EQ(log_.AwaitEnd(Spec(4, "").key).status, TaskStatus::kStopped);
  std::ofstream(world_->dir() / "go") << "x";
  for (const int64_t i : {1, 2, 3, 5, 6}) {
    EXPECT_EQ(log_.AwaitEnd(Spec(i, "").key).status, TaskStatus::kSuccess);
  }
  EXPECT_EQ(File("order").find('4'), std::string::npos);
  EXPECT_EQ(File("order").size(), 10U);
}

// Rules 13 and 14: two runners, of two homes that share their attempts, claim each attempt once.
TEST_F(LocalExecutorTest, TwoRunnersRacingClaimOnce) {
  Open();
  LocalWorld other_world;
  LocalExecutor other({.runner = other_world.Address(),
                       .attempts_dir = (world_->dir() / "attempts").string(),
                       .environment = ProcessEnvironment()});
  ReportLog other_log;
  ASSERT_EQ(other.Open(1, {}, other_log.Sink()), Status::Ok());
  for (int64_t i = 1; i <= 50; ++i) {
    const AttemptSpec spec =
        Spec(i, "echo x >> $DIR/runs" + std::to_string(i) + "; echo 0 > $AIFLOW_RESULT_FILE");
    executor_->Start(spec);
    other.Start(spec);
  }
  for (int64_t i = 1; i <= 50; ++i) {
    EXPECT_EQ(log_.AwaitEnd(Spec(i, "").key).status, TaskStatus::kSuccess);
    EXPECT_EQ(other_log.AwaitEnd(Spec(i, "").key).status, TaskStatus::kSuccess);
    EXPECT_EQ(File("runs" + std::to_string(i)), "x\n");
  }
}

// T8: whatever process now has the number of an old attempt is left alone.
TEST_F(LocalExecutorTest, ProcessWithAReusedNumberIsNeitherAdoptedNorKilled) {
  Open();
  const pid_t bystander = fork();
  if (bystander == 0) {
    setsid();
    pause();
    _exit(0);
  }
  ASSERT_TRUE(Eventually([&] { return getsid(bystander) == bystander; }));
  const AttemptSpec spec = Spec(1, "true");
  const runner::MachineIdentity machine = runner::ReadMachineIdentity();
  const auto found = runner::ReadProcessStat(bystander);
  ASSERT_TRUE(found);
  const runner::Claim claim{.attempt = spec.key.ToString(),
                            .token = spec.token,
                            .epoch = 1,
                            .pid = bystander,
                            .start_time = found->start_time - 1,
                            .boot_id = machine.boot_id,
                            .pid_namespace = machine.pid_namespace};
  ASSERT_EQ(runner::PublishClaim(executor_->AttemptDir(spec.key),
                                 runner::EncodeClaim(claim, nullptr), nullptr),
            Status::Ok());
  executor_->Start(spec);
  const AttemptReport end = log_.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "ended while unobserved");
  EXPECT_EQ(waitpid(bystander, nullptr, WNOHANG), 0);
  kill(bystander, SIGKILL);
  waitpid(bystander, nullptr, 0);
}

TEST_F(LocalExecutorTest, DamagedClaimIsFailedAndNotRun) {
  Open();
  const AttemptSpec spec = Spec(1, "touch $DIR/ran");
  ASSERT_EQ(runner::PublishClaim(executor_->AttemptDir(spec.key), std::string(4096, 'x'), nullptr),
            Status::Ok());
  executor_->Start(spec);
  EXPECT_EQ(log_.AwaitEnd(spec.key).status, TaskStatus::kFailed);
  EXPECT_FALSE(fs::exists(world_->dir() / "ran"));
}

// Rule 15: the file is the truth.
// Rule 13: what is not claimed may still be started by somebody, so nothing is said before it is.
TEST_F(LocalExecutorTest, NothingIsReportedBeforeTheClaimIsWon) {
  Open();
  fs::create_directories(world_->dir() / "attempts");
  fs::create_symlink("nowhere", world_->dir() / "attempts/5");
  const AttemptSpec spec = Spec(1, "true");
  executor_->Stop(spec);
  ASSERT_TRUE(RunnerComplains("trying again"));
  EXPECT_EQ(log_.Count(spec.key, TaskStatus::kStopped), 0U);
  fs::remove(world_->dir() / "attempts/5");
  EXPECT_EQ(log_.AwaitEnd(spec.key).status, TaskStatus::kStopped);
  const auto record = runner::ReadClaim(executor_->AttemptDir(spec.key));
  ASSERT_TRUE(record.has_value()) << record.error();
  EXPECT_EQ(record->claim.pid, 0);
}

TEST_F(LocalExecutorTest, StartIsTriedAgainWhenItsClaimCannotBeWritten) {
  Open();
  fs::create_directories(world_->dir() / "attempts");
  fs::create_symlink("nowhere", world_->dir() / "attempts/5");
  const AttemptSpec spec = Spec(1, "true");
  executor_->Start(spec);
  AttemptSpec other = Spec(1, "sleep 0.2");
  other.key.execution = ExecutionId(6);
  executor_->Start(other);
  log_.AwaitEnd(other.key);
  fs::remove(world_->dir() / "attempts/5");
  const AttemptReport end = log_.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
}

TEST_F(LocalExecutorTest, ClaimThatCannotBeReadIsReadAgain) {
  Open();
  fs::create_directories(world_->dir() / "attempts");
  std::ofstream(world_->dir() / "attempts/5") << "not a directory";
  const AttemptSpec spec = Spec(1, "true");
  executor_->Start(spec);
  ASSERT_TRUE(RunnerComplains("cannot read the claim"));
  fs::remove(world_->dir() / "attempts/5");
  const AttemptReport end = log_.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kSuccess) << end.reason;
}

// Rule 14: an attempt has ended only when no process of it exists.
TEST_F(LocalExecutorTest, AttemptWhoseClaimIsGoneIsFailedAfterItsProcessesAreKilled) {
  Open();
  const AttemptSpec spec = Spec(1, "setsid sleep 1000 & echo $! >$DIR/child; sleep 1000");
  executor_->Start(spec);
  const pid_t leader = static_cast<pid_t>(log_.AwaitRunning(spec.key).pid);
  ASSERT_TRUE(Eventually([&] { return File("child").ends_with("\n"); }));
  const pid_t child = std::stoi(File("child"));
  fs::remove(runner::ClaimPath(executor_->AttemptDir(spec.key)));
  world_->KillSupervisor();
  const AttemptReport end = log_.AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_EQ(end.reason, "attempt directory lost");
  for (const pid_t pid : {leader, child}) {
    const auto found = runner::ReadProcessStat(pid);
    EXPECT_TRUE(!found || found->state == 'Z') << pid;
  }
}

TEST_F(LocalExecutorTest, ResultIsInTheClaimBeforeItIsReported) {
  Open();
  const AttemptSpec spec = Spec(1, "exit 9");
  executor_->Start(spec);
  log_.AwaitEnd(spec.key);
  const auto record = runner::ReadClaim(executor_->AttemptDir(spec.key));
  ASSERT_TRUE(record) << record.error();
  ASSERT_TRUE(record->result);
  EXPECT_EQ(record->result->exit_code, 9);
  EXPECT_EQ(record->result->outcome, runner::Outcome::kFailed);
  EXPECT_GT(record->claim.pid, 0);
}

TEST_F(LocalExecutorTest, TaskHasACleanProcess) {
  Open();
  const AttemptSpec spec = Spec(
      1,
      "ls /proc/self/fd | wc -l > $DIR/fds; grep -E 'SigBlk|SigIgn' /proc/self/status > $DIR/sig; "
      "readlink /proc/self/fd/0 > $DIR/stdin; "
      "test $(ps -o sid= $$) = $$ -a $(ps -o pgid= $$) = $$ && echo own > $DIR/session");
  executor_->Start(spec);
  EXPECT_EQ(log_.AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  EXPECT_EQ(File("fds"), "4\n");  // 0, 1, 2 and the directory that ls reads
  EXPECT_EQ(File("sig"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  EXPECT_EQ(File("stdin"), "/dev/null\n");
  EXPECT_EQ(File("session"), "own\n");
}

TEST_F(LocalExecutorTest, OneRunnerServesTheHomeHoweverManyAreStarted) {
  Open();
  const pid_t first = world_->RunnerPid();
  const pid_t pid = fork();
  if (pid == 0) {
    const std::string dir = world_->RunnerDir();
    execl(AIFLOW_RUNNER_BINARY, AIFLOW_RUNNER_BINARY, "--dir", dir.c_str(), "--foreground",
          static_cast<char*>(nullptr));
    _exit(99);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(world_->RunnerPid(), first);
}

TEST_F(LocalExecutorTest, RunnerWithNothingToDoAndNobodyToServeEndsItself) {
  Open();
  ASSERT_GT(world_->RunnerPid(), 0);
  executor_->Close();
  EXPECT_TRUE(Eventually([&] { return world_->RunnerPid() == 0; }));
}

// Rule 17: leaving tasks running, or stopping them with the runner.
TEST_F(LocalExecutorTest, QuitLeavesTasksRunningUnlessTheyAreToBeKilled) {
  Open();
  const AttemptSpec spec = Spec(1, "echo $$ > $DIR/pid; exec sleep 68");
  executor_->Start(spec);
  const int64_t pid = log_.AwaitRunning(spec.key).pid;
  executor_->Close();
  ASSERT_EQ(RunnerConnection::Quit(world_->Address(), false), Status::Ok());
  EXPECT_EQ(kill(static_cast<pid_t>(pid), 0), 0);
  auto next = world_->NewLocal();
  ReportLog next_log;
  ASSERT_EQ(next->Open(2, {{.spec = spec, .status = TaskStatus::kRunning}}, next_log.Sink()),
            Status::Ok());
  next_log.AwaitRunning(spec.key);
  next->Close();
  ASSERT_EQ(RunnerConnection::Quit(world_->Address(), true), Status::Ok());
  EXPECT_TRUE(Eventually([&] { return kill(static_cast<pid_t>(pid), 0) != 0; }));
  const auto record = runner::ReadClaim(executor_->AttemptDir(spec.key));
  ASSERT_TRUE(record && record->result);
  EXPECT_EQ(record->result->outcome, runner::Outcome::kStopped);
}

// Rule 17: the end of a log stays, at its offsets; what is before it takes no room.
TEST_F(LocalExecutorTest, Rule17LogKeepsItsEndAlsoOfAnAdoptedAttempt) {
  constexpr int64_t kMax = 256 << 10;
  Open(300, kMax);
  const AttemptSpec spec = Spec(
      1,
      "yes 'a line of the log' | head -c 1000000; echo; while [ ! -e $DIR/go ]; do sleep 0.01; "
      "done; echo the end; echo 0 > $AIFLOW_RESULT_FILE");
  executor_->Start(spec);
  log_.AwaitRunning(spec.key);
  executor_->Close();
  world_->KillSupervisor();
  auto next = world_->NewLocal();
  ReportLog next_log;
  ASSERT_EQ(next->Open(2, {{.spec = spec, .status = TaskStatus::kRunning}}, next_log.Sink()),
            Status::Ok());
  next_log.AwaitRunning(spec.key);
  std::ofstream(world_->dir() / "go") << "x";
  EXPECT_EQ(next_log.AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  const fs::path log = runner::LogPath(next->AttemptDir(spec.key));
  EXPECT_EQ(fs::file_size(log), 1'000'001U + 8);
  struct stat file {};
  ASSERT_EQ(stat(log.c_str(), &file), 0);
  EXPECT_GE(file.st_blocks * 512, kMax);
  if (RunnerSays("has no holes")) GTEST_SKIP() << "no holes in " << log;
  EXPECT_LE(file.st_blocks * 512, kMax + kMax / 8 + 16'384);
  EXPECT_TRUE(FileContents(log).ends_with("the end\n"));
  next->Close();
}

TEST_F(LocalExecutorTest, OpenFailsWithAReasonWhenTheRunnerCannotBeStarted) {
  const LocalWorld world;
  LocalExecutor executor(
      {.runner = {.binary = "/nonexistent/aiflow-runner", .dir = (world.dir() / "runner").string()},
       .attempts_dir = (world.dir() / "attempts").string()});
  const Status status = executor.Open(1, {}, [](AttemptReport) {});
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), testing::HasSubstr("/nonexistent/aiflow-runner"));
}

}  // namespace
}  // namespace aiflow
