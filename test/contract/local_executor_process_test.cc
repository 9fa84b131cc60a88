// What the local executor promises beyond the contract of all: its attempts are processes of this
// machine, and their directories are files of it.
#include <csignal>

#include "contract/local_executor_world.h"

namespace aiflow {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

bool ProcessExists(int64_t pid) { return pid > 0 && kill(static_cast<pid_t>(pid), 0) == 0; }

class LocalExecutorContract : public ExecutorContract {};

INSTANTIATE_TEST_SUITE_P(Local, LocalExecutorContract, testing::Values(ExecutorWorldFactory{[] {
                           return std::make_unique<LocalWorld>();
                         }}));

TEST_P(LocalExecutorContract, RunningNamesTheProcess) {
  Open();
  const AttemptSpec spec =
      Bash(1, "echo $$ > $DIR/pid; while [ ! -e $DIR/go ]; do sleep 0.01; done");
  executor_->Start(spec);
  const int64_t pid = log_->AwaitRunning(spec.key).pid;
  EXPECT_TRUE(ProcessExists(pid));
  ASSERT_TRUE(Eventually([&] { return File("pid") == std::to_string(pid) + "\n"; }));
  NewServer({{.spec = spec, .status = TaskStatus::kRunning}});
  EXPECT_EQ(log_->AwaitRunning(spec.key).pid, pid);
  Touch("go");
  log_->AwaitEnd(spec.key);
}

TEST_P(LocalExecutorContract, CommandThatCannotBeExecutedNeverRuns) {
  Open();
  AttemptSpec spec = Bash(1, "");
  spec.argv = {"no-such-program-anywhere"};
  executor_->Start(spec);
  log_->AwaitEnd(spec.key);
  EXPECT_EQ(log_->Count(spec.key, TaskStatus::kRunning), 0U);
}

TEST_P(LocalExecutorContract, WorkingDirectoryThatCannotBeMadeIsNamed) {
  Open();
  Touch("file");
  AttemptSpec spec = Bash(1, "true");
  spec.working_dir = (world_->dir() / "file" / "below").string();
  executor_->Start(spec);
  EXPECT_THAT(log_->AwaitEnd(spec.key).reason, StartsWith("cannot make directory"));
}

TEST_P(LocalExecutorContract, CommandTooLargeForTheSystemIsFailedWithTheSizes) {
  Open();
  const AttemptSpec spec = Bash(1, "true " + std::string(300'000, 'x'));
  executor_->Start(spec);
  const AttemptReport end = log_->AwaitEnd(spec.key);
  EXPECT_EQ(end.status, TaskStatus::kFailed);
  EXPECT_THAT(end.reason, HasSubstr("Argument list too long"));
  EXPECT_THAT(end.reason, HasSubstr("131071"));
}

TEST_P(LocalExecutorContract, FilesArePutIntoTheAttemptDirectory) {
  Open();
  AttemptSpec spec =
      Bash(1, "case $AIFLOW_EVENT_CONTEXT_FILE in $AIFLOW_ATTEMPT_DIR/*) ;; *) exit 1;; esac");
  spec.files["AIFLOW_EVENT_CONTEXT_FILE"] = "{\"hour\": 7}";
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
}

// Rule 10: what ignores the signal is killed after the grace period, with all its descendants.
TEST_P(LocalExecutorContract, StopKillsEveryDescendant) {
  Open();
  AttemptSpec spec =
      Bash(1,
           "trap '' TERM; (trap '' TERM; sleep 61 & echo $! > $DIR/grandchild; wait) & "
           "while :; do sleep 0.05; done");
  spec.stop_grace = Millis(200);
  executor_->Start(spec);
  ASSERT_TRUE(Eventually([&] { return !File("grandchild").empty(); }));
  executor_->Stop(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kStopped);
  EXPECT_FALSE(ProcessExists(std::stoll(File("grandchild"))));
}

TEST_P(LocalExecutorContract, StopLeavesTheGroupItsGraceAfterTheLeaderHasGone) {
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

// Rule 14: an attempt has ended only when no process of it exists.
TEST_P(LocalExecutorContract, EndedAttemptLeavesNoProcessOfAnotherSession) {
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

TEST_P(LocalExecutorContract, ForgottenAttemptNeverRunsAgain) {
  Open();
  const AttemptSpec spec =
      Bash(1, "echo run; echo run >> $DIR/runs; touch $AIFLOW_ATTEMPT_DIR/scratch");
  executor_->Start(spec);
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kSuccess);
  const std::string log = executor_->LogPath(spec.key);
  executor_->Forget(spec.key);
  const auto scratch = std::filesystem::path(log).parent_path() / "scratch";
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(scratch); }));
  NewServer({{.spec = spec, .status = TaskStatus::kQueued}});
  EXPECT_EQ(log_->AwaitEnd(spec.key).status, TaskStatus::kFailed);
  EXPECT_EQ(File("runs"), "run\n");
}

// Rule 14: what a dead leader leaves behind is ended before anything is reported.
TEST_P(LocalExecutorContract, LeaderKilledWithNobodyThereLeavesNoStray) {
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

}  // namespace
}  // namespace aiflow
